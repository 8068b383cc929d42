defmodule ElixirScope.Distributed.Case.Parts do
  @moduledoc false
  # Members of a simulated network whose parts are tested: what the contracts of clocks and
  # synchronizers have in common.

  import ExUnit.Assertions

  alias ElixirScope.Distributed, as: Library
  alias ElixirScope.Distributed.Case.Eventually
  alias ElixirScope.Distributed.{NodeCoordinator, Options, Scope, Storages}
  alias ElixirScope.Distributed.Transports.Isolated

  @compile {:no_warn_undefined, [ExUnit.Assertions, ExUnit.Callbacks]}

  @members [A: :a@contract, B: :b@contract, C: :c@contract]

  @doc """
  So many members of one cluster, which are there until the test ends: the names of their scopes.
  Tests run at the same time: each, by its context, has members of its own.
  """
  @spec start(map, 1..3, keyword) :: [atom]
  def start(%{module: module, test: test}, number, options) do
    test = Module.concat(module, test)
    net = ExUnit.Callbacks.start_supervised!({Isolated.Network, seed: 1})
    members = Enum.take(@members, number)
    options = options ++ [transport: {Isolated, network: net, scope: test}, sync_interval_ms: 50]
    [first | _] = scopes = for member <- members, do: start_one(test, member, options)
    nodes = Keyword.values(members)
    :ok = NodeCoordinator.setup_cluster(tl(nodes), first)
    for scope <- scopes, do: meet(scope, nodes)
    scopes
  end

  defp start_one(test, {name, node}, options) do
    scope = Module.concat(test, name)
    ExUnit.Callbacks.start_supervised!({Library, [name: scope, node: node] ++ options}, id: scope)
    scope
  end

  defp meet(scope, nodes) do
    met = fn -> assert NodeCoordinator.get_cluster_nodes(scope) == {:ok, nodes} end
    Eventually.eventually(met, [])
  end

  @doc "What a member is called."
  @spec node_of(atom) :: node
  def node_of(scope) do
    {:ok, %{node: node}} = Scope.fetch(scope)
    node
  end

  @doc "The marks that a member has, of whomever."
  @spec marks(atom) :: {:ok, [Library.Event.t()]} | {:error, term}
  def marks(scope) do
    filter = Options.validate!(:filter, kinds: [:mark])

    with {:ok, %{store: store}} <- Scope.fetch(scope),
         {:ok, %{events: events}} <- Storages.Native.query(store, filter),
         do: {:ok, events}
  end

  @doc "How many that are."
  @spec has(atom) :: non_neg_integer
  def has(scope) do
    {:ok, marks} = marks(scope)
    length(marks)
  end
end
