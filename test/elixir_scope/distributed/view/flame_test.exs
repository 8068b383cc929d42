defmodule ElixirScope.Distributed.View.FlameTest do
  use ExUnit.Case, async: true

  import ExUnit.CaptureIO
  import ElixirScope.Distributed.Case.Gen
  import ElixirScope.Distributed.Golden

  alias ElixirScope.Distributed.{Causality, Error, NastyText, Stories, View}
  alias ElixirScope.Distributed.View.{Flame, Text}
  doctest Flame

  setup_all do
    {:ok, request} = Causality.build(Stories.request())
    [request: request]
  end

  defp lines(source, options) do
    {:ok, causality} = Causality.build(source)
    lines = Flame.render(causality, [color: false, ascii: false] ++ options)
    for line <- lines, do: IO.iodata_to_binary(line)
  end

  for width <- [60, 80, 200] do
    test "a request at #{width} columns", %{request: request} do
      assert_golden("flame_#{unquote(width)}.txt", lines(request, width: unquote(width)))
    end
  end

  test "folded stacks have the time of the request, each stack once", %{request: request} do
    stacks = for line <- lines(request, format: :folded, id: "web@127.0.0.1#1"), do: folded(line)
    assert stacks |> Enum.map(&elem(&1, 1)) |> Enum.sum() == 590_000
    assert stacks == Enum.uniq_by(stacks, &elem(&1, 0))
    assert {["MyApp.Orders.place/2 (web@127.0.0.1)"], 64_000} in stacks
    assert {["MyApp.Orders.place/2 (web@127.0.0.1)", "[network]"], 384_000} in stacks
    assert_golden("flame_folded.txt", lines(request, format: :folded))
  end

  # As a reader of the format does it: the number behind the last space, names between semicolons.
  defp folded(line) do
    [number | rest] = line |> String.split(" ") |> Enum.reverse()
    {rest |> Enum.reverse() |> Enum.join(" ") |> String.split(";"), String.to_integer(number)}
  end

  test "a call on another node stands below its caller, once with its node" do
    {:ok, request} = Causality.build(Stories.request())
    text = request |> lines(width: 120, least_percent: 0) |> Enum.join("\n")
    assert text =~ "    MyApp.Stock.take/1 (orders@127.0.0.1)\n"
    assert text =~ "[waiting]"
    assert text =~ "5 calls whose time is not known, as an end is missing"
  end

  test "small frames are counted", %{request: request} do
    text = request |> lines(width: 80, least_percent: 30) |> Enum.join("\n")
    refute text =~ "MyApp.Card"
    assert text =~ ~r/frames below 30% not shown/
  end

  test "no line is wider than asked for, and none harms a terminal" do
    property(NastyText.text(), [runs: 20], fn text ->
      node = :"nöde@127.0.0.1"
      text = if String.valid?(text), do: String.slice(text, 0, 40), else: "any"
      name = :"#{text}"

      events =
        Stories.events([
          {node, 1, 0, :call, {A, name, 1}, [], []},
          {node, 1, 9, :return, {A, name, 1}, :ok, []}
        ])

      for line <- lines(events, format: :folded), do: assert({[_], 9_000} = folded(line))

      for width <- [1, 7, 33, 80],
          ascii <- [false, true],
          line <- lines(events, width: width, ascii: ascii) do
        assert Text.width(line) <= width
        assert NastyText.harmless?(line)
      end
    end)
  end

  test "an answer without time says so" do
    assert ["no time in calls among these events", "", _] = lines([], width: 80)
    assert lines([], format: :folded) == []
  end

  test "wrong options and ids are errors", %{request: request} do
    assert {:error, %Error{reason: :bad_option}} = View.flame(request, format: :svg)
    assert {:error, %Error{reason: :bad_option}} = View.flame(request, least_percent: -1)
    assert {:error, %Error{reason: :unknown_event}} = View.flame(request, id: "web@127.0.0.1#99")
    assert capture_io(fn -> assert View.flame(request, width: 80) == :ok end) =~ "[network]"
  end
end
