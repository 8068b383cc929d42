defmodule ElixirScope.Distributed.Inject.GuestTest do
  # The pure parts of what runs on the other node.
  use ExUnit.Case
  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.Capture.Redact
  alias ElixirScope.Distributed.Inject.Guest.{Bound, Budget, Calls, Outbox, Reading, Secrets}
  alias ElixirScope.Distributed.Opaque

  @hidden %Opaque{type: :redacted}
  @wide %{nodes: 256, bytes: 4096, depth: 12, binary: 1024}
  @names [
    :password,
    "User-Token",
    "x-api_key",
    :pin,
    :spin,
    :name,
    "n",
    :iban,
    "Cookie",
    :cookies
  ]
  @redact [keys: [:iban, "diag"], types: [URI, :account]]

  describe "bounds and secrets" do
    test "hide what the native side hides", %{test: scope} do
      rules = Secrets.compile(Redact.rules([]))
      start_supervised!({Scope, name: scope})

      property(data(), [runs: 200], fn data ->
        Scope.record(:it, data, scope: scope)
        {:ok, events} = Scope.events(scope: scope)
        native = List.last(events)
        {own, cut?} = Bound.term(data, @wide, rules, false)
        if not cut? and native.meta[:truncated?] != true, do: assert(own == native.data)
      end)
    end

    test "by a node's own rules, too" do
      rules = Secrets.compile(Redact.rules([defaults: false] ++ @redact))
      bound = fn term -> term |> Bound.term(@wide, rules, false) |> elem(0) end

      assert bound.(%{IBAN: 1, iban_of: 2, diagnosis: 3, password: 4}) ==
               %{IBAN: @hidden, iban_of: 2, diagnosis: @hidden, password: 4}

      assert bound.({URI.parse("http://a"), {:account, 1, 2}, {:account, 1}, {:other, 1}}) ==
               {@hidden, {:account, @hidden, @hidden}, {:account, @hidden}, {:other, 1}}

      vault =
        Secrets.compile(
          Redact.rules(modules: [Vault], functions: [{Users, :login}, {Users, :reset, 2}])
        )

      for f <- [{Vault, :open, 1}, {Users, :login, 7}, {Users, :reset, 2}],
          do: assert(Secrets.function?(vault, f))

      for f <- [{Users, :reset, 1}, {Other, :login, 1}, nil],
          do: refute(Secrets.function?(vault, f))
    end

    test "nothing is larger than its budget, whatever it is" do
      rules = Secrets.compile(Redact.rules([]))
      room = %{nodes: 32, bytes: 256, depth: 8, binary: 128}

      huge = [
        Enum.to_list(1..1_000_000),
        Map.new(1..100_000, &{&1, &1}),
        List.to_tuple(Enum.to_list(1..100_000)),
        String.duplicate("x", 1_000_000),
        Enum.reduce(1..100_000, [], fn _, nested -> [nested] end),
        [1 | :improper],
        <<1::3>>,
        2 ** 100_000,
        fn -> :ok end,
        for(n <- 1..100, do: {n, String.duplicate("y", 1_000)})
      ]

      for term <- huge do
        {kept, _cut?} = Bound.term(term, room, rules, false)
        assert :erlang.external_size(kept) < 4_096
      end

      assert {[1 | :improper], false} = Bound.term([1 | :improper], room, rules, false)

      assert {%Opaque{type: :binary, size: 1_000_000, kept: kept}, true} =
               Bound.term(Enum.at(huge, 3), room, rules, false)

      assert kept == String.duplicate("x", 128)
    end

    test "references and such only where messages are paired by them" do
      rules = Secrets.compile(Redact.rules([]))
      ref = make_ref()
      assert {%Opaque{type: :reference}, false} = Bound.term(ref, @wide, rules, false)
      assert {^ref, false} = Bound.term(ref, @wide, rules, true)
      assert {pid, false} = Bound.term(self(), @wide, rules, false)
      assert pid == self()
    end
  end

  describe "budgets" do
    @limits %{events: 3, bytes: 100, events_per_s: 2, calls_per_s: 4, cpu_percent: 50}

    test "trip for the first that is reached, and a second begins anew" do
      budget = Budget.new(@limits, 0)
      assert Budget.trip(budget) == nil
      two = budget |> Budget.recorded(1) |> Budget.recorded(1)
      assert Budget.trip(two) == nil
      assert %{reason: :events, value: 3, limit: 3} = two |> Budget.recorded(1) |> Budget.trip()
      assert %{reason: :bytes} = budget |> Budget.recorded(100) |> Budget.trip()
      looked = Enum.reduce(1..5, budget, fn _, budget -> Budget.looked(budget, 10) end)
      assert %{reason: :calls, value: 5} = Budget.trip(looked)
      assert looked |> Budget.looked(1_000_000_000) |> Budget.trip() == nil
      assert %{reason: :cpu, limit: 50} = budget |> Budget.worked(600_000_000) |> Budget.trip()

      many =
        %{@limits | events: 100}
        |> Budget.new(0)
        |> Budget.recorded(1)
        |> Budget.recorded(1)
        |> Budget.recorded(1)

      assert %{reason: :rate, value: 3, limit: 2} = Budget.trip(many)
    end
  end

  describe "slow calls" do
    test "an end that is told has its call told before it, in any order of calls" do
      property(
        list(one_of([constant(:call), constant(:return), constant(:due)])),
        [runs: 300],
        fn steps ->
          {told, _calls, _now} = Enum.reduce(steps, {[], Calls.new(2, 100), 0}, &step/2)

          kinds =
            told |> Enum.reverse() |> Enum.map(fn {{_, _, kind, _, _, _}, _cut?} -> kind end)

          Enum.reduce(kinds, 0, fn kind, open ->
            assert(open + delta(kind) >= 0) && open + delta(kind)
          end)
        end
      )
    end

    defp delta(:call), do: 1
    defp delta(:return), do: -1

    defp step(:due, {told, calls, now}) do
      {more, calls} = Calls.due(calls, now)
      {Enum.reverse(more) ++ told, calls, now + 1_000_000}
    end

    defp step(kind, {told, calls, now}) do
      raw = {now, self(), kind, {:m, :f, 0}, nil, kind == :call}
      {more, calls} = Calls.seen(calls, {raw, false})
      {Enum.reverse(more) ++ told, calls, now + 700_000}
    end

    test "too many open ones of a process are a loop" do
      calls =
        Enum.reduce(1..11, Calls.new(0, 10), fn n, calls ->
          {[_], calls} = Calls.seen(calls, {{n, self(), :call, {:m, :f, 0}, nil, true}, false})
          calls
        end)

      assert Calls.runaway(calls, self()) == 11
      assert Calls.runaway(Calls.new(0, 10), self()) == nil
    end
  end

  describe "the way out" do
    test "few batches are unanswered; what does not fit is dropped, counted and shown" do
      ref = make_ref()
      limits = Outbox.limits()
      event = {1, self(), :call, {:m, :f, 0}, nil, %{}}

      out =
        Enum.reduce(1..20_000, Outbox.new(ref, self()), fn _, out ->
          Outbox.flush(Outbox.put(out, event, 50))
        end)

      assert out.waiting <= limits.waiting_events
      assert out.dropped + out.seq == 20_000
      sent = batches(ref)
      assert length(sent) == limits.unanswered

      # Answered from now on, everything that waits comes, and the gap behind it.
      {out, rest} = drain(Outbox.finished(out, 2), ref, [])
      assert Outbox.empty?(out)
      all = Enum.concat(sent ++ rest)
      assert Enum.map(all, &elem(&1, 0)) == Enum.to_list(1..out.seq)
      assert {_, 2, nil, :gap, nil, %{dropped: dropped}, %{}} = List.last(all)
      assert dropped == out.dropped and dropped > 10_000
    end

    defp drain(out, ref, got) do
      out = Outbox.flush(Outbox.answered(out))

      case batches(ref) do
        [] -> {out, got}
        more -> drain(out, ref, got ++ more)
      end
    end

    defp batches(ref) do
      receive do
        {^ref, :batch, _number, _from, _offset, events} -> [events | batches(ref)]
      after
        0 -> []
      end
    end
  end

  test "what the VM says, in words of events" do
    at = System.convert_time_unit(5_000, :nanosecond, :native)
    {me, ref} = {self(), make_ref()}

    for {message, expected} <- [
          {{:trace_ts, me, :call, {:m, :f, [1]}, at}, {me, :call, {:m, :f, 1}, [1], false}},
          {{:trace_ts, me, :call, {:m, :f, 1}, :ends, at}, {me, :call, {:m, :f, 1}, nil, true}},
          {{:trace_ts, me, :return_from, {:m, :f, 1}, :v, at},
           {me, :return, {:m, :f, 1}, :v, false}},
          {{:trace_ts, me, :exception_from, {:m, :f, 1}, {:throw, 1}, at},
           {me, :exception, {:m, :f, 1}, {:throw, 1}, false}},
          {{:trace_ts, me, :send, :hi, :nobody_of_that_name, at},
           {me, :send, :nobody_of_that_name, :hi, false}},
          {{:trace_ts, me, :receive, ref, {node(), me}, at}, {me, :receive, me, ref, false}},
          {{:trace_ts, me, :receive, :m, {:a@b, :undefined}, at}, {me, :receive, nil, :m, false}},
          {{:trace_ts, me, :exit, :normal, at}, {me, :exit, nil, :normal, false}},
          {{:trace_ts, me, :getting_linked, me, at}, nil}
        ] do
      assert Reading.raw(message) == (expected && Tuple.insert_at(expected, 0, 5_000))
    end
  end

  # Maps, keyword lists and headers, of names of which some are secret.
  defp data do
    pair = tuple([one_of(Enum.map(@names, &constant/1)), small(term())])
    pairs = small(list(pair))
    one_of([map(pairs, &Map.new/1), pairs, small(term()), map(pair, &{:ok, [&1], &1})])
  end

  # More would be cut, and is not compared.
  defp small(generator), do: fn size, random -> generator.(rem(size, 9), random) end
end
