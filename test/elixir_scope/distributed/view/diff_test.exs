defmodule ElixirScope.Distributed.View.DiffTest do
  use ExUnit.Case, async: true

  import ExUnit.CaptureIO
  import ElixirScope.Distributed.Golden

  alias ElixirScope.Distributed.{Causality, Error, Runs, Stories, View}
  alias ElixirScope.Distributed.View.{Diff, Text}
  doctest Diff

  # Runs of some 10,000 events.
  @seeds if System.get_env("SCOPE_LONG"), do: 1..100, else: 1..10

  defp picture(events) do
    {:ok, picture} = Causality.build(events)
    picture
  end

  defp lines(one, other, options \\ []) do
    lines =
      Diff.render(
        {picture(one), picture(other)},
        [color: false, ascii: false, width: 100] ++ options
      )

    for line <- lines, do: IO.iodata_to_binary(line)
  end

  for width <- [60, 80, 200] do
    test "two requests at #{width} columns" do
      lines = lines(Stories.request(), Stories.request(:empty), width: unquote(width))
      assert_golden("diff_#{unquote(width)}.txt", lines)
    end
  end

  test "of 10,000 events one that was planted is in the first line, and any order is no difference" do
    for seed <- @seeds do
      program = Runs.program(seed, 9_000)
      {one, other} = {Runs.run(program, seed), Runs.run(program, seed + 1_000)}
      assert length(one) >= 10_000
      assert Enum.map(one, & &1.kind) != Enum.map(other, & &1.kind)
      assert ["no difference", _, _] = lines(one, other)

      {planted, changed, names} = Runs.plant(other, seed)
      assert [first | _] = lines = lines(one, changed)
      for name <- names, do: assert(first =~ name, "seed #{seed}: #{first} does not name #{name}")
      assert Enum.any?(lines, &(&1 =~ "second #{planted}"))
    end
  end

  describe "what differs" do
    @call {A, :f, 2}

    defp one(steps) do
      inner = for {step, n} <- Enum.with_index(steps, 1), do: put_elem(step, 2, n)
      Stories.events([{:a@h, 1, 0, :call, @call, [1, %{b: [2]}], []} | inner])
    end

    test "arguments, by their number and the way in" do
      other = put_in(one([]), [Access.at(0), Access.key(:data)], [1, %{b: [3]}])
      assert hd(lines(one([]), other)) == "A.f/2 called with argument 2[:b][0] 2, then 3"
    end

    test "what is returned or raised" do
      return = &one([{:a@h, 1, 0, :return, @call, &1, []}])
      raised = &one([{:a@h, 1, 0, :exception, @call, {:error, &1}, []}])
      assert hd(lines(return.(:ok), return.(:no))) == "A.f/2 returned :ok, then :no"
      assert hd(lines(return.(:ok), raised.(:no))) == "A.f/2 returned :ok, then raised :no"
      assert hd(lines(raised.(:a), raised.(:b))) == "A.f/2 raised at [1] :a, then :b"
      assert hd(lines(return.(:ok), one([]))) == "A.f/2 returned :ok, then did not end"
    end

    test "what only one of them did" do
      mark = {:a@h, 1, 0, :mark, :paid, 3, []}
      assert hd(lines(one([mark]), one([]))) == "only in the first: paid 3"
      assert hd(lines(one([]), one([mark]))) == "only in the second: paid 3"
      refund = {:a@h, 1, 0, :call, {A, :refund, 0}, [], []}
      pay = {:a@h, 1, 0, :call, {A, :pay, 0}, [], []}

      assert hd(lines(one([pay]), one([refund]))) ==
               "call A.pay(), then in its place call A.refund()"
    end

    test "a message that is not received" do
      send = {:a@h, 1, 0, :send, :someone, :hello, message: 1}
      receive = {:b@h, 1, 0, :receive, nil, :hello, message: 1}
      assert hd(lines(one([send, receive]), one([send]))) =~ "received in one of the two alone"
    end
  end

  describe "two calls of one picture" do
    setup do
      events =
        for {order, result} <- [{1, :ok}, {2, :ok}, {3, :none}],
            step <- request(order, result),
            do: step

      [picture: picture(Stories.events(events))]
    end

    defp request(order, result) do
      us = order * 1_000
      of = [correlation: "r-#{order}"]

      [
        {:a@h, 1, us, :call, {A, :buy, 1}, [:book], of},
        {:a@h, 1, us + 10, :send, Stories.pid(:b@h, 7), :take, of ++ [message: order]},
        {:b@h, 7, us + 20, :receive, Stories.pid(:a@h, 1), :take, message: order},
        {:b@h, 7, us + 30, :call, {B, :take, 0}, [], of},
        {:b@h, 7, us + 40, :return, {B, :take, 0}, result, of},
        {:a@h, 1, us + 50, :return, {A, :buy, 1}, :done, of}
      ]
    end

    defp rendered(picture, options) do
      lines = Diff.render(picture, [width: 100, color: false] ++ options)
      for line <- lines, do: IO.iodata_to_binary(line)
    end

    test "by ids of their events", %{picture: picture} do
      assert ["no difference", "6 and 6 events compared", _] =
               rendered(picture, ids: {"a@h#1", "a@h#7"})

      assert [first, around | _] = rendered(picture, ids: {"a@h#1", "a@h#14"})
      assert {first, around} == {"B.take/0 returned :ok, then :none", "  in A.buy/1 > B.take/0"}
    end

    test "by correlations", %{picture: picture} do
      assert ["no difference", "6 and 6 events compared", _] =
               rendered(picture, correlations: {"r-1", "r-2"})

      assert [first | _] = rendered(picture, correlations: {"r-2", "r-3"})
      assert first == "B.take/0 returned :ok, then :none"
    end

    test "what is unknown, or not said, is an error", %{picture: picture} do
      assert {:error, %Error{reason: :unknown_event}} =
               Diff.render(picture, ids: {"a@h#1", "a@h#99"})

      assert {:error, %Error{reason: :unknown_event}} =
               Diff.render(picture, ids: {"a@h#99", "a@h#1"})

      assert {:error, %Error{reason: :bad_event_id}} = Diff.render(picture, ids: {1, 2})

      assert {:error, %Error{reason: :unknown_correlation}} =
               Diff.render(picture, correlations: {"r-1", "r-9"})

      assert {:error, %Error{reason: :bad_option}} = Diff.render(picture, [])
      assert {:error, %Error{reason: :bad_option}} = Diff.render(picture, ids: "a@h#1")
      both = [ids: {"a@h#1", "a@h#7"}, correlations: {"r-1", "r-2"}]
      assert {:error, %Error{reason: :bad_option}} = Diff.render(picture, both)
    end

    test "it prints, of one source or of two", %{picture: picture} do
      assert capture_io(fn -> assert View.diff(picture, correlations: {"r-1", "r-2"}) == :ok end) =~
               "no difference"

      assert capture_io(fn -> assert View.diff({picture, picture}) == :ok end) =~ "no difference"
      assert {:error, %Error{}} = View.diff({picture, :nothing})
      assert {:error, %Error{}} = View.diff(:nothing, correlations: {1, 2})
    end
  end

  describe "events that stay in the core" do
    @scope __MODULE__.Scope

    setup do
      start_supervised!({ElixirScope.Distributed, name: @scope})
      for {id, number} <- [{"r-1", 1}, {"r-2", 1}, {"r-3", 2}], do: recorded(id, number)
      [source: [scope: @scope, kinds: [:mark]]]
    end

    # In a process of its own, at another time, with other references.
    defp recorded(id, number) do
      Task.await(
        Task.async(fn ->
          for step <- [:begun, :done] do
            data = %{by: self(), ref: make_ref(), n: number, seconds: System.os_time(:second)}
            data = Map.merge(data, %{ns: System.os_time(), mono: System.monotonic_time()})
            ElixirScope.Distributed.record(step, data, scope: @scope, correlation_id: id)
          end
        end)
      )
    end

    test "processes, references and times are no difference, and a number is", %{source: source} do
      picture = picture(source)

      assert ["no difference", "2 and 2 events compared", _] =
               rendered(picture, correlations: {"r-1", "r-2"})

      assert [first | _] = lines = rendered(picture, correlations: {"r-1", "r-3"})
      assert first == "begun at [:n] 1, then 2"
      assert "2 differences" in lines
    end

    test "two questions are two executions", %{source: source} do
      questions = for id <- ["r-1", "r-2"], do: source ++ [correlation_id: id]
      text = capture_io(fn -> assert View.diff(List.to_tuple(questions), width: 80) == :ok end)
      assert text =~ "no difference"
    end
  end

  test "no line is wider than asked for" do
    for width <- [1, 9, 30, 60],
        line <- lines(Stories.request(), Stories.request(:empty), width: width),
        do: assert(Text.width(line) <= width)
  end
end
