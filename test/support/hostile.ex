defmodule ElixirScope.Distributed.Hostile do
  @moduledoc false
  # What a peer could send that means harm, or is broken: each kind of message as it should be, and
  # the same with a part of it replaced by something that does not belong there.

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.Capture.Order
  alias ElixirScope.Distributed.{Error, Operations, Options, Storages}
  alias ElixirScope.Distributed.Query.Wire
  alias ElixirScope.Distributed.Types.{ClusterMessage, EventSyncMessage}
  alias ElixirScope.Distributed.Types.{GlobalClockUpdate, QueryMessage, TraceMessage}

  @md5 :erlang.md5("x")

  @doc "Messages of `from` as they should be: at least one of each operation but batches."
  @spec messages(node) :: [struct]
  def messages(from) do
    stamp = {0, 1_000, from}

    cluster(from, stamp) ++
      clock(from, stamp) ++ traces(from) ++ batches(from, stamp) ++ queries(from)
  end

  defp cluster(from, stamp) do
    view = %{number: 1, seen: 0, ask: true, body: body(from)}
    greeting = [protocol: {1, 1}, incarnation: 1, capabilities: [:query], digest: @md5]

    for {kind, fields} <- [
          hello: greeting,
          welcome: [register: [{:c@h, {:in, stamp}}]] ++ greeting,
          refused: [protocol: {1, 1}, reason: :malformed],
          register: [register: [{:c@h, {:out, stamp}}]],
          view: [view: view],
          apps: [digest: @md5, code: [{:kernel, "1", 1}]],
          modules: [code: [{:kernel, "1", [{:lists, @md5}], false}]],
          bye: []
        ],
        do: struct!(ClusterMessage, [source_node: from, kind: kind, sent_at: stamp] ++ fields)
  end

  defp body(from), do: %{hears: [from], misses: [], deaf: [{from, :c@h}], flaps: [], register: 1}

  defp clock(from, stamp) do
    ping = %GlobalClockUpdate{source_node: from, kind: :ping, sent_at: stamp}
    [ping, %{ping | kind: :pong, echo: stamp, received_at: stamp}]
  end

  defp traces(from) do
    for {kind, fields} <- [
          arm: [ref: make_ref(), order: order(), lease_ms: 1_000],
          renew: [trace: 7],
          disarm: [ref: make_ref(), trace: 7, reason: :stopped],
          armed: [ref: make_ref(), result: summary(from)],
          refused: [ref: make_ref(), result: Error.new(:not_allowed, what: :trace)],
          running: [trace: 7, result: summary(from)],
          disarmed: [ref: make_ref(), result: [summary(from)]],
          ended: [trace: 7, result: summary(from)]
        ],
        do: struct!(TraceMessage, [source_node: from, kind: kind] ++ fields)
  end

  defp queries(from) do
    for {kind, body} <- [
          holdings?: %{after: {"a@h", 1, 5}, nodes: ["a@h"]},
          holdings: %{rows: [{"a@h", 1, 1, 9}], head: {"a@h", 1, 9, {0, 5}}, more: false},
          ask: question(),
          page: page(),
          refused: %{reason: :busy}
        ],
        do: %QueryMessage{source_node: from, kind: kind, ref: make_ref(), body: body}
  end

  defp page do
    %{page: "x", count: 1, more: true, cursor: nil, dropped: 0, expired: nil}
    |> Map.put(:head, {"a@h", 1, 9, {0, 5}})
  end

  defp question do
    options = Options.validate!(:filter, kinds: [:mark], correlation_id: "r", pids: [self()])

    %{
      filter: Wire.filter(Storages.Native.native_filter(options)),
      ranges: [{"a@h", 1, 1, :infinity}],
      cursor: {0, 5, "a@h", 1, 3},
      max_bytes: 1_000,
      wait_ms: 10
    }
  end

  @doc "An order with all that can be in one."
  @spec order() :: Order.t()
  def order do
    written = ["No.Such.place(%{id: id}, [x | _], x) when id > 3 or is_nil(x) -> return"]
    {:ok, order} = Order.new(written, [processes: [self()], kinds: [:gc]], {node(), self()})
    order
  end

  defp summary(from) do
    %{id: 7, patterns: ["M"], by: {from, self()}, order: {7, 1}, functions: 1, waiting: 0}
    |> Map.merge(%{events: 1, refused: 0, thinned: 0, level: 0, looked_at: 0, bytes: 9})
    |> Map.merge(%{reason: nil, message: nil})
  end

  defp batches(from, stamp) do
    for kind <- 0..9, bytes <- [<<1, 0::32, 1, 1, 0, kind>>, <<1, 0::32, 1, 1, 0, kind, 0, 0>>] do
      batch = bytes <> :binary.copy(<<7>>, kind)

      %EventSyncMessage{
        source_node: from,
        events_batch: batch,
        since_global_clock: stamp,
        sent_at: stamp
      }
    end
  end

  @doc "A message of `from`, or what was made of one."
  @spec message(node) :: ElixirScope.Distributed.Case.Gen.t(term)
  def message(from) do
    messages = Enum.map(messages(from), &constant/1)
    broken = bind(one_of(messages), &mutated/1)
    one_of([one_of(messages), broken, broken, broken, wrong()])
  end

  @doc "A term of which one part, anywhere in it, is something else."
  @spec mutated(term) :: ElixirScope.Distributed.Case.Gen.t(term)
  def mutated(term) do
    bind(integer(0..3), fn
      0 -> wrong()
      _deeper -> inside(term)
    end)
  end

  defp inside(term) when is_map(term) and map_size(term) > 0 do
    keys = Enum.map(Map.keys(term), &constant/1)

    bind(one_of(keys), fn key ->
      changed = map(mutated(Map.get(term, key)), &Map.put(term, key, &1))
      one_of([changed, changed, changed, constant(Map.delete(term, key))])
    end)
  end

  defp inside([first | rest]) do
    one_of([
      map(mutated(first), &[&1 | rest]),
      map(mutated(rest), &[first | &1]),
      constant(List.duplicate(first, 3_000))
    ])
  end

  defp inside(tuple) when is_tuple(tuple) and tuple_size(tuple) > 0 do
    bind(integer(0..(tuple_size(tuple) - 1)), fn at ->
      map(mutated(elem(tuple, at)), &put_elem(tuple, at, &1))
    end)
  end

  defp inside(binary) when is_binary(binary) and binary != "" do
    bind(integer(0..(byte_size(binary) - 1)), fn at ->
      {before, <<_byte, behind::binary>>} = :erlang.split_binary(binary, at)
      map(integer(0..255), &<<before::binary, &1, behind::binary>>)
    end)
  end

  defp inside(_leaf), do: wrong()

  @doc "What belongs nowhere."
  @spec wrong() :: ElixirScope.Distributed.Case.Gen.t(term)
  def wrong, do: one_of([some_term(), constants(:small), constants(:small), constants(:large)])

  # However late in a long run: what matters is where it stands, not how large it grew.
  defp some_term, do: fn size, random -> term().(min(size, 12), random) end

  # Made only when it is picked.
  defp constants(which),
    do: map(one_of(Enum.map(wrongs(which), &constant/1)), fn make -> make.() end)

  defp wrongs(:small) do
    [
      fn -> fn -> send(:hostile_test, :called) end end,
      fn -> {Kernel, :send, [:hostile_test, :called]} end,
      fn -> &Kernel.send/2 end,
      fn -> -1 end,
      fn -> <<1::3>> end,
      fn -> [1 | 2] end,
      fn -> {:message, {:caller}} end,
      fn -> {:const, make_ref()} end,
      fn -> %{__struct__: :no_such_struct} end,
      fn -> %{__struct__: Range, first: 1} end,
      fn -> 1..1_000_000_000 end,
      fn -> :infinity end,
      fn -> :hello end,
      fn -> :arm end,
      fn -> :"$1" end,
      fn -> {0, -1, :a} end,
      fn -> {256, 0, :a} end,
      fn -> self() end,
      fn -> make_ref() end,
      fn -> Operations end
    ]
  end

  defp wrongs(:large) do
    [
      fn -> Enum.reduce(1..2_000, [], fn _, deep -> [deep] end) end,
      fn -> Enum.reduce(1..2_000, %{}, fn _, deep -> %{a: deep} end) end,
      fn -> Enum.to_list(1..20_000) end,
      fn -> Map.new(1..20_000, &{&1, &1}) end,
      fn -> List.to_tuple(Enum.to_list(1..20_000)) end,
      fn -> Bitwise.bsl(1, 100_000) end,
      fn -> :binary.copy(<<0>>, 1_000_000) end
    ]
  end
end
