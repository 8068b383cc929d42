defmodule ElixirScope.Distributed.Cluster.MembershipTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.Cluster.Membership
  alias ElixirScope.Distributed.Types.{ClusterMessage, ClusterNodeInfo}

  @seen {0, 1_000, :a@h}

  # A cluster of pure memberships and the messages on the way between them.
  defmodule World do
    defstruct members: %{}, log: []

    def new(nodes), do: %__MODULE__{members: Map.new(nodes, &{&1, Membership.new(&1, 1)})}

    def step(world, node, fun) do
      {actions, membership} = fun.(world.members[node])
      world = put_in(world.members[node], membership)
      Enum.reduce(actions, world, &act(&2, node, &1))
    end

    defp act(world, from, {:send, to, message}) when is_map_key(world.members, to),
      do: step(world, to, &Membership.heard(&1, from, message, {0, 1_000, from}))

    # Both ends of a connection hear of it.
    defp act(world, from, {:connect, to}) when is_map_key(world.members, to),
      do: world |> step(from, &Membership.up(&1, to)) |> step(to, &Membership.up(&1, from))

    defp act(world, from, action), do: update_in(world.log, &[{from, action} | &1])
  end

  defp welcome(node, incarnation \\ 1) do
    %ClusterMessage{source_node: node, kind: :welcome, protocol: 1..1, incarnation: incarnation}
  end

  test "one call on one node makes all of them one scope" do
    world = World.new([:a, :b, :c]) |> World.step(:a, &Membership.set_up(&1, [:b, :c]))

    for node <- [:a, :b, :c] do
      assert Membership.members(world.members[node]) == [:a, :b, :c]
    end
  end

  test "a node that is simply there becomes a member once it answers" do
    membership = Membership.new(:a, 1)
    {[{:send, :b, %{kind: :hello}}], membership} = Membership.up(membership, :b)
    assert %ClusterNodeInfo{status: :joining, reason: :no_library} = membership.nodes[:b]
    assert Membership.members(membership) == [:a]

    {actions, membership} = Membership.heard(membership, :b, welcome(:b), @seen)
    assert {:changed, :b, :up} in actions
    assert Membership.members(membership) == [:a, :b]
    assert %{protocol: 1, last_seen: @seen, reason: nil} = membership.nodes[:b]
  end

  test "registering twice says so" do
    membership = Membership.new(:a, 1)
    {:ok, {[{:connect, :b}], membership}} = Membership.register(membership, :b)
    assert {{:error, :already_exists}, {[], _}} = Membership.register(membership, :b)
    assert {{:error, :already_exists}, {[], _}} = Membership.register(membership, :a)
  end

  test "who was unregistered stays out through reconnects, until registered again" do
    world = World.new([:a, :b]) |> World.step(:a, &Membership.set_up(&1, [:b]))
    world = World.step(world, :a, &elem(Membership.unregister(&1, :b), 1))
    assert Membership.peers(world.members[:a]) == []
    assert world.members[:b].nodes[:a].reason == :unregistered

    world = World.step(world, :a, &Membership.up(&1, :b))
    world = World.step(world, :b, &Membership.up(&1, :a))
    assert Membership.peers(world.members[:a]) == []
    assert Membership.peers(world.members[:b]) == []

    world = World.step(world, :a, &elem(Membership.register(&1, :b), 1))
    assert Membership.peers(world.members[:a]) == [:b]
    assert Membership.peers(world.members[:b]) == [:a]
  end

  test "an unknown node cannot be unregistered" do
    assert {{:error, :not_found}, _} = Membership.unregister(Membership.new(:a, 1), :b)
  end

  test "a node that went down is missing only if somebody wanted it" do
    {_, membership} = Membership.set_up(Membership.new(:a, 1), [:b])
    {_, membership} = Membership.up(membership, :c)
    {_, membership} = Membership.heard(membership, :b, welcome(:b), @seen)
    {_, membership} = Membership.heard(membership, :c, welcome(:c), @seen)
    {[{:changed, :b, :down}], membership} = Membership.down(membership, :b)
    {[{:changed, :c, :down}], membership} = Membership.down(membership, :c)
    assert Membership.missing(membership) == [:b]
    assert membership.nodes[:c].reason == :unreachable
  end

  test "a peer that comes back with another incarnation was restarted" do
    {_, membership} = Membership.heard(Membership.new(:a, 1), :b, welcome(:b, 1), @seen)
    {_, membership} = Membership.down(membership, :b)
    {_, membership} = Membership.heard(membership, :b, welcome(:b, 2), @seen)
    assert %{status: :up, reason: :restarted, incarnation: 2} = membership.nodes[:b]
  end

  test "no version in common is a state, not a crash" do
    stranger = %{welcome(:b) | protocol: 7..9}
    {actions, membership} = Membership.heard(Membership.new(:a, 1), :b, stranger, @seen)
    assert [{:send, :b, %{kind: :refused, reason: :no_common_version}}] = actions
    assert %{status: :down, reason: :no_common_version} = membership.nodes[:b]
  end

  test "whatever a peer says, membership goes on" do
    for kind <- [:hello, :welcome, :refused, :join, :bye, :unheard_of],
        protocol <- [nil, 1, 1..1, "x"] do
      message = %ClusterMessage{source_node: :b, kind: kind, protocol: protocol}

      assert {_actions, %Membership{}} =
               Membership.heard(Membership.new(:a, 1), :b, message, @seen)
    end
  end
end
