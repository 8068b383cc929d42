defmodule ElixirScope.Distributed.OperationsTest do
  use ExUnit.Case

  import ElixirScope.Distributed.Case.Gen
  import ElixirScope.Distributed.Hostile

  alias ElixirScope.Distributed.Capture.{Conductor, Order, Pattern}
  alias ElixirScope.Distributed.{Operations, Options}
  alias ElixirScope.Distributed.Transport.Account
  alias ElixirScope.Distributed.Types.{EventSyncMessage, TraceMessage}
  doctest Operations

  @all [grants: [:record, :query, :trace], out: []]
  @known %Account{introduced?: true}

  defp judge(message, rules \\ []),
    do: Account.judge(@known, :b@h, message, Map.new(Keyword.merge(@all, rules)), 0)

  defp name(message) do
    {:ok, operation} = Operations.find(message)
    operation.name
  end

  test "each operation is in the table once, and is read as it is meant" do
    messages = messages(:b@h)
    assert messages |> Enum.map(&name/1) |> Enum.uniq() |> Enum.sort() == names()

    for message <- messages do
      assert {{:take, operation, read}, nil, %{accepted: 1}} = judge(message)
      assert operation == Operations.named(name(message))
      assert read == message
    end
  end

  defp names, do: Enum.sort(for operation <- Operations.all(), do: operation.name)

  test "none takes a function, or a module with a function and arguments" do
    calls = [
      {Kernel, :send, [self(), :called]},
      fn -> send(:nobody, :called) end,
      &Kernel.send/2,
      {:apply, Kernel, :send, [self(), :called]}
    ]

    for operation <- Operations.all(), {_field, type} <- operation.takes, call <- calls do
      assert operation.reader.check(type, call) in [:error, {:ok, :refused}]
    end

    for message <- messages(:b@h), %{takes: takes} = Operations.named(name(message)) do
      for {field, _type} <- takes, field != :reason, call <- calls do
        refute match?({{:take, _, _}, _, _}, judge(Map.put(message, field, call)))
      end
    end
  end

  test "each operation that needs a capability is refused without it, and counted" do
    for message <- messages(:b@h),
        %{needs: needs} = operation <- [Operations.named(name(message))] do
      without = judge(message, grants: [:record, :query, :trace] -- [needs])

      if needs do
        assert {{:refuse, ^operation, ^message}, {:refused, _}, account} = without
        assert {account.refused, account.accepted} == {%{operation.name => 1}, 0}
      else
        assert {{:take, ^operation, ^message}, nil, _account} = without
      end
    end

    needed = for %{needs: needs} <- Operations.all(), needs != nil, uniq: true, do: needs
    assert needed -- [:record, :query, :trace] == [] and :trace in needed and :record in needed
  end

  test "but for membership, nothing is heard of strangers, and of those who were put out" do
    for message <- messages(:b@h) do
      operation = Operations.named(name(message))
      stranger = Account.judge(%Account{}, :b@h, message, Map.new(@all), 0)
      out = judge(message, out: [:b@h])

      if operation.role == ElixirScope.Distributed.NodeCoordinator do
        assert {{:take, _, _}, nil, _} = stranger
        assert {{:take, _, _}, nil, _} = out
      else
        assert {:drop, {:unknown, _}, %{unknown: 1, accepted: 0}} = stranger
        assert {:drop, {:unknown, _}, %{unknown: 1, accepted: 0}} = out
      end
    end
  end

  test "a message that claims another sender, or is none, is refused and counted" do
    for message <- messages(:b@h) do
      assert {{:malformed, _, _}, {:malformed, :source_node}, %{malformed: 1}} =
               judge(%{message | source_node: :c@h})
    end

    for nonsense <- [nil, [], %{}, URI.parse("http://x"), %{__struct__: TraceMessage}, self()] do
      assert {{:malformed, role, nil}, {:malformed, what}, _} = judge(nonsense)
      assert role in [nil, Conductor]
      assert what in [:form, :kind]
    end

    long = %EventSyncMessage{
      source_node: :b@h,
      events_batch: <<0::size(8 * 262_145)>>,
      since_global_clock: nil
    }

    assert {{:malformed, _, nil}, {:malformed, :batch}, _} = judge(long)
  end

  test "when a message was sent is read of every kind, and has to be a stamp" do
    for message <- messages(:b@h) do
      assert {{:take, _, %{sent_at: {1, 2, :b@h}}}, nil, _} =
               judge(%{message | sent_at: {1, 2, :b@h}})

      assert {{:malformed, _, _}, _, _} = judge(%{message | sent_at: {256, 2, :b@h}})
    end
  end

  test "fields of later versions are not taken along" do
    for message <- messages(:b@h) do
      assert {{:take, _, ^message}, nil, _} = judge(Map.put(message, :more, fn -> 1 end))
    end
  end

  test "what comes too fast is dropped and counted, by kind, and said once" do
    [hello | _] = messages(:b@h)
    {per_s, burst} = Operations.named(:hello).rate

    {news, account} = flood(hello, %Account{}, burst + 500, 0)
    assert {account.accepted, account.limited} == {burst, %{hello: 500}}
    assert news == [{:limited, :hello}]
    assert Account.left(account, 0) == %{hello: 0}
    assert Account.left(account, 1_000) == %{hello: per_s}

    {news, account} = flood(hello, account, 500, 1_000)
    assert {account.accepted, news} == {burst + per_s, []}
    # Other kinds have their own.
    bye = Enum.find(messages(:b@h), &(Map.get(&1, :kind) == :bye))
    assert {{:take, _, _}, nil, _} = Account.judge(account, :b@h, bye, Map.new(@all), 1_000)
  end

  test "what cannot be read takes a place among those that may come, too" do
    arm = Enum.find(messages(:b@h), &(Map.get(&1, :kind) == :arm))
    {_per_s, burst} = Operations.named(:trace_arm).rate
    {_news, account} = flood(%{arm | order: :none}, @known, burst + 10, 0)
    assert {account.malformed, account.limited} == {burst, %{trace_arm: 10}}
  end

  defp flood(message, account, times, now) do
    Enum.reduce(1..times, {[], account}, fn _, {news, account} ->
      {_verdict, new, account} = Account.judge(account, :b@h, message, Map.new(@all), now)
      {news ++ List.wrap(new), account}
    end)
  end

  test "who waits for an answer to what cannot be read is told" do
    arm = Enum.find(messages(:b@h), &(Map.get(&1, :kind) == :arm))
    ref = arm.ref
    assert {{:malformed, Conductor, ^ref}, _, _} = judge(%{arm | order: :none})
    assert {{:malformed, Conductor, nil}, _, _} = judge(%{arm | ref: :none})
    assert {{:malformed, Conductor, nil}, _, _} = judge(%{arm | kind: :of_a_later_version})
  end

  test "an order is what could have been ordered here" do
    order = order()
    assert {:ok, ^order} = Order.read(order)

    for wrong <- [
          %{order | id: 0},
          %{order | id: 32_768},
          %{order | by: {node(), :me}},
          %{order | at: 1.0},
          %{order | spent: %{}},
          %{order | spent: Map.put(order.spent, :events, -1)},
          %{order | options: [unknown: 1]},
          %{order | options: Keyword.put(order.options, :processes, [fn -> 1 end])},
          %{order | options: Keyword.put(order.options, :only, {:slower_than, 0})},
          %{order | options: Keyword.put(order.options, :health, [:x | :y])},
          %{order | options: [:x | :y]},
          %{order | options: Map.new(order.options)},
          %{order | patterns: [hd(order.patterns) | :more]},
          %{order | patterns: List.duplicate(hd(order.patterns), 257)},
          %{order | patterns: [], options: Keyword.put(order.options, :processes, :all)},
          %{order | patterns: [], options: Keyword.put(order.options, :correlate, :each_call)},
          %{order | budgets: %{order.budgets | events: order.budgets.events + 1}},
          %{order | budgets: %{order.budgets | events: 0}},
          %{order | budgets: %{order.budgets | open_calls: 1_000_000}},
          %{order | budgets: %{order.budgets | overwrite: true}},
          %{order | budgets: Map.put(order.budgets, :more, 1)},
          %{order | budgets: Map.delete(order.budgets, :bytes)},
          Map.delete(order, :patterns)
        ],
        do: assert({wrong, Order.read(wrong)} == {wrong, :error})

    less = %{order | budgets: %{order.budgets | events: 1}}
    assert {:ok, ^less} = Order.read(less)
  end

  test "whatever is written for a trace is an order that is read as it was" do
    for written <- [
          "Map.get(%{id: id}, _) when id > 3 -> return",
          [{Map, :get, 2}, "Ma*", {:app, :my_app}],
          []
        ],
        options <- [
          [processes: [self()], messages: true],
          [processes: {:supervised_by, :x}, state: true]
        ],
        profile <- [:adhoc, :recorder, :production] do
      {:ok, order} = Order.new(written, [profile: profile] ++ options, {node(), self()})
      assert {:ok, ^order} = Order.read(order)
      assert Enum.all?(order.patterns, &Pattern.Check.pattern?/1)
    end
  end

  test "whatever a peer sends is judged, and what is taken in is small" do
    Process.register(self(), :hostile_test)

    property(message(:b@h), [runs: 3_000], fn message ->
      {verdict, _news, %Account{}} = judge(message)

      with {:take, operation, read} <- verdict do
        assert read.__struct__ == operation.message
        assert :erts_debug.flat_size(read) < 200_000
      end
    end)

    refute_received :called
  end

  test "what a scope grants is what it allows, as far as it serves" do
    for {allow, serve, grants} <- [
          {[:record, :query, :trace], :all, [:record, :query, :trace]},
          {[:record, :query, :trace], :queries, [:record, :query]},
          {[:record, :query, :trace, :debug], :none, []},
          {[:trace, :debug, :replay, :inject], :all, [:trace, :debug, :replay, :inject]},
          {[:trace, :debug], :queries, []},
          {[], :all, []}
        ],
        do: assert(Operations.grants(allow: allow, serve: serve) == grants)
  end

  test "capabilities without operations are accepted where they are named, and off otherwise" do
    defaults = Options.defaults(:start)
    assert Operations.grants(defaults) == [:record, :query, :trace]

    for capability <- Operations.capabilities(),
        do: assert({:ok, _} = Options.validate(:start, allow: [capability]))

    assert {:error, message} = Options.validate(:start, allow: [:everything])
    assert message =~ "one of :record, :query, :trace, :debug, :replay, :inject"
    assert {:error, message} = Options.validate(:start, serve: :some)
    assert message =~ "one of :all, :queries, :none"
  end
end
