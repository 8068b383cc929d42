defmodule ElixirScope.Distributed.Debug.Graph do
  @moduledoc false
  # Which module depends on which, held by the native core: a handle of this node. What
  # crosses nodes is `to_bytes/1`. Internal: what finds the dependencies and speaks to
  # users stands above it.
  #
  #     {:ok, graph} = Graph.load([{Orders, [{Cart, :runtime, [{"lib/orders.ex", 3}]}]}, {Cart, []}])
  #     Graph.why(graph, Orders, Cart)
  #     #=> {:ok, [Orders, Cart]}
  #
  # `:kinds` everywhere says which edges count; by default all do. A module that is only
  # named by others is part of the graph too. What cannot be is an `{:error, reason}`.

  alias ElixirScope.Distributed.Native

  @type t :: reference
  @type kind :: :compile | :exports | :runtime | :observed
  @type place :: {file :: String.t(), line :: non_neg_integer}
  @type entry :: {needed :: module, kind, [place]}
  @type change :: :none | :places | :structure
  @type reason :: :bad_module | :bad_reference | :unknown_module | :too_many
  @type listed :: {module, defined? :: boolean, [entry]}

  @kinds [:compile, :exports, :runtime, :observed]

  @doc "A graph of these modules and what each needs; one that is given twice has both lists."
  @spec load([{module, [entry]}]) :: {:ok, t} | {:error, reason}
  def load(modules), do: Native.graph_load(modules)

  @doc "The graph that another node wrote with `to_bytes/1`."
  @spec from_bytes(binary) :: {:ok, t} | {:error, String.t()}
  def from_bytes(bytes), do: Native.graph_from_bytes(bytes)

  @doc "The graph as bytes; the same graph is always the same bytes."
  @spec to_bytes(t) :: binary
  def to_bytes(graph), do: Native.graph_to_bytes(graph)

  @doc """
  Sets what a module that was compiled needs. `:none` and `:places` mean that whatever
  was computed from the graph still holds.
  """
  @spec replace(t, module, [entry]) :: {:ok, change} | {:error, reason}
  def replace(graph, module, entries), do: Native.graph_replace(graph, module, entries)

  @doc "Takes a module's list away; its name stays where others need it."
  @spec remove(t, module) :: {:ok, change} | {:error, reason}
  def remove(graph, module), do: Native.graph_remove(graph, module)

  @doc "How large it is, and how often its content and its structure changed."
  @spec info(t) :: %{modules: integer, edges: integer, content: integer, structure: integer}
  def info(graph), do: Native.graph_info(graph)

  @doc "All of it, in no order."
  @spec list(t) :: [listed]
  def list(graph), do: Native.graph_list(graph)

  @doc "What the module needs itself."
  @spec direct(t, module, keyword) :: {:ok, [{module, [kind]}]} | {:error, reason}
  def direct(graph, module, options \\ []),
    do: Native.graph_direct(graph, module, :dependencies, kinds(options))

  @doc "Who needs the module itself."
  @spec reverse(t, module, keyword) :: {:ok, [{module, [kind]}]} | {:error, reason}
  def reverse(graph, module, options \\ []),
    do: Native.graph_direct(graph, module, :dependents, kinds(options))

  @doc "What the modules need, however far away, or `:depth` edges far; one list for each distance."
  @spec transitive(t, [module], keyword) :: {:ok, [[module]]} | {:error, reason}
  def transitive(graph, modules, options \\ []),
    do: Native.graph_walk(graph, modules, :dependencies, options[:depth], kinds(options))

  @doc "The same for who needs the modules."
  @spec dependents(t, [module], keyword) :: {:ok, [[module]]} | {:error, reason}
  def dependents(graph, modules, options \\ []),
    do: Native.graph_walk(graph, modules, :dependents, options[:depth], kinds(options))

  @doc "A shortest way along which the one needs the other, both included; `nil` if there is none."
  @spec why(t, module, module, keyword) :: {:ok, [module] | nil} | {:error, reason}
  def why(graph, from, to, options \\ []), do: Native.graph_why(graph, from, to, kinds(options))

  @doc "The strongly connected components, those that are needed before those that need."
  @spec components(t, keyword) :: [[module]]
  def components(graph, options \\ []), do: Native.graph_components(graph, kinds(options))

  @doc "The components with an edge inside, largest first, and all kinds of those edges."
  @spec cycles(t, keyword) :: [{[module], [kind]}]
  def cycles(graph, options \\ []), do: Native.graph_cycles(graph, kinds(options))

  @doc "The modules by how many steps of dependencies are below them."
  @spec layers(t, keyword) :: [[module]]
  def layers(graph, options \\ []), do: Native.graph_layers(graph, kinds(options))

  @doc """
  What a change of these modules' `:bodies`, or also of their `:exports`, comes to: who is
  compiled again, and who only calls, however far away, what changed.
  """
  @spec affected(t, [module], :bodies | :exports) ::
          {:ok, {recompiled :: [module], reached :: [module]}} | {:error, reason}
  def affected(graph, changed, extent \\ :exports),
    do: Native.graph_affected(graph, changed, extent)

  @doc "What the older graph says and the newer does not, and what the newer adds."
  @spec diff(t, t) :: {removed :: [listed], added :: [listed]}
  def diff(old, new), do: Native.graph_diff(old, new)

  defp kinds(options), do: Keyword.get(options, :kinds, @kinds)
end
