defmodule ElixirScope.Distributed.Virtual do
  @moduledoc false
  # Virtual nodes of one VM over a simulated network, and what each of them has in its own store.

  import ExUnit.Assertions
  import ExUnit.Callbacks
  import ElixirScope.Distributed.Case, only: [eventually: 2]

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{Event, NodeCoordinator, Options, Storages}
  alias ElixirScope.Distributed.Transports.Isolated

  @doc "A network with so many members of one scope; `more` are options, or a function of a node to them."
  def cluster(name, number, more \\ [], faults \\ []) do
    network = start_supervised!({Isolated.Network, [seed: 7] ++ faults}, id: {name, :network})
    scopes = for n <- 1..number, do: :"#{name} #{n}"
    nodes = for n <- 1..number, do: :"n#{n}@sim"

    for {scope, node} <- Enum.zip(scopes, nodes) do
      transport = {Isolated, network: network, scope: name}
      options = [name: scope, node: node, transport: transport, sync_interval_ms: 50]
      more = if is_function(more), do: more.(node), else: more
      start_supervised!({Scope, options ++ more}, id: scope)
    end

    :ok = NodeCoordinator.setup_cluster(tl(nodes), hd(scopes))
    for scope <- scopes, do: together(scope, nodes)
    {network, scopes, nodes}
  end

  @doc "Waits until a scope has these members."
  def together(scope, nodes) do
    nodes = Enum.sort(nodes)

    eventually(
      fn -> assert {:ok, ^nodes} = NodeCoordinator.get_cluster_nodes(scope) end,
      within: 20_000
    )
  end

  @doc "What is in the store of a scope itself."
  def held(name, filter) do
    {:ok, scope} = ElixirScope.Distributed.Scope.fetch(name)
    filter = Keyword.put_new(filter, :limit, 1_000_000)
    {:ok, found} = Storages.Native.query(scope.store, Options.validate!(:filter, filter))
    found.events
  end

  @doc "What several scopes have together: each event once, in the order of all."
  def oracle(scopes, filter) do
    scopes |> Enum.flat_map(&held(&1, filter)) |> Enum.uniq_by(& &1.id) |> Enum.sort_by(&place/1)
  end

  @doc "Where an event stands in the order of all."
  def place(%Event{at: {logical, ns, _node}, id: {{node, incarnation}, seq}}),
    do: {ns, logical, Atom.to_string(node), incarnation, seq}
end
