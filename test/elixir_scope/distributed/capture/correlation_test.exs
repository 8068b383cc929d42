defmodule ElixirScope.Distributed.Capture.CorrelationTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case, only: [eventually: 1]

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.Capture.Correlation
  alias ElixirScope.Distributed.Error

  doctest Correlation

  setup %{test: test} do
    on_exit(fn -> Logger.reset_metadata() end)
    {:ok, id: "#{test} #{System.unique_integer()}"}
  end

  defp label, do: :seq_trace.get_token(:label)

  # Without its expiry, which is renewed.
  defp carried, do: with({:label, %{elixir_scope: {id, _expiry}}} <- label(), do: id)
  defp in_seconds(seconds), do: System.os_time(:second) + seconds

  # The event that `record` makes, found by a name that is its own.
  defp recorded(record \\ &Scope.record(&1, :data)) do
    record.(name = {:event, System.unique_integer()})
    found(name)
  end

  defp found(name) do
    {:ok, events} = Scope.events(kinds: [:mark], order: :desc, limit: 1_000)
    Enum.find(events, &(&1.subject == name)) || flunk("#{inspect(name)} was not recorded")
  end

  defp carrying(label) do
    :seq_trace.set_token(:label, label)
    on_exit(fn -> :seq_trace.set_token([]) end)
  end

  defp marks(id) do
    {:ok, events} = Scope.events(correlation_id: id)
    for %{subject: :correlation} = event <- events, do: event
  end

  describe "an extent" do
    test "gives its id to what is recorded in it, and its value back", %{id: id} do
      assert Scope.with_correlation(id, fn -> {:value, recorded()} end)
             |> then(fn {:value, event} -> {event.correlation_id, event.meta} end) == {id, %{}}

      assert recorded().correlation_id == nil
      assert Scope.correlation() == nil
    end

    test "ends however its function does", %{id: id} do
      assert_raise RuntimeError, fn -> Scope.with_correlation(id, fn -> raise "x" end) end
      assert catch_throw(Scope.with_correlation(id, fn -> throw(:x) end)) == :x
      assert catch_exit(Scope.with_correlation(id, fn -> exit(:x) end)) == :x
      assert {Scope.correlation(), label()} == {nil, []}
      assert recorded().correlation_id == nil
    end

    test "nests, and what was there before comes back", %{id: id} do
      Scope.with_correlation(id, fn ->
        outer = carried()

        inner =
          Scope.with_correlation({id, 2}, fn -> {Scope.correlation(), recorded(), carried()} end)

        assert {{^id, 2}, %{correlation_id: {^id, 2}}, other} = inner
        assert other != outer
        assert {Scope.correlation(), recorded().correlation_id, carried()} == {id, id, outer}
        assert catch_throw(Scope.with_correlation(3, fn -> throw(:x) end)) == :x
        assert {Scope.correlation(), carried()} == {id, outer}
      end)
    end

    test "of no id changes nothing", %{id: id} do
      assert Scope.with_correlation(nil, &Scope.correlation/0) == nil

      assert Scope.with_correlation(id, fn ->
               Scope.with_correlation(nil, &Scope.correlation/0)
             end) == id
    end

    test "an id that is given wins over that of the extent", %{id: id} do
      Scope.with_correlation(id, fn ->
        event = recorded(&Scope.record(&1, 1, correlation_id: "given"))
        assert {event.correlation_id, event.meta} == {"given", %{}}
        assert recorded(&Scope.record(&1, 1, correlation_id: nil)).correlation_id == id
      end)
    end

    test "events without data and of other scopes have it too", %{id: id, test: test} do
      start_supervised!({Scope, name: test})

      Scope.with_correlation(id, fn ->
        Scope.record(:bare)
        Scope.record(:elsewhere, 1, scope: test)
      end)

      assert {:ok, [_mark, %{subject: :bare, data: nil}]} = Scope.events(correlation_id: id)
      key = Correlation.key(id)

      # The mark that tells the term is in the default scope.
      assert {:ok, [%{subject: :elsewhere, correlation_id: ^key}]} =
               Scope.events(correlation_id: id, scope: test)
    end

    test "any term is an id, and queries find it" do
      unique = System.unique_integer()

      for id <- [
            unique,
            :"#{unique}",
            "#{unique}",
            {:order, unique},
            %{id: unique},
            unique / 1.0,
            <<unique::128>>,
            2 ** 80 + unique,
            [unique | :x]
          ] do
        event = Scope.with_correlation(id, &recorded/0)
        assert {:ok, [mark, ^event]} = Scope.events(correlation_id: id)
        assert {mark.subject, event.data} == {:correlation, :data}
        assert {:ok, [%{events: 2}]} = Scope.nodes_of(id)
        assert {:ok, lines} = Scope.Export.json_lines(correlation_id: id)
        lines = IO.iodata_to_binary(lines)
        assert lines |> String.split("\n", trim: true) |> length() == 2
        assert {:ok, [_, _]} = Scope.events(correlation_id: Correlation.key(id))
        if not is_integer(id) or abs(id) < 2 ** 63, do: assert(event.correlation_id === id)
      end
    end

    test "is told once, with its id and context", %{id: id} do
      Scope.with_correlation(id, fn -> Scope.with_correlation(id, &recorded/0) end)
      assert [%{kind: :mark, data: data, correlation_id: ^id, meta: meta}] = marks(id)
      assert {data, meta} == {%{id: id, context: %{}}, %{}}
    end

    test "both forms of an id are one answer, in order and within the limit", %{id: id} do
      Scope.with_correlation(id, fn ->
        for n <- 1..10 do
          Scope.record(:own, n)
          Scope.record(:given, n, correlation_id: id)
        end
      end)

      {:ok, events} = Scope.events(correlation_id: id)

      assert for(e <- tl(events), do: {e.subject, e.data}) ==
               for(n <- 1..10, s <- [:own, :given], do: {s, n})

      assert {:ok, %{events: five, more?: true}} = Scope.query(correlation_id: id, limit: 5)
      assert five == Enum.take(events, 5)
      {:ok, newest} = Scope.events(correlation_id: id, limit: 5, order: :desc)
      assert newest == events |> Enum.reverse() |> Enum.take(5)
    end

    test "its events are printed with the user's term", %{id: id} do
      Scope.with_correlation(id, fn -> Scope.record(:step, 1) end)
      output = ExUnit.CaptureIO.capture_io(fn -> :ok = Scope.timeline(correlation_id: id) end)
      assert output =~ ~r/correlation  %{.*id: "test an extent/
      assert output =~ ~r/step +1 /
    end
  end

  test "processes at the same time have each its own id", %{id: id} do
    1..50
    |> Task.async_stream(fn process ->
      for step <- 1..100 do
        Scope.with_correlation({id, process, step}, fn ->
          Scope.with_correlation(step, fn -> Scope.record(id, {process, step, :inner}) end)
          Scope.record(id, {process, step, :outer})
        end)
      end
    end)
    |> Stream.run()

    {:ok, events} = Scope.events(kinds: [:mark], contains: id, limit: 100_000)
    own = for %{subject: ^id} = event <- events, do: event
    assert length(own) == 10_000

    for %{data: {process, step, which}} = event <- own do
      assert event.meta == %{}
      key = Correlation.key({id, process, step})
      # So many names are not looked for in one answer.
      if which == :inner,
        do: assert(event.correlation_id == step),
        else: assert(event.correlation_id in [key, {id, process, step}])
    end
  end

  describe "a process that dies in its extent" do
    test "gives its place back to those who begin others" do
      pids = for n <- 1..100, do: spawn(fn -> Scope.with_correlation(n, fn -> hold() end) end)
      eventually(fn -> assert Correlation.status().used >= 100 end)
      for pid <- pids, do: Process.exit(pid, :kill)
      for n <- 1..5_000, do: Scope.with_correlation(n, fn -> :ok end)
      # Other tests of this run may be in extents.
      assert Correlation.status().used < 100
      assert {:ok, %{extents: %{limit: 65_536, refused: 0}}} = Scope.status()
    end
  end

  describe "attribution" do
    test "a process that waits for a pool's answer keeps its own id", %{id: id} do
      parent = self()

      # Answers whoever waits with the message, and so the token, of whoever gives back.
      broker =
        spawn_link(fn ->
          receive do: ({:wait, waiting} -> receive do: (:given_back -> send(waiting, :yours)))
        end)

      waiting =
        Task.async(fn ->
          Scope.with_correlation({id, :waiting}, fn ->
            send(broker, {:wait, self()})
            send(parent, :waits)
            receive do: (:yours -> :ok)
            adopted = label()
            event = recorded()
            {adopted, event, label()}
          end)
        end)

      assert_receive :waits
      Scope.with_correlation({id, :giving}, fn -> send(broker, :given_back) end)
      {adopted, event, after_it} = Task.await(waiting)

      assert carried(adopted) == Correlation.key({id, :giving})
      assert {event.correlation_id, event.meta} == {{id, :waiting}, %{}}
      # Put back by the event, for what is sent from here on.
      assert carried(after_it) == Correlation.key({id, :waiting})
    end

    test "a token that a message took away comes back with the next event", %{id: id} do
      parent = self()

      Scope.with_correlation(id, fn ->
        spawn_link(fn ->
          :seq_trace.set_token([])
          send(parent, :clears)
        end)

        assert_receive :clears
        assert label() == []
        assert recorded().correlation_id == id
        assert carried(label()) == Correlation.key(id)
      end)
    end

    test "a batcher's work is one request's at most, and says it is inherited", %{id: id} do
      batcher = start_supervised!({Agent, fn -> [] end})

      add = fn n ->
        Scope.with_correlation({id, n}, fn ->
          context = Scope.context()
          Agent.update(batcher, &[{n, context} | &1])
        end)
      end

      Enum.each(1..3, add)

      {flush, items} =
        Agent.get(batcher, fn items ->
          {recorded(),
           for({n, context} <- items, do: Scope.with_context(context, fn -> {n, recorded()} end))}
        end)

      # The last message had no token: what it does for all belongs to none of them.
      assert flush.correlation_id == nil
      for {n, event} <- items, do: assert({event.correlation_id, event.meta} == {{id, n}, %{}})

      flush =
        Scope.with_correlation({id, 4}, fn -> Agent.get(batcher, fn _items -> recorded() end) end)

      assert {flush.correlation_id, flush.meta} == {{id, 4}, %{attribution: :inherited}}
    end

    test "a server that ticks is rid of a request's id once that expired", %{id: id} do
      {server, ticks} = ticker()
      Scope.with_correlation(id, fn -> GenServer.call(server, :touch) end)
      assert %{correlation_id: ^id, meta: %{attribution: :inherited}} = ticked(ticks)

      carrying(%{elixir_scope: {Correlation.key(id), in_seconds(-1)}})
      GenServer.call(server, :touch)
      :seq_trace.set_token([])
      eventually(fn -> assert %{correlation_id: nil, data: []} = ticked(ticks) end)
      {:ok, events} = Scope.events(contains: ticks, limit: 1_000)
      # Until our code ran in it, it carried the old id on from tick to tick.
      assert {:label, %{elixir_scope: {key, _expired}}} =
               Enum.find(events, &(&1.correlation_id == nil and &1.data != [])).data

      assert key == Correlation.key(id)
    end

    test "a label that is a number belongs to somebody else", %{id: id} do
      carrying(77)
      assert recorded().correlation_id == nil

      event =
        Scope.with_correlation(id, fn ->
          {recorded(), label(), Task.await(Task.async(&recorded/0))}
        end)

      assert {%{correlation_id: ^id}, {:label, 77}, %{correlation_id: nil}} = event
      assert label() == {:label, 77}
    end

    test "a map is shared: other tools' keys and flags stay", %{id: id} do
      carrying(%{other: "tool"})
      :seq_trace.set_token(:monotonic_timestamp, true)
      before = :seq_trace.get_token()

      Scope.with_correlation(id, fn ->
        assert {:label, %{other: "tool", elixir_scope: {key, _}}} = label()
        assert key == Correlation.key(id)
        assert :seq_trace.get_token(:monotonic_timestamp) == {:monotonic_timestamp, true}

        assert %{correlation_id: ^id, meta: %{attribution: :inherited}} =
                 Task.await(Task.async(&recorded/0))
      end)

      assert :seq_trace.get_token(:label) == {:label, %{other: "tool"}}
      assert elem(:seq_trace.get_token(), 0) == elem(before, 0)
    end

    test "what another tool began inside an extent stays after it", %{id: id} do
      Scope.with_correlation(id, fn -> :seq_trace.set_token(:send, true) end)
      assert {flags, 0, _serial, _from, _last} = :seq_trace.get_token()
      assert flags != 0
      :seq_trace.set_token([])
    end

    test "a label that expired, or lives too long, is nothing", %{id: id} do
      for {seconds, counts?} <- [
            {-100, false},
            {-1, false},
            {5, true},
            {30, true},
            {300, false},
            {2 ** 80, false}
          ] do
        carrying(%{elixir_scope: {Correlation.key(id), in_seconds(seconds)}})
        assert Scope.correlation() == if(counts?, do: Correlation.key(id)), "#{seconds}"
        assert recorded().meta == if(counts?, do: %{attribution: :inherited}, else: %{})
      end
    end

    test "anything else in a label is ignored", %{id: id} do
      hostile = [
        id,
        {},
        {1},
        {1, 2, 3},
        {:atom, in_seconds(9)},
        {"short", in_seconds(9)},
        {<<1::127>>, in_seconds(9)},
        {<<1::136>>, in_seconds(9)},
        {1.5, in_seconds(9)},
        {2 ** 64, in_seconds(9)},
        {1, :never},
        {1, -5},
        {1, 2.5},
        {1, in_seconds(9), :more},
        [1 | 2],
        %{},
        self(),
        fn -> 1 end,
        nil
      ]

      for label <-
            Enum.map(hostile, &%{elixir_scope: &1}) ++
              [%{}, %{"elixir_scope" => {1, in_seconds(9)}}, {1, 2}, nil, self(), [], "x"] do
        carrying(label)
        assert {Scope.correlation(), recorded().correlation_id} == {nil, nil}, inspect(label)
        assert Scope.with_correlation(id, &recorded/0).correlation_id == id
        assert Scope.correlation() == nil
      end
    end

    test "a label of ours is renewed while its extent records", %{id: id} do
      Scope.with_correlation(id, fn ->
        :seq_trace.set_token(:label, %{elixir_scope: {Correlation.key(id), in_seconds(3)}})
        Scope.record(:late)
        assert {:label, %{elixir_scope: {_key, expiry}}} = label()
        assert expiry > in_seconds(20)
      end)
    end
  end

  describe "a context" do
    test "takes a correlation where messages do not go", %{id: id} do
      context = Scope.with_correlation(id, &Scope.context/0)
      assert context =~ ~r/\A[\w.-]{1,200}\z/
      event = Task.await(Task.async(fn -> Scope.with_context(context, &recorded/0) end))
      assert {event.correlation_id, event.meta} == {id, %{}}
      assert Scope.with_context(context, &Scope.correlation/0) == id
      assert Scope.with_context(context, &Scope.context/0) == context
      assert {Scope.context(), label()} == {nil, []}
    end

    test "is that of a message, too", %{id: id} do
      context = Scope.with_correlation(id, fn -> Task.await(Task.async(&Scope.context/0)) end)
      assert Scope.with_context(context, &recorded/0).correlation_id == id
    end

    test "that is none changes nothing, and the function runs", %{id: id} do
      for context <- [nil, "", "es1.", "es1.AAAA", String.duplicate("x", 10_000)] do
        assert Scope.with_context(context, fn -> {:ran, Scope.correlation()} end) == {:ran, nil}

        assert Scope.with_correlation(id, fn ->
                 Scope.with_context(context, &Scope.correlation/0)
               end) == id
      end

      assert {:error, %Error{reason: :bad_context} = error} = Scope.put_context("es1.AAAA")
      assert Exception.message(error) =~ "damaged"
    end

    test "can be put without an end, and taken away", %{id: id} do
      context = Scope.with_correlation(id, &Scope.context/0)

      Task.await(
        Task.async(fn ->
          assert :ok = Scope.put_context(context)
          assert {Scope.correlation(), recorded().correlation_id} == {id, id}
          Scope.with_correlation(3, fn -> :ok end)
          assert Scope.correlation() == id
          assert :ok = Scope.put_context(nil)
          assert {Scope.correlation(), recorded().correlation_id, label()} == {nil, nil, []}
        end)
      )
    end

    test "is added to, recorded and carried", %{id: id} do
      Scope.with_correlation(id, fn ->
        assert :ok = Scope.put_context(tenant: 3)
        assert :ok = Scope.put_context(%{user: "ada"})
        context = Scope.context()
        Task.await(Task.async(fn -> Scope.with_context(context, fn -> :ok end) end))
      end)

      contexts = for mark <- marks(id), do: mark.data.context
      full = %{tenant: 3, user: "ada"}
      assert contexts == [%{}, %{tenant: 3}, full, full]
    end

    test "is small, and needs a correlation to be added to", %{id: id} do
      assert {:error, %Error{reason: :no_correlation}} = Scope.put_context(tenant: 3)

      Scope.with_correlation(id, fn ->
        assert {:error, %Error{reason: :context_too_large} = error} =
                 Scope.put_context(text: String.duplicate("x", 600))

        assert Exception.message(error) =~ "512"
        assert :ok = Scope.put_context(tenant: 3)
      end)

      assert [%{}, %{tenant: 3}] = for(mark <- marks(id), do: mark.data.context)
    end

    test "begins with the ids in Logger's metadata; what is added wins", %{id: id} do
      Logger.metadata(
        request_id: "F-1",
        otel_trace_id: ~c"abc",
        trace_id: "t",
        span_id: nil,
        otel_span_id: "s",
        user: 1
      )

      carried =
        Scope.with_correlation(id, fn ->
          Scope.put_context(request_id: "mine")
          Scope.context()
        end)

      Logger.reset_metadata(request_id: "other", otel_trace_id: ~c"abc", trace_id: {:no, :text})
      Scope.with_context(carried, fn -> :ok end)
      Scope.with_correlation({id, 2}, fn -> :ok end)

      ids = %{request_id: "F-1", trace_id: "t", span_id: "s"}
      added = %{ids | request_id: "mine"}
      assert for(mark <- marks(id), do: mark.data.context) == [ids, added, added]
      assert [%{data: %{context: %{request_id: "other", trace_id: "abc"}}}] = marks({id, 2})
    end
  end

  test "our own processes do not carry a user's token on", %{id: id} do
    Scope.with_correlation(id, fn ->
      before = :seq_trace.get_token()
      {:ok, _events} = Scope.events(correlation_id: id)
      {:ok, _status} = Scope.status()
      assert elem(:seq_trace.get_token(), 1) == elem(before, 1)
    end)

    for {_name, pid, _type, _modules} <-
          Supervisor.which_children(Scope.Scope.whereis(Scope, Scope.Scope)) do
      assert {:sequential_trace_token, []} = Process.info(pid, :sequential_trace_token)
    end
  end

  defp carried({:label, %{elixir_scope: {key, _expiry}}}), do: key

  defmodule Ticker do
    use GenServer

    @impl true
    def init(ticks), do: {:ok, tick(ticks)}

    @impl true
    def handle_call(:touch, _from, ticks), do: {:reply, :ok, ticks}

    @impl true
    def handle_info(:tick, ticks) do
      ElixirScope.Distributed.record({:tick, ticks}, label())
      {:noreply, tick(ticks)}
    end

    defp tick(ticks) do
      Process.send_after(self(), :tick, 5)
      ticks
    end

    defp label, do: :seq_trace.get_token(:label)
  end

  defp ticker do
    ticks = "ticks #{System.unique_integer()}"
    {start_supervised!(%{id: ticks, start: {GenServer, :start_link, [Ticker, ticks]}}), ticks}
  end

  # The tick after this moment.
  defp ticked(ticks) do
    now = Scope.GlobalClock.now()

    eventually(fn ->
      {:ok, events} = Scope.events(contains: ticks, from: now)
      assert [tick | _] = for(%{subject: {:tick, ^ticks}} = event <- events, do: event)
      tick
    end)
  end

  defp hold, do: receive(do: (:never -> :ok))
end
