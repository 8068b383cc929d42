defmodule ElixirScope.Distributed.Case.Capture do
  @moduledoc false
  # What the nodes of a test record while it runs. Each traces itself alone, so that what is done to
  # one of them takes nothing away from the others; one that is started again begins again.

  alias ElixirScope.Distributed, as: Library
  alias ElixirScope.Distributed.Capture.Pattern
  alias ElixirScope.Distributed.Case.{Cluster, Peer}

  @library :elixir_scope_distributed

  # A test wants to know what happened, and its nodes are there for nothing else.
  @generous [
    profile: :recorder,
    health: [run_queue: :infinity, scheduler: :infinity, dist_ports: :infinity]
  ]
  @whole [messages: true, return: true, kinds: [:process]]

  @typedoc """
  What is traced, and the options of `trace/2`. What nobody asked for, as it is so by default, must not fail
  a test: where it is refused, that is said.
  """
  @type wanted :: {patterns :: term, keyword} | {:default, patterns :: term} | nil

  @doc "What `capture:` asks for; by default all of people's own applications."
  @spec wanted(term, [atom]) :: wanted
  def wanted(false, _apps), do: nil

  def wanted(true, apps) do
    own = for app <- apps, own?(app), do: {:app, app}
    if own != [], do: {:default, own}
  end

  def wanted({patterns, options}, _apps) when is_list(options), do: {patterns, options}
  def wanted([], _apps), do: nil
  def wanted(patterns, _apps), do: {patterns, []}

  # Neither the library, nor what comes with Erlang and Elixir.
  defp own?(app), do: app != @library and not given?(:code.lib_dir(app))

  defp given?({:error, :bad_name}), do: false

  defp given?(folder) do
    folders = [:code.lib_dir(), Path.dirname(to_string(:code.lib_dir(:elixir)))]
    Enum.any?(folders, &String.starts_with?(to_string(folder), to_string(&1)))
  end

  @doc "Begins on a node; returns when it records."
  @spec begin(node, wanted) :: :ok
  def begin(_node, nil), do: :ok

  def begin(node, {:default, patterns}) do
    with {:error, error} <- ask(node, patterns, []),
         do: IO.puts(:stderr, "nothing is captured on #{node}: #{Exception.message(error)}")

    :ok
  end

  def begin(node, {patterns, options}) do
    with {:error, error} <- ask(node, patterns, options), do: raise(error)
  end

  defp ask(node, patterns, options) do
    {:ok, _apps} = Cluster.on(node, Application, :ensure_all_started, [@library])

    with {:ok, _trace} <- Cluster.on(node, __MODULE__, :trace_here, [patterns, options]),
         do: :ok
  end

  @doc "On the node: a trace that ends with it, and not with whoever asked."
  @spec trace_here(term, keyword) :: {:ok, Library.Trace.t()} | {:error, Exception.t()}
  def trace_here(patterns, options) do
    {asker, ref} = {self(), make_ref()}
    load(patterns)
    options = (@generous ++ @whole) |> Keyword.merge(options) |> Keyword.put(:nodes, [node()])

    spawn(fn ->
      send(asker, {ref, Library.trace(patterns, options)})
      Process.sleep(:infinity)
    end)

    receive do
      {^ref, outcome} -> outcome
    end
  end

  # What is loaded only when it is called would be traced only from then on.
  defp load(patterns) do
    with {:ok, patterns} <- Pattern.parse(patterns),
         do: for(%{module: module} <- patterns, do: load_one(module))
  end

  defp load_one({:app, app}), do: Enum.each(Application.spec(app, :modules) || [], &load_one/1)
  defp load_one({:glob, _glob}), do: :ok
  defp load_one(module), do: Code.ensure_loaded(module)

  @doc "Those of the nodes that can be asked now."
  @spec there([node]) :: [node]
  def there(nodes), do: Enum.filter(nodes, &match?({:ok, _control}, Peer.control(&1)))
end
