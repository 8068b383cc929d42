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

  test "a correlation is shown as its user calls it, whatever that is" do
    id = {:order, "17", [1 | 2]}
    # Who is in an extent is recorded in the default scope alone.
    name = "inside #{System.unique_integer()}"
    Scope.with_correlation(id, fn -> Scope.record(name, 1) end)

    json = ~S("correlation_id":{"$tuple":["order","17",{"$improper":[1,2]}]})
    assert List.last(lines(ElixirScope.Distributed, contains: name)) =~ json

    {:ok, csv} = Export.csv(contains: name)
    assert IO.iodata_to_binary(csv) =~ ~S({""$tuple"":[""order"",""17"",{""$improper"":[1,2]}]})
    {:ok, log} = Export.otlp_json(contains: name)
    assert IO.iodata_to_binary(log) =~ ~S({\"$tuple\":[\"order\",\"17\")
  end

  test "an event whose stamp is not believed says when it came", %{scope: scope} do
    Scope.record(:it, 1, scope: scope)
    refute List.last(lines(scope)) =~ "received_at"
    # Whose clock is ahead is not believed from here on.
    {:ok, %{store: store}} = ElixirScope.Distributed.Scope.fetch(scope)
    {:ok, table} = Export.table(:json_lines)
    found = ElixirScope.Distributed.Query.Page.open(store, filter(), :all, nil, 0)
    step = ElixirScope.Distributed.Query.Page.take(found, 1)
    shown = %{names: [], ahead: [:me@test], now: {3, 1_000_000_000}, here: :here@test}
    %{text: text, count: 1} = Export.rows(table, step.events, nil, shown)

    assert text =~
             ~S("received_at":{"ns":"1000000000","logical":3,"time":"1970-01-01T00:00:01.000000000Z","node":"here@test"})
  end

  defp filter do
    :filter
    |> ElixirScope.Distributed.Options.defaults()
    |> ElixirScope.Distributed.Storages.Native.native_filter()
  end

  describe "write/3" do
    @describetag :tmp_dir

    test "leaves a whole file and nothing else", %{scope: scope, tmp_dir: folder} do
      for n <- 1..5_000, do: Scope.record(:n, n, scope: scope)
      path = Path.join(folder, "größe.jsonl")
      me = self()
      told = fn progress -> send(me, {:progress, progress}) end
      {:ok, written} = Export.write(path, :json_lines, scope: scope, progress: told)
      assert written.events == 5_000 and written.into == :ok
      assert File.stat!(path).size == written.bytes
      assert path |> File.stream!() |> Enum.count() == 5_000
      assert File.ls!(folder) == ["größe.jsonl"]
      assert_received {:progress, %{events: 2_048, of: nil, bytes: bytes}} when bytes > 2_048
      assert_received {:progress, %{events: 5_000}}
    end

    test "writes to a device and to what is collectable", %{scope: scope} do
      Scope.record(:n, 1, scope: scope)
      {:ok, device} = StringIO.open("", encoding: :latin1)
      assert {:ok, %{into: :ok, bytes: bytes}} = Export.write(device, :csv, scope: scope)
      assert {:ok, {"", text}} = StringIO.close(device)
      assert byte_size(text) == bytes and text =~ "node,incarnation,seq,"
      assert {:ok, %{into: parts}} = Export.write([], :csv, scope: scope)
      assert IO.iodata_to_binary(parts) == text
    end

    test "a format that is unknown, and a target that cannot be written", context do
      %{scope: scope, tmp_dir: folder} = context
      Scope.record(:n, 1, scope: scope)
      assert {:error, %Error{reason: :unknown_format} = error} = Export.write(folder, :exel)
      assert Exception.message(error) =~ "there is no format :exel; there are :json_lines, :csv"

      for {target, reason} <- [
            {folder, :not_writable},
            {Path.join(folder, "none/there.csv"), :not_writable},
            {{:no, :target}, :bad_target}
          ],
          format <- [:csv, :perfetto] do
        assert {:error, %Error{reason: ^reason} = error} =
                 Export.write(target, format, scope: scope)

        assert Exception.message(error) =~ ~r/cannot be written|goes to a path/
      end

      assert File.ls!(folder) == []
    end

    test "a wrong filter is an error of every format", %{scope: scope, tmp_dir: folder} do
      for format <- Export.formats() do
        assert {:error, %Error{reason: :bad_filter}} =
                 Export.write(Path.join(folder, "x"), format, scope: scope, kind: :mark)
      end

      assert File.ls!(folder) == []
    end

    test "what is required and missing, or fails on the way, leaves no file", context do
      %{tmp_dir: folder, test: test} = context
      scope = :"#{test} with a stranger"
      start_supervised!({Scope, name: scope, cluster_nodes_init: [:gone@test]}, id: scope)
      Scope.record(:n, 1, scope: scope)
      path = Path.join(folder, "x")

      for format <- Export.formats(), format != :parquet do
        assert {:error, %Error{reason: :nodes_missing}} =
                 Export.write(path, format, scope: scope, require: :all)
      end

      raising = fn _progress -> raise "no" end

      capture_log(fn ->
        assert {:error, %Error{reason: :query_failed}} =
                 Export.write(path, :csv, scope: scope, progress: raising)
      end)

      assert File.ls!(folder) == []
    end

    test "an answer without events is a file of every format", context do
      %{scope: scope, tmp_dir: folder} = context

      for format <- Export.formats(), format != :parquet do
        path = Path.join(folder, "#{format}")
        assert {:ok, %{events: 0}} = Export.write(path, format, scope: scope)
        assert File.exists?(path)
      end
    end

    test "shows a line on the terminal when asked", %{scope: scope} do
      Scope.record(:n, 1, scope: scope)

      shown =
        ExUnit.CaptureIO.capture_io(:stderr, fn ->
          Export.write([], :csv, scope: scope, show_progress: true)
          Export.write([], :mermaid, scope: scope, show_progress: true)
        end)

      assert shown =~ "\rexport: 1 events, 0 kB" and shown =~ "export: 1 of 1 events"
    end
  end

  test "what is missing stands in the formats that have a place for it", %{test: test} do
    scope = :"#{test} with a stranger"
    start_supervised!({Scope, name: scope, cluster_nodes_init: [:gone@test]}, id: scope)
    for n <- 1..3, do: Scope.record(:n, n, scope: scope)
    where = [json_lines: ~S("missing":{"gone@test":), csv: ~S(""missing"":{""gone@test"":)]

    where =
      where ++
        for format <- [:perfetto, :otlp, :otlp_json, :shiviz, :speedscope, :callgrind],
            do: {format, "gone@test is missing ("}

    for {format, text} <- where ++ [mermaid: "gone#64;test is missing #40;"] do
      {:ok, written} = Export.write([], format, scope: scope, limit: 2)
      assert %{missing: %{gone@test: _}, more?: true, events: 2} = written
      assert IO.iodata_to_binary(written.into) =~ text

      assert IO.iodata_to_binary(written.into) =~
               ~r/"more""?:true|more events than the limit|more events/
    end
  end

  test "Parquet is written, or it is said how it would be", %{scope: scope} do
    Scope.record(:n, 1, scope: scope)

    case Export.parquet(scope: scope) do
      {:ok, file} ->
        assert <<"PAR1", _::binary>> = file = IO.iodata_to_binary(file)
        assert binary_part(file, byte_size(file), -4) == "PAR1"

      {:error, error} ->
        assert error.reason == :no_parquet
        assert Exception.message(error) =~ "ELIXIR_SCOPE_FEATURES=parquet"
    end
  end

  test "a picture, an answer and their events give the same", %{scope: scope} do
    Scope.record(:n, [1 | 2], scope: scope, correlation_id: "r")
    Scope.record(:m, fn -> 1 end, scope: scope)
    {:ok, picture} = ElixirScope.Distributed.Causality.build(scope: scope)
    {:ok, result} = Scope.query(scope: scope)

    for write <- [&Export.otlp/1, &Export.perfetto/1, &Export.shiviz/1] do
      {:ok, of_picture} = write.(picture)

      for source <- [result, result.events] do
        {:ok, other} = write.(source)
        assert IO.iodata_to_binary(other) == IO.iodata_to_binary(of_picture)
      end
    end

    assert {:error, %Error{reason: :not_an_event}} = Export.otlp([:no_event])
  end
end
