defmodule ElixirScope.Distributed.Parity.Cluster do
  @moduledoc false
  # What stories are told with: the public functions of the library, asked on one node of a cluster
  # that is virtual or real, and their answers in words that both have in common: `:a` for the first
  # node, an error's reason for the error.

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{ClusterStateManager, Error, EventSynchronizer, GlobalClock}
  alias ElixirScope.Distributed.{NodeCoordinator, Options}
  alias ElixirScope.Distributed.Storages.Native, as: Storage

  import ElixirScope.Distributed.Case, only: [eventually: 2]

  @within [within: 20_000]

  def all, do: [:a, :b, :c]
  def node_of(cluster, name), do: cluster.nodes[name]

  def ask(cluster, name, fun), do: plain(cluster, cluster.world.run(cluster, name, fun))

  # Each event knows of the one before, as one does that comes of a request with a stamp: between nodes
  # that say nothing to each other, the order of what is microseconds apart is that of their clocks.
  def record(c, name, what, data, options \\ []) do
    before = Process.get(__MODULE__)

    stamp =
      c.world.run(c, name, fn scope ->
        _ = before && GlobalClock.update(before, scope)
        :ok = Scope.record(what, data, [scope: scope] ++ options)
        GlobalClock.now(scope)
      end)

    Process.put(__MODULE__, stamp)
    :ok
  end

  def query(c, name, filter, options \\ []) do
    ask(c, name, &Scope.query([kinds: [:mark], scope: &1] ++ filter, options))
  end

  @doc "What the marks of a story are, as one node tells it."
  def data(c, name, story) do
    {:ok, %{events: events}} =
      c.world.run(c, name, &Scope.query(kinds: [:mark], scope: &1, correlation_id: story))

    for event <- events, do: event.data
  end

  def events(c, name, filter), do: ask(c, name, &Scope.events([scope: &1] ++ filter))
  def members(c, name), do: ask(c, name, &NodeCoordinator.get_cluster_nodes/1)
  def status(c, name), do: ask(c, name, &elem(Scope.status(&1), 1))
  def topology(c, name), do: ask(c, name, &ClusterStateManager.get_cluster_topology/1)
  def quorum(c, name), do: ask(c, name, &ClusterStateManager.quorum/1)
  def sync(c, name), do: ask(c, name, &EventSynchronizer.sync_with_cluster/1)
  def now(c, name), do: c.world.run(c, name, &GlobalClock.now/1)

  def info(c, name, other) do
    other = c.nodes[other] || other
    ask(c, name, &ClusterStateManager.get_node_info(other, &1))
  end

  def standing(c, name, other) do
    {:ok, info} = info(c, name, other)
    {info.status, info.reason}
  end

  def partition(c, name) do
    {:ok, found} = ask(c, name, &ClusterStateManager.get_partition_status/1)
    Map.update!(found, :known, &Enum.sort/1)
  end

  def decide(c, name, decision, other) do
    other = c.nodes[other] || other
    ask(c, name, &apply(NodeCoordinator, decision, [other, &1]))
  end

  @doc "How many marks of a story each node's events make up, of what one node holds by itself."
  def held(c, name, story) do
    ask(c, name, fn scope ->
      {:ok, scope} = ElixirScope.Distributed.Scope.fetch(scope)
      filter = Options.validate!(:filter, kinds: [:mark], correlation_id: story)
      {:ok, %{events: events}} = Storage.query(scope.store, filter)
      Enum.frequencies_by(events, & &1.node)
    end)
  end

  @doc "Waits until all are one cluster, which knows that it is whole."
  def whole(c) do
    for name <- all() do
      soon(fn -> {:ok, all()} == members(c, name) end)
      soon(fn -> partition(c, name).kinds -- [:flapping] == [] end)

      soon(fn ->
        for({_, heard} <- topology(c, name) |> elem(1) |> Map.get(:hears), do: length(heard)) == [
          2,
          2,
          2
        ]
      end)
    end

    c
  end

  def soon(fun), do: eventually(fun, @within)

  @doc "Waits until a story's value is the one that is expected, and returns it."
  def becomes(fun, wanted?) do
    eventually(
      fn ->
        value = fun.()
        if wanted?.(value), do: {:ok, value}, else: raise("still " <> inspect(value))
      end,
      @within
    )
    |> elem(1)
  end

  @doc "A term in words that every cluster has in common."
  def plain(c, term), do: plain_in(Map.new(c.nodes, fn {name, node} -> {node, name} end), term)

  defp plain_in(_names, %Error{reason: reason}), do: reason
  defp plain_in(names, %_{} = struct), do: plain_in(names, Map.from_struct(struct))

  defp plain_in(names, %{} = map),
    do: Map.new(map, fn {key, value} -> {plain_in(names, key), plain_in(names, value)} end)

  defp plain_in(names, [head | rest]), do: [plain_in(names, head) | plain_in(names, rest)]

  defp plain_in(names, tuple) when is_tuple(tuple),
    do: tuple |> Tuple.to_list() |> Enum.map(&plain_in(names, &1)) |> List.to_tuple()

  defp plain_in(names, atom) when is_atom(atom), do: Map.get(names, atom, atom)
  defp plain_in(_names, other), do: other
end
