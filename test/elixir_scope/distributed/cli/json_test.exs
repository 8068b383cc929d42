defmodule ElixirScope.Distributed.CLI.JsonTest do
  use ExUnit.Case, async: true
  doctest ElixirScope.Distributed.CLI.Json
  doctest ElixirScope.Distributed.CLI.Json.Event

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{Case.Gen, Export}
  alias ElixirScope.Distributed.CLI.Json

  setup context do
    scope = :"#{context.module}.#{context.test}"
    start_supervised!({Scope, name: scope, node: :me@test})
    {:ok, scope: scope}
  end

  defp text(value), do: value |> Json.encode() |> IO.iodata_to_binary()

  test "what must be escaped is, and what is no text is marked" do
    assert text("a\"b\\c\n\r\t\0\e") == ~S("a\"b\\c\n\r\t\u0000\u001b")
    assert text("grüß 日本 👩🏽‍🚀") == ~s("grüß 日本 👩🏽‍🚀")
    assert text(<<"a", 255, "b">>) == ~s("a\uFFFDb")

    assert text(%{"b" => 1, "a" => [nil, true, :x, 1.0e22, -3]}) ==
             ~S({"a":[null,true,"x",1.0e22,-3],"b":1})

    assert text({:object, [z: 1, a: 2]}) == ~S({"z":1,"a":2})
  end

  test "what the library says of itself has a form, whatever it is" do
    said =
      Json.plain(%{
        1 => {:a, "b"},
        {2, 3} => [x: make_ref()],
        "c" => %RuntimeError{message: "no"},
        d: [1 | 2],
        e: <<255>>
      })

    assert %{
             1 => [:a, "b"],
             "{2, 3}" => [[:x, "#Reference" <> _]],
             "c" => "no",
             d: "[1 | 2]",
             e: "<<255>>"
           } = said

    assert is_binary(text(said))
  end

  # The core writes exports; both are to be read by the same programs.
  test "events are written as exports write them", %{scope: scope} do
    for term <- [
          nil,
          true,
          :"with \"quotes\"",
          "two\nlines, grüß",
          9_223_372_036_854_775_807,
          -1.5,
          0.1,
          <<255, 0>>,
          {:ok, [1 | 2]},
          %{"a" => []},
          %{1 => %{}},
          %{:a => 1, "a" => 2},
          %{"$x" => 1},
          self(),
          [],
          {},
          %{a: %{b: {1}}},
          %RuntimeError{message: "declined"},
          {:error, ~D[2026-11-21]},
          fn -> 1 end,
          String.duplicate("long", 3_000),
          Enum.to_list(1..1_000),
          Map.new(1..300, &{&1, &1})
        ] do
      Scope.record(:it, term, scope: scope, correlation_id: {:order, 7})
    end

    Scope.record(:none, nil, scope: scope)
    assert_same(scope)
  end

  test "so are any terms", %{scope: scope} do
    for seed <- 1..200, do: Scope.record(:it, Gen.pick(Gen.term(), seed: seed), scope: scope)
    assert_same(scope)
  end

  defp assert_same(scope) do
    {:ok, events} = Scope.events(scope: scope)
    {:ok, lines} = Export.json_lines(scope: scope)
    lines = lines |> IO.iodata_to_binary() |> String.split("\n", trim: true)
    assert length(lines) == length(events)

    for {event, line} <- Enum.zip(events, lines) do
      assert event |> Json.Event.value() |> text() |> same() == same(line)
    end
  end

  # Floats may be written in more than one way, and pairs of maps in any order.
  defp same(line), do: line |> ElixirScope.Distributed.Shell.Json.decode() |> ordered()

  defp ordered(%{"$map" => pairs}), do: %{"$map" => pairs |> Enum.map(&ordered/1) |> Enum.sort()}

  defp ordered(map) when is_map(map),
    do: Map.new(map, fn {key, value} -> {key, ordered(value)} end)

  defp ordered(list) when is_list(list), do: Enum.map(list, &ordered/1)
  defp ordered(plain), do: plain
end
