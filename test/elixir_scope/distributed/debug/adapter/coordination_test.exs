defmodule ElixirScope.Distributed.Debug.Adapter.CoordinationTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.Debug.Adapter.{Coordination, Launch}
  alias ElixirScope.Distributed.Debug.Adapter.Coordination.{Asked, Editor, Turn}

  doctest Coordination

  defp launch(mode, distributed \\ %{}) do
    {:ok, launch, []} =
      Launch.parse(%{"coordinationMode" => mode, "distributedDebugging" => distributed})

    launch
  end

  describe "who is asked" do
    test "is said by the mode, the fallback and whether there is a language node" do
      assert Coordination.sources(launch("beam-rpc")) == [:language]
      assert Coordination.sources(launch("extension")) == [:editor]
      assert Coordination.sources(launch("auto")) == [:language, :editor, :local]
      assert Coordination.sources(launch("auto", %{"enabled" => false})) == [:editor, :local]

      off = %{"enabled" => false, "fallbackToExtensionCoordination" => false}
      assert Coordination.sources(launch("auto", off)) == [:local]
    end

    test "the fallback is no business of the other modes" do
      off = %{"fallbackToExtensionCoordination" => false}
      assert Coordination.sources(launch("beam-rpc", off)) == [:language]
      assert Coordination.sources(launch("extension", off)) == [:editor]
    end

    test "each has the configured time" do
      test = self()
      ask = fn file, line, timeout_ms -> send(test, {file, line, timeout_ms}) && {:ok, []} end

      "beam-rpc"
      |> launch(%{"rpcTimeout" => 70})
      |> Coordination.new(%{language: ask})
      |> Coordination.dependencies("a.ex", 3)

      assert_received {"a.ex", 3, 70}
    end
  end

  describe "the turn" do
    test "is that of the first who can answer; all before are named" do
      outcome = one_of([constant(:answers), constant(:gone), constant(:knows_better)])

      property(list(outcome), fn outcomes ->
        outcomes = [:gone | outcomes]

        sources =
          for {_outcome, index} <- Enum.with_index(outcomes), do: :"source#{rem(index, 50)}"

        {asked, result} = play(Turn.first(sources), outcomes, [])
        expected = Enum.take_while(outcomes, &(&1 == :gone))

        # Asked once each, in order, and nobody after the one who ended it.
        assert asked == Enum.take(sources, length(asked))
        assert length(asked) == min(length(expected) + 1, length(outcomes))

        case Enum.at(outcomes, length(asked) - 1) do
          :answers ->
            assert {:ok, answer} = result
            assert answer.source == List.last(asked)
            assert length(answer.failed) == length(asked) - 1

          _no_answer ->
            assert {:error, failed} = result
            assert Enum.map(failed, &elem(&1, 0)) == asked
        end
      end)
    end

    test "ends with whoever knows that there is nothing" do
      for reason <- Turn.answers() do
        assert {:ask, :language, turn} = Turn.first([:language, :editor, :local])
        error = ElixirScope.Distributed.Error.new(reason, nearest: 4)

        for written <- [reason, {reason, nearest: 4}, error] do
          assert Turn.answered(turn, {:error, written}) == {:done, {:error, [language: written]}}
        end
      end
    end
  end

  defp play({:done, result}, _outcomes, asked), do: {Enum.reverse(asked), result}

  defp play({:ask, source, turn}, [outcome | rest], asked) do
    answer = %{
      answers: {:ok, [Map]},
      gone: {:error, :timeout},
      knows_better: {:error, :unknown_file}
    }

    play(Turn.answered(turn, answer[outcome]), rest, [source | asked])
  end

  describe "the book of questions" do
    test "answers each at most once, and gives each up at its deadline" do
      step = one_of([constant(:put), constant(:tick), map(integer(0..12), &{:answer, &1})])

      property(list(step), fn steps ->
        {asked, said, now} = Enum.reduce(steps, {%Asked{}, [], 0}, &step/2)
        {over, rest} = Asked.expired(asked, now + 1_000)
        whos = Enum.map(said, &elem(&1, 1)) ++ over
        assert whos == Enum.uniq(whos)
        assert rest.open == %{}
        for {:answered, who, at} <- said, do: assert(at < who + 3)
        assert Asked.next_deadline(rest) == nil
      end)
    end

    test "has bounds" do
      full =
        Enum.reduce(1..Asked.bounds()[:most], %Asked{}, fn n, asked ->
          {:ok, ^n, asked} = Asked.put(asked, n, n)
          asked
        end)

      assert Asked.put(full, :more, 1) == {:error, :too_many_questions}
      many = List.duplicate("A", Asked.bounds()[:most_modules] + 1)

      assert {:ok, 1, {:error, {:editor, "more than 10000 modules"}}, _asked} =
               Asked.answer(full, %{"id" => 1, "modules" => many})
    end

    test "takes no nonsense for an answer" do
      {:ok, 1, asked} = Asked.put(%Asked{}, :who, 9)

      for strange <- [nil, [], %{}, %{"id" => 2}, %{"id" => "1"}, %{"id" => 0}, %{"id" => 1.0}] do
        assert {:error, "id: " <> _, ^asked} = Asked.answer(asked, strange)
      end

      for {wrong, message} <- [
            {%{}, "modules: an answer names them"},
            {%{"modules" => "A"}, "modules: expected a list, each text, got: \"A\""},
            {%{"modules" => ["A", 1]}, "modules[1]: expected text, got: 1"},
            {%{"error" => "no language server"}, "no language server"}
          ] do
        assert {:ok, :who, {:error, {:editor, ^message}}, _asked} =
                 Asked.answer(asked, Map.put(wrong, "id", 1))
      end
    end
  end

  # A question has three ticks to be answered in; it is called by the time at which it was asked.
  defp step(:put, {asked, said, now}) do
    case Asked.put(asked, now, now + 3) do
      {:ok, _id, asked} -> {asked, said, now + 1}
      {:silent, _id, asked} -> {asked, said, now + 1}
    end
  end

  defp step(:tick, {asked, said, now}) do
    {over, asked} = Asked.expired(asked, now + 1)
    {asked, said ++ for(who <- over, do: {:over, who}), now + 1}
  end

  defp step({:answer, id}, {asked, said, now}) do
    {over, asked} = Asked.expired(asked, now)
    said = said ++ for(who <- over, do: {:over, who})

    case Asked.answer(asked, %{"id" => id, "modules" => []}) do
      {:ok, who, {:ok, []}, asked} -> {asked, said ++ [{:answered, who, now}], now}
      {:error, _message, asked} -> {asked, said, now}
    end
  end

  describe "the editor" do
    setup do
      test = self()
      {:ok, editor} = Editor.start_link(emit: &send(test, {:event, &1, &2}))
      [editor: editor]
    end

    test "is asked by an event and answers by a request", %{editor: editor} do
      asking = Task.async(fn -> Editor.ask(editor, "lib/a.ex", 7, 5_000) end)
      assert_receive {:event, "elixirScope.dependencies", %{id: id, file: "lib/a.ex", line: 7}}
      assert Editor.answer(editor, %{"id" => id, "modules" => ["A", "A.B"]}) == :ok
      assert Task.await(asking) == {:ok, [A, A.B]}
      assert {:error, "id: the question was" <> _} = Editor.answer(editor, %{"id" => id})
    end

    test "that does not answer is waited for once, until it speaks again", %{editor: editor} do
      assert Editor.ask(editor, "a.ex", 1, 1) == {:error, :timeout}
      assert Editor.ask(editor, "a.ex", 2, 60_000) == {:error, :editor_silent}
      assert_receive {:event, _name, %{id: 2, line: 2}}
      assert {:error, _given_up} = Editor.answer(editor, %{"id" => 2, "modules" => []})
      asking = Task.async(fn -> Editor.ask(editor, "a.ex", 3, 60_000) end)
      assert_receive {:event, _name, %{id: 3}}
      assert Editor.answer(editor, %{"id" => 3, "modules" => []}) == :ok
      assert Task.await(asking) == {:ok, []}
    end

    test "may be gone, and gets many questions at once", %{editor: editor} do
      tasks =
        for line <- 1..50, do: Task.async(fn -> Editor.ask(editor, "a.ex", line, 60_000) end)

      for _task <- tasks do
        assert_receive {:event, _name, %{id: id, line: line}}
        assert Editor.answer(editor, %{"id" => id, "modules" => ["M#{line}"]}) == :ok
      end

      assert Enum.map(tasks, &Task.await/1) ==
               for(line <- 1..50, do: {:ok, [Module.concat(["M#{line}"])]})

      GenServer.stop(editor)
      assert Editor.ask(editor, "a.ex", 1, 1_000) == {:error, :no_editor}
    end

    test "answers in mode extension, and in auto when the language node is gone", %{
      editor: editor
    } do
      asking = %{
        language: fn _file, _line, _timeout_ms -> {:error, :service_not_found} end,
        editor: &Editor.ask(editor, &1, &2, &3),
        local: fn _file, _line, _timeout_ms -> {:ok, [Local]} end
      }

      for {mode, failed} <- [{"extension", []}, {"auto", [language: :service_not_found]}] do
        coordination = Coordination.new(launch(mode), asking)
        task = Task.async(fn -> Coordination.dependencies(coordination, "a.ex", 1) end)
        assert_receive {:event, _name, %{id: id}}
        assert Editor.answer(editor, %{"id" => id, "modules" => ["A"]}) == :ok
        assert Task.await(task) == {:ok, %{modules: [A], source: :editor, failed: failed}}
      end
    end
  end
end
