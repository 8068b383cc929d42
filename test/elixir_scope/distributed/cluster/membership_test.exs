defmodule ElixirScope.Distributed.Cluster.MembershipTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen
  import ElixirScope.Distributed.Operations, only: [read: 2]

  alias ElixirScope.Distributed.Cluster.{Membership, Roll}
  alias ElixirScope.Distributed.Types.{ClusterMessage, ClusterNodeInfo}

  @seen {0, 1_000, :a@h}

  # A cluster of pure memberships and the messages on the way between them.
  defmodule World do
    alias ElixirScope.Distributed.Cluster.Membership

    defstruct members: %{}, log: []

    def new(nodes), do: %__MODULE__{members: Map.new(nodes, &{&1, Membership.new(&1, 1)})}

    def step(world, node, fun) do
      {actions, membership} = fun.(world.members[node])
      world = put_in(world.members[node], membership)
      Enum.reduce(actions, world, &act(&2, node, &1))
    end

    defp act(world, from, {:send, to, message}) when is_map_key(world.members, to),
      do: step(world, to, &Membership.heard(&1, from, message, {0, 9_000, to}))

    # Both ends of a connection hear of it.
    defp act(world, from, {:connect, to}) when is_map_key(world.members, to),
      do: world |> step(from, &Membership.up(&1, to)) |> step(to, &Membership.up(&1, from))

    defp act(world, from, {:changed, _, _} = action),
      do: update_in(world.log, &[{from, action} | &1])

    defp act(world, _from, _not_there), do: world
  end

  defp welcome(node, incarnation \\ 1) do
    %ClusterMessage{
      source_node: node,
      kind: :welcome,
      protocol: {1, 1},
      incarnation: incarnation,
      sent_at: @seen
    }
  end

  test "one call on one node makes all of them one scope" do
    world = World.new([:a, :b, :c]) |> World.step(:a, &Membership.set_up(&1, [:b, :c], @seen))

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
    {:ok, {[{:connect, :b}], membership}} = Membership.register(membership, :b, @seen)
    assert {{:error, :already_exists}, {[], _}} = Membership.register(membership, :b, @seen)
    assert {{:error, :already_exists}, {[], _}} = Membership.register(membership, :a, @seen)
  end

  test "who was unregistered stays out through reconnects, until registered again" do
    world = World.new([:a, :b]) |> World.step(:a, &Membership.set_up(&1, [:b], @seen))
    world = World.step(world, :a, &elem(Membership.unregister(&1, :b, {0, 2_000, :a}), 1))
    assert Membership.peers(world.members[:a]) == []
    assert world.members[:b].nodes[:a].reason == :unregistered

    world = World.step(world, :a, &Membership.up(&1, :b))
    world = World.step(world, :b, &Membership.up(&1, :a))
    assert Membership.peers(world.members[:a]) == []
    assert Membership.peers(world.members[:b]) == []

    world = World.step(world, :a, &elem(Membership.register(&1, :b, {0, 3_000, :a}), 1))
    assert Membership.peers(world.members[:a]) == [:b]
    assert Membership.peers(world.members[:b]) == [:a]
  end

  test "an unknown node cannot be unregistered" do
    assert {{:error, :not_found}, _} = Membership.unregister(Membership.new(:a, 1), :b, @seen)
  end

  test "a node that went down is missing only if somebody wanted it" do
    {_, membership} = Membership.set_up(Membership.new(:a, 1), [:b], @seen)
    {_, membership} = Membership.up(membership, :c)
    {_, membership} = Membership.heard(membership, :b, welcome(:b), @seen)
    {_, membership} = Membership.heard(membership, :c, welcome(:c), @seen)

    {[{:changed, :b, :down}, {:diagnose, :b}], membership} =
      Membership.down(membership, :b, :net_tick_timeout, @seen)

    {[{:changed, :c, :down}, {:diagnose, :c}], membership} =
      Membership.down(membership, :c, :connection_closed, @seen)

    assert Membership.missing(membership) == [:b]
    assert membership.nodes[:c].reason == :lost
    assert Roll.missed(membership) == []
    membership = Roll.diagnosed(membership, :b, :not_running)
    membership = Roll.overdue(Roll.overdue(membership, :b), :c)

    assert {:not_running, :unreachable} ==
             {membership.nodes[:b].reason, membership.nodes[:c].reason}

    assert Roll.missed(membership) == [:c]
  end

  test "a peer that comes back with another incarnation was restarted" do
    {_, membership} = Membership.heard(Membership.new(:a, 1), :b, welcome(:b, 1), @seen)
    {_, membership} = Membership.down(membership, :b, :connection_closed, @seen)
    {_, membership} = Membership.heard(membership, :b, welcome(:b, 2), @seen)
    assert %{status: :up, reason: :restarted, incarnation: 2} = membership.nodes[:b]
  end

  test "no version in common is a state, not a crash" do
    stranger = %{welcome(:b) | protocol: {7, 9}}
    {actions, membership} = Membership.heard(Membership.new(:a, 1), :b, stranger, @seen)
    assert [{:send, :b, %{kind: :refused, reason: :no_common_version}}] = actions
    assert %{status: :down, reason: :no_common_version} = membership.nodes[:b]
  end

  test "who began again without a word of the VM has another incarnation" do
    {_, membership} = Membership.heard(Membership.new(:a, 1), :b, welcome(:b, 1), @seen)
    bye = Membership.farewell(Membership.new(:b, 1))
    {[{:changed, :b, :down}], membership} = Membership.heard(membership, :b, bye, @seen)
    assert membership.nodes[:b].reason == :left
    {_, membership} = Membership.heard(membership, :b, welcome(:b, 2), @seen)
    assert %{status: :up, reason: :other_incarnation} = membership.nodes[:b]
  end

  test "one that began anew without taking its leave has come, once" do
    {[_, {:changed, :b, :up}], membership} =
      Membership.heard(Membership.new(:a, 1), :b, %{welcome(:b, 1) | kind: :hello}, @seen)

    again = %{welcome(:b, 2) | kind: :hello}
    {[_, {:changed, :b, :up}], membership} = Membership.heard(membership, :b, again, @seen)
    assert %{status: :up, reason: :other_incarnation} = membership.nodes[:b]
    assert {[_welcome], _membership} = Membership.heard(membership, :b, again, @seen)
  end

  test "a decision reaches whoever was not there when it was made" do
    world = World.new([:a, :b, :c]) |> World.step(:a, &Membership.set_up(&1, [:b, :c], @seen))
    world = World.step(world, :a, &elem(Membership.unregister(&1, :b, {0, 2_000, :a}), 1))
    assert Membership.peers(world.members[:c]) == [:a]
    assert world.members[:c].nodes[:b].status == :unregistered

    # d knows nothing of it, and has b in its configuration.
    world = put_in(world.members[:d], Membership.new(:d, 1))
    world = World.step(world, :d, &Membership.propose(&1, [:a, :b, :c]))
    assert Membership.members(world.members[:d]) == [:a, :c, :d]
    assert Membership.members(world.members[:b]) == [:b]
  end

  test "decisions, and who stays out, outlive whoever kept them" do
    world = World.new([:a, :b, :c]) |> World.step(:a, &Membership.set_up(&1, [:b, :c], @seen))
    world = World.step(world, :a, &elem(Membership.unregister(&1, :b, {0, 2_000, :a}), 1))
    again = Membership.resume(Membership.new(:a, 2), world.members[:a])
    assert Membership.missing(again) == [:c]
    assert again.nodes[:b].status == :unregistered
    assert Roll.known(again) == [:a, :c]
    assert {[], ^again} = Membership.up(again, :b)
  end

  test "who is known: registered, or ever up, and not gone for good" do
    {_, membership} = Membership.set_up(Membership.new(:a, 1), [:b], @seen)
    {_, membership} = Membership.heard(membership, :c, welcome(:c), @seen)
    {_, membership} = Membership.up(membership, :stranger)
    assert Roll.known(membership) == [:a, :b, :c]

    {_, membership} = Membership.down(membership, :c, :connection_closed, @seen)
    assert Roll.known(membership) == [:a, :b, :c]
    assert Roll.known(Roll.forget(membership, {0, 2_000, :a})) == [:a, :b]

    bye = Membership.farewell(Membership.new(:c, 1))
    {_, membership} = Membership.heard(membership, :c, bye, @seen)
    assert Roll.known(membership) == [:a, :b]
  end

  test "where nobody more can be known, who is gone longest makes room" do
    full =
      Enum.reduce(1..Roll.limit(), Membership.new(:a, 1), fn n, membership ->
        node = :"n#{n}"
        {_, membership} = Membership.heard(membership, node, welcome(node), @seen)
        elem(Membership.down(membership, node, :connection_closed, {0, 1_000 + n, :a}), 1)
      end)

    {_, membership} = Membership.heard(full, :late, welcome(:late), @seen)
    assert map_size(membership.nodes) == Roll.limit()
    assert Membership.peers(membership) == [:late]
    refute is_map_key(membership.nodes, :n1)

    all_up =
      Enum.reduce(
        1..Roll.limit(),
        full,
        &elem(Membership.heard(&2, :"n#{&1}", welcome(:"n#{&1}"), @seen), 1)
      )

    assert {[], ^all_up} = Membership.up(all_up, :late)
    assert {[], ^all_up} = Membership.heard(all_up, :late, welcome(:late), @seen)
  end

  test "nobody is a member of itself" do
    assert {[], membership} = Membership.heard(Membership.new(:a, 1), :a, welcome(:a), @seen)
    assert membership.nodes == %{}
  end

  test "whatever a peer says, membership goes on" do
    garbage =
      one_of([
        term(),
        tuple([constant(1), constant(1)]),
        constant({1, 1}),
        constant({0, 1_000, :b}),
        constant([{:b, {:in, {0, 1, :a}}}]),
        constant([:record | :improper])
      ])

    kind = one_of(Enum.map([:hello, :welcome, :refused, :register, :bye, :nonsense], &constant/1))
    fields = [:protocol, :incarnation, :reason, :capabilities, :sent_at, :digest, :register]
    values = tuple([kind | List.duplicate(garbage, length(fields))])

    property(values, [runs: 40], fn values ->
      [kind | values] = Tuple.to_list(values)

      message =
        Map.merge(%ClusterMessage{source_node: :b, kind: kind}, Map.new(Enum.zip(fields, values)))

      with {:ok, message} <- read(:b, message) do
        assert {_actions, %Membership{}} =
                 Membership.heard(Membership.new(:a, 1), :b, message, @seen)
      end
    end)
  end

  test "no message is one that another sent, that has no known form, or is of another kind" do
    bye = %{Membership.farewell(Membership.new(:b, 1)) | sent_at: @seen}
    assert {:ok, %{kind: :bye}} = read(:b, bye)
    assert {:error, :source_node} = read(:c, bye)
    assert {:error, :kind} = read(:b, %{bye | kind: :shutdown})
    assert {:error, :kind} = read(:b, Map.delete(bye, :kind))
    assert {:error, :form} = read(:b, URI.parse("x"))
    assert {:error, :protocol} = read(:b, %{welcome(:b) | protocol: {2, 1}})

    assert {:error, :register} =
             read(:b, %{hello() | register: List.duplicate({:n, {:in, @seen}}, 257)})

    assert {:ok, _} = read(:b, Map.put(hello(), :news, "of a later version"))
  end

  defp hello, do: %{welcome(:b) | kind: :hello}
end
