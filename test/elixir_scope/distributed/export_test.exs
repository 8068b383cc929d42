defmodule ElixirScope.Distributed.ExportTest do
  use ExUnit.Case, async: true

  import ExUnit.CaptureLog

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{Error, Export}

  setup context do
    scope = :"#{context.module}.#{context.test}"
    start_supervised!({Scope, name: scope, node: :me@test})
    {:ok, scope: scope}
  end

  defp lines(scope, filters \\ []) do
    {:ok, lines} = Export.json_lines([scope: scope] ++ filters)
    lines |> IO.iodata_to_binary() |> String.split("\n", trim: true)
  end

  defp data(scope, term) do
    Scope.record(:it, term, scope: scope)
    [_whole, data] = Regex.run(~r/"data":(.*),"meta"/, List.last(lines(scope)))
    data
  end

  test "an event is one line with all there is to say", %{scope: scope} do
    Scope.record(:checkout, %{items: 3}, scope: scope, correlation_id: "r-1")
    {:ok, [event]} = Scope.events(scope: scope)
    {{:me@test, incarnation}, 1} = event.id
    {logical, ns, :me@test} = event.at
    time = ns |> DateTime.from_unix!(:nanosecond) |> DateTime.truncate(:second)
    [seconds, "Z"] = String.split(DateTime.to_iso8601(time), ~r/(?=Z)/)
    decimals = ns |> rem(1_000_000_000) |> Integer.to_string() |> String.pad_leading(9, "0")
    "#PID<0." <> pid = inspect(self())

    assert lines(scope) == [
             ~s({"id":{"node":"me@test","incarnation":#{incarnation},"seq":1},) <>
               ~s("at":{"ns":"#{ns}","logical":#{logical},"time":"#{seconds}.#{decimals}Z"},) <>
               ~s("mono_ns":"#{event.mono_ns}","node":"me@test","pid":"<#{node()}.#{pid}",) <>
               ~s("kind":"mark","subject":"checkout","correlation_id":"r-1",) <>
               ~s("data":{"items":3},"meta":{}})
           ]
  end

  test "terms are what the rules say", %{scope: scope} do
    for {term, json} <- [
          {nil, ~S(null)},
          {true, ~S(true)},
          {:"with \"quotes\"", ~S("with \"quotes\"")},
          {"two\nlines, grüß", ~S("two\nlines, grüß")},
          {9_223_372_036_854_775_807, ~S(9223372036854775807)},
          {-1.5, ~S(-1.5)},
          {<<255, 0>>, ~S({"$binary":"/wA="})},
          {{:ok, [1 | 2]}, ~S({"$tuple":["ok",{"$improper":[1,2]}]})},
          {%{"a" => []}, ~S({"a":[]})},
          {%{1 => %{}}, ~S({"$map":[[1,{}]]})},
          {fn -> 1 end, ~S({"$opaque":{"type":"fun"}})}
        ] do
      assert data(scope, term) == json
    end
  end

  test "what is too large is cut, and says so", %{scope: scope} do
    assert data(scope, Enum.to_list(1..100_000)) =~ ~r/^\[1,2,3,.*\{"\$opaque":\{"type":"cut"/
    assert List.last(lines(scope)) =~ ~S("meta":{"truncated?":true}})

    Scope.with_correlation(17, fn ->
      Task.await(Task.async(fn -> Scope.record(:reached, 1, scope: scope) end))
    end)

    assert List.last(lines(scope)) =~ ~S("meta":{"attribution":"inherited"}})
  end

  test "filters and order are those of a query", %{scope: scope} do
    for n <- 1..3, do: Scope.record(:n, n, scope: scope, correlation_id: rem(n, 2))
    subset = lines(scope, correlation_id: 1, order: :desc)

    assert [~S("data":3), ~S("data":1)] =
             for(line <- subset, do: hd(Regex.run(~r/"data":\d/, line)))

    assert [] = lines(scope, kinds: [:message])
  end

  test "a limit that leaves events out is warned of, one that does not is not", %{scope: scope} do
    for n <- 1..3, do: Scope.record(:n, n, scope: scope)

    log =
      capture_log(fn ->
        assert [_, _, last] = lines(scope, limit: 2)

        assert last =~ ~S("id":null) and last =~ ~S("kind":"gap") and
                 last =~ ~S("data":{"more":true})
      end)

    assert log =~ "more than the limit"
    refute capture_log(fn -> assert [_, _, _] = lines(scope, limit: 3) end) =~ "limit"
  end

  test "a wrong filter and a scope that does not run are errors", %{scope: scope} do
    assert {:error, %Error{reason: :bad_filter}} = Export.json_lines(scope: scope, kind: :mark)
    assert {:error, %Error{reason: :not_running}} = Export.json_lines(scope: :none)
  end

  test "a member that does not answer is warned of, and may be required", %{test: test} do
    scope = :"#{test} with a stranger"
    start_supervised!({Scope, name: scope, cluster_nodes_init: [:gone@test]}, id: scope)
    assert capture_log(fn -> lines(scope) end) =~ "missing %{gone@test: "

    assert {:error, %Error{reason: :nodes_missing}} =
             Export.json_lines(scope: scope, require: :all)
  end
end
