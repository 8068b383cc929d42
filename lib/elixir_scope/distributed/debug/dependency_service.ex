defmodule ElixirScope.Distributed.Debug.DependencyService do
  @moduledoc """
  What a module needs, who needs it, and what a debugger has to interpret for a breakpoint.

      {:ok, result} = DependencyService.get_breakpoint_dependencies("lib/shop/cart.ex", 12)
      result.interpretation_candidates
      #=> [Shop.Cart, Shop.Price]
      result.left_out
      #=> [{Jason, :not_reached}, {Enum, :standard_library}]

  Every function returns a `Result`, or `{:error, reason}`. A question is answered in the process that asks, on
  a node that knows the code: on this one, where it does or nobody else offers to
  (`Services.register_language_server_services/1`), else on another. Answers are read off a version of the
  graph that never changes: a slow question delays no other one.

  ## Strategies

  What is interpreted is slow. Which modules that should be is for who asks to say:

    * `:reachable` - for a line, the default: the modules that the function there can reach, from function
      to function by calls, captures and protocols, and what was seen to be called at run time;
    * `:minimal` - for a module, the default: it and the modules it needs itself;
    * `:conservative` - besides those, who needs it;
    * `:transitive` - what it needs at `depth:` steps.

  None of them has what cannot be interpreted: native code, what belongs to the kernel or is sticky, this
  library, modules without debug information; nor, unless it was asked for itself, a module of Erlang's and
  Elixir's own libraries. What was left out, and why, is `left_out`. Calls of which only run time says the
  module are in no file: what was captured of them (`ElixirScope.Distributed.Debug.TracerStream.observed/1`) counts.

  ## When the other node is gone

  `start_link/1` names the node that is asked, and keeps its last answers. They stay as long as no change
  touches what they rest on, which that node's stream tells. While it cannot be reached, a question is
  answered by them: then `source` is `:cache`, and `version` says of which version of the graph it is the answer. What was
  never asked before is answered by this node, if it has the code (`source: :local`).

  ## Options of `start_link/1`

  #{ElixirScope.Distributed.Options.docs(:debug_dependencies)}
  """

  alias ElixirScope.Distributed.{Error, Options}
  alias ElixirScope.Distributed.Debug.DependencyService.{Ask, Asking, Result}
  alias ElixirScope.Distributed.Debug.TracerStream
  alias ElixirScope.Distributed.Debug.TracerStream.Snapshot

  @type answer :: {:ok, Result.t()} | {:error, Error.t() | atom | tuple}

  @doc """
  Says which node is asked, and keeps its answers.

      {:ok, _pid} = DependencyService.start_link(language_server_node: :"language@10.0.0.1")
  """
  @spec start_link(keyword) :: GenServer.on_start()
  defdelegate start_link(options), to: Asking

  @doc false
  def child_spec(options) do
    id = Keyword.get(options, :name, __MODULE__)
    %{id: id, start: {__MODULE__, :start_link, [options]}}
  end

  @doc """
  What a module needs, who needs it, and what to interpret of that.

  Options:

  #{Options.docs(:debug_module)}

      {:ok, result} = DependencyService.get_module_dependencies(Shop.Cart, strategy: :conservative)
  """
  @spec get_module_dependencies(module, keyword) :: answer
  def get_module_dependencies(module, options \\ []) do
    Ask.run(:debug_module, :module_dependencies, &[module, &1], options)
  end

  @doc """
  The same for the function with code on a line of a file.

  Errors are those of `ElixirScope.Distributed.Debug.Lines.at/2`. Options:

  #{Options.docs(:debug_breakpoint)}

      {:ok, result} = DependencyService.get_breakpoint_dependencies("lib/shop/cart.ex", 12)
  """
  @spec get_breakpoint_dependencies(String.t(), pos_integer, keyword) :: answer
  def get_breakpoint_dependencies(file, line, options \\ []) do
    Ask.run(:debug_breakpoint, :breakpoint_dependencies, &[file, line, &1], options)
  end

  @doc """
  The whole graph as a value, with its version, of the node that is asked.

      {:ok, snapshot} = DependencyService.get_cached_dependency_graph()
      {:ok, graph} = Graph.from_bytes(snapshot.graph)
  """
  @spec get_cached_dependency_graph() :: {:ok, Snapshot.t()} | {:error, term}
  def get_cached_dependency_graph do
    case Asking.defaults(__MODULE__)[:node] do
      node when node in [nil, node()] -> TracerStream.get_trace()
      node -> Ask.graph(node)
    end
  end

  @doc """
  The modules that it needs itself, as `direct_dependencies`.

      {:ok, %{direct_dependencies: [Shop.Price]}} = DependencyService.direct(Shop.Cart)
  """
  @spec direct(module) :: answer
  def direct(module), do: Ask.run(:debug_ask, :direct, fn _ -> [module] end, [])

  @doc """
  The modules that need it themselves, as `reverse_dependencies`.

      {:ok, %{reverse_dependencies: [Shop]}} = DependencyService.reverse(Shop.Cart)
  """
  @spec reverse(module) :: answer
  def reverse(module), do: Ask.run(:debug_ask, :reverse, fn _ -> [module] end, [])

  @doc """
  What it needs at one step, at two and so on, as `transitive_dependencies`. A number is the depth.

  Options:

  #{Options.docs(:debug_transitive)}

      {:ok, %{transitive_dependencies: [[Shop.Price], [Shop.Tax]]}} = DependencyService.transitive(Shop.Cart, 2)
  """
  @spec transitive(module, keyword | pos_integer) :: answer
  def transitive(module, options \\ [])
  def transitive(module, depth) when is_integer(depth), do: transitive(module, depth: depth)

  def transitive(module, options),
    do: Ask.run(:debug_transitive, :transitive, &[module, &1], options)

  @doc """
  A shortest way along which the one needs the other, as `path`; `nil` where there is none.

      {:ok, %{path: [Shop, Shop.Cart, Shop.Price]}} = DependencyService.why(Shop, Shop.Price)
  """
  @spec why(module, module) :: answer
  def why(from, to), do: Ask.run(:debug_ask, :why, fn _ -> [from, to] end, [])

  @doc """
  The modules that need one another, as `cycles`, largest first.

      {:ok, %{cycles: [[Shop, Shop.Cart]]}} = DependencyService.cycles()
  """
  @spec cycles() :: answer
  def cycles, do: Ask.run(:debug_ask, :cycles, fn _ -> [] end, [])

  @doc """
  What a change of the module comes to, as `affected`: who is compiled again, and who calls what changed.

      {:ok, %{affected: %{recompiled: [], reached: [Shop]}}} = DependencyService.affected_by(Shop.Cart)
  """
  @spec affected_by(module) :: answer
  def affected_by(module), do: Ask.run(:debug_ask, :affected_by, fn _ -> [module] end, [])

  @doc """
  How a started service stands: the node it asks, how many answers it keeps, and of which version it heard last.

      %{cache_size: 12, cache_limit: 1000} = DependencyService.status()
  """
  @spec status(atom) :: map
  def status(service \\ __MODULE__), do: Asking.status(service)
end
