defmodule ElixirScope.Distributed.Debug.Adapter.PartsTest do
  # The adapter's pure parts, each by itself.
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.DapClient, as: Client
  alias ElixirScope.Distributed.Debug.Adapter.{Handles, Launch, Machine, Marks, Outbox}
  alias ElixirScope.Distributed.Debug.Adapter.{Stopping, Words, Work}

  doctest ElixirScope.Distributed.Debug.Adapter.Arguments
  doctest ElixirScope.Distributed.Debug.Adapter.Handles
  doctest ElixirScope.Distributed.Debug.Adapter.Named
  doctest ElixirScope.Distributed.Debug.Adapter.Shown
  doctest ElixirScope.Distributed.Debug.Adapter.Sources
  doctest ElixirScope.Distributed.Debug.Adapter.Threads
  doctest ElixirScope.Distributed.Debug.Adapter.Words
  doctest ElixirScope.Distributed.Debug.Stopped.Raised

  import ElixirScope.Distributed.Case.Gen

  describe "what is to be written" do
    defp push(box, message) do
      {:ok, box} = Outbox.push(box, message)
      box
    end

    defp output(text), do: {:event, "output", %{category: "stdout", output: text}}

    defp drained(box, found \\ []) do
      case Outbox.next(box) do
        {:ok, message, box} -> drained(Outbox.written(box), [message | found])
        :none -> {Enum.reverse(found), box}
      end
    end

    test "one is on its way at a time, in order" do
      box = %Outbox{} |> push(output("a")) |> push({:event, "x", %{}})
      assert {:ok, {:event, "output", %{output: "a"}}, box} = Outbox.next(box)
      assert Outbox.next(box) == :none
      assert {:ok, {:event, "x", %{}}, box} = box |> Outbox.written() |> Outbox.next()
      refute Outbox.empty?(box)
      assert box |> Outbox.written() |> Outbox.empty?()
    end

    test "of output what does not fit is dropped and counted, of answers nothing is" do
      most = Outbox.bounds()[:max_output]
      box = Enum.reduce(1..(most + 3), %Outbox{}, &push(&2, output("#{&1}")))
      box = push(box, {:event, "stopped", %{}})
      {written, box} = drained(box)
      assert length(written) == most + 2
      assert {:event, "stopped", %{}} in written
      assert {:event, "output", %{category: "important", output: told}} = List.last(written)
      assert told =~ "[3 pieces of output (12 bytes) were left out"
      assert Outbox.empty?(box)
    end

    test "a client that reads nothing is given up" do
      most = Outbox.bounds()[:max_messages]
      box = Enum.reduce(1..most, %Outbox{}, fn _n, box -> push(box, {:event, "x", %{}}) end)
      assert Outbox.push(box, {:event, "x", %{}}) == :full
      assert {:ok, _box} = Outbox.push(box, output("a"))
    end

    test "whatever comes, as much is written and counted as was given, within the bounds" do
      property(list(integer(0..3)), fn steps ->
        {box, given, written} = Enum.reduce(steps, {%Outbox{}, 0, 0}, &step/2)
        {rest, _box} = drained(Outbox.written(box))
        assert written + length(rest) == given
      end)
    end

    defp step(0, {box, given, written}) do
      case Outbox.next(box) do
        {:ok, _message, box} -> {box, given, written + 1}
        :none -> {Outbox.written(box), given, written}
      end
    end

    defp step(_push, {box, given, written}), do: {push(box, output("x")), given + 1, written}
  end

  describe "what is asked of others" do
    defp job(lane, seq), do: %{lane: lane, request: %{seq: seq}}

    defp begin(work, started \\ []) do
      case Work.next(work) do
        {:ok, job, work} -> begin(Work.began(work, make_ref(), job), [job.request.seq | started])
        :none -> {Enum.reverse(started), work}
      end
    end

    defp added(jobs) do
      Enum.reduce(jobs, %Work{}, fn job, work ->
        {:ok, work} = Work.add(work, job)
        work
      end)
    end

    test "one lane runs in order, others beside it" do
      {started, work} =
        [job(:a, 1), job(:a, 2), job(nil, 3), job(:b, 4), job(nil, 5)] |> added() |> begin()

      assert started == [1, 3, 4, 5]
      {ref, _job} = Enum.find(work.running, fn {_ref, job} -> job.request.seq == 1 end)
      assert {:ok, %{request: %{seq: 1}}, work} = Work.ended(work, ref)
      assert {[2], _work} = begin(work)
      assert Work.ended(work, make_ref()) == :error
    end

    test "no more than so many at a time" do
      {started, work} = 1..100 |> Enum.map(&job(nil, &1)) |> added() |> begin()
      assert length(started) == Work.bounds()[:max_running]

      full =
        Enum.reduce_while(1..2_000, work, fn n, work ->
          case Work.add(work, job(nil, n)) do
            {:ok, work} -> {:cont, work}
            :full -> {:halt, :full}
          end
        end)

      assert full == :full
    end

    test "what is cancelled is found, running or waiting" do
      {_started, work} = [job(:a, 1), job(:a, 2)] |> added() |> begin()
      assert {:running, _ref, %{request: %{seq: 1}}} = Work.cancel(work, 1)
      assert {:waiting, %{request: %{seq: 2}}, %{waiting: []}} = Work.cancel(work, 2)
      assert Work.cancel(work, 3) == :none
    end
  end

  describe "breakpoints as a client knows them" do
    defp on(node, id, verified),
      do: %{id: id, node: node, verified: verified, line: 7, how: :interpreted, left_out: []}

    test "one that is set on two nodes holds where it holds" do
      {[mark], all} = Marks.replace(%Marks{}, {:file, "a.ex"}, [%{line: 5, path: "a.ex"}])
      assert Marks.body(mark) == %{id: 1, verified: false, line: 5, message: "not set yet"}
      {:ok, _mark, all} = Marks.found(all, 1, on(:a@h, 11, {false, :no_code_on_line}))
      {:ok, mark, all} = Marks.found(all, 1, on(:b@h, 11, true))

      assert %{verified: true, line: 7, message: "a@h: there is no code on this line"} =
               Marks.body(mark)

      {:ok, mark, all} = Marks.changed(all, on(:a@h, 11, true))
      assert Marks.body(mark) == %{id: 1, verified: true, line: 7}
      assert Marks.ids(all, {:file, "a.ex"}) == [11]
      {[_new], all} = Marks.replace(all, {:file, "a.ex"}, [%{line: 5, path: "a.ex"}])
      assert Marks.changed(all, on(:a@h, 11, true)) == :error
      assert Marks.found(all, 1, on(:a@h, 11, true)) == :error
    end
  end

  test "numbers of one process go with it, those of others stay" do
    other = spawn(fn -> :ok end)
    {one, handles} = Handles.put(%Handles{}, self(), :a)
    {two, handles} = Handles.put(handles, other, :b)
    handles = Handles.drop(handles, self())
    assert Handles.fetch(handles, one) == :error
    assert Handles.fetch(handles, two) == {:ok, {other, :b}}
    {three, _handles} = Handles.put(handles, self(), :c)
    assert three > two
  end

  describe "the machine" do
    defp request(command, arguments), do: %{seq: 1, command: command, arguments: arguments}

    test "every request is answered in every phase, or asks somebody, and nothing raises" do
      names = Machine.commands() ++ ["nonsense"]

      value =
        one_of([
          constant(nil),
          integer(),
          constant("x"),
          constant([1]),
          constant(%{}),
          constant([%{}])
        ])

      keys =
        ~w(threadId frameId variablesReference source breakpoints expression filters line requestId
                sourceReference patterns id modules traceId)

      arguments = map(list(tuple([one_of(Enum.map(keys, &constant/1)), value])), &Map.new/1)

      property(list(tuple([one_of(Enum.map(names, &constant/1)), arguments])), fn steps ->
        for state <- [Machine.new(self()), debugging()] do
          Enum.reduce(steps, state, fn {name, arguments}, state ->
            answered(state, request(name, arguments))
          end)
        end
      end)
    end

    test "every request of the protocol is answered where something is debugged" do
      for name <- Client.names(),
          arguments <- [%{}, %{"threadId" => 1, "frameId" => 1}],
          do: answered(debugging(), request(name, arguments))
    end

    defp answered(state, asked) do
      {effects, state} = Machine.request(state, asked)
      answers = Enum.count(effects, &match?({:reply, _request, _result}, &1))
      asks = Enum.count(effects, &match?({:ask, %{request: ^asked}}, &1))
      assert answers + asks == 1
      state
    end

    # A process stands, at an exception.
    defp debugging do
      {:ok, launch, []} = Launch.parse(%{"request" => "launch", "task" => "run"})
      state = %{Machine.new(self()) | phase: :running, launch: launch, nodes: [node()]}
      about = %{pid: self(), reason: :exception, breakpoints: [], text: "** (exit) :boom"}
      {[_thread, _stopped], state} = Stopping.stopped(state, about)
      {1, handles} = Handles.put(state.handles, self(), {:frame, 0})
      %{state | handles: handles}
    end

    test "news of what is unknown changes nothing" do
      state = Machine.new(self())
      assert Machine.news(state, {:whatever, 1}) == {[], state}
      assert Machine.news(state, :renew) == {[], state}
    end
  end

  test "reasons have words" do
    assert Words.reason(%RuntimeError{message: "no"}) == "no"
    assert Words.reason(:not_in_the_list) == "not in the list"
    assert Words.reason({:strange, [1]}) == "{:strange, [1]}"
  end
end
