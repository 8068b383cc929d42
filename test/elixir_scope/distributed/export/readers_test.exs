defmodule ElixirScope.Distributed.Export.ReadersTest do
  # Exports as other people's readers understand them. Where those are not installed the run says so.
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{Event, Export, Readers}

  @moduletag :readers
  @moduletag :tmp_dir
  @moduletag timeout: 120_000

  # What means something to one of the formats.
  @hostile "=we;ird\r\n\"name\" %{x}\t(1),';<&#\u2028日本 end"

  # Two nodes: a call that asks the other one, which fails; a loss; figures.
  defp story do
    {one, two} = {"<a@host.101.0>", "<b@höst.7.0>"}
    buy = {Shop, :buy, 2}
    odd = {:"Elixir.a;b", String.to_atom(@hostile), 0}

    [
      event(1, :call, one, buy, [1, "日本"]),
      event(2, :send, one, two, {:pay, 17}, pair: {{:b@höst, 3}, 3}),
      event(3, :receive, two, nil, {:pay, 17}, pair: {{:a@host, 3}, 2}, node: :b@höst),
      event(4, :call, two, odd, [], node: :b@höst),
      event(5, :mark, two, String.to_atom(@hostile), -1, node: :b@höst),
      event(6, :exception, two, odd, {:error, :badarg, []}, node: :b@höst),
      event(7, :send, two, one, {:error, @hostile}, pair: {{:a@host, 3}, 8}, node: :b@höst),
      event(8, :receive, one, nil, {:error, @hostile}, pair: {{:b@höst, 3}, 7}),
      event(9, :return, one, buy, :ok),
      event(10, :vitals, one, nil, %{memory: 2_048, load: 0.5}),
      event(11, :call, one, {:audit, :run, 0}, nil),
      event(12, :gap, nil, nil, %{dropped: 3}),
      event(13, :return, one, {:audit, :run, 0}, nil)
    ]
  end

  defp event(seq, kind, pid, subject, data, more \\ []) do
    node = more[:node] || :a@host
    pair = with {_, _} = id <- more[:pair], do: %{pairing: :exact, pair: id}

    %Event{
      id: {{node, 3}, seq},
      at: {0, 1_700_000_000_000_000_000 + 100 * seq, node},
      mono_ns: 100 * seq,
      node: node,
      pid: pid,
      kind: kind,
      subject: subject,
      correlation_id: if(seq < 10, do: "r-17"),
      data: data,
      meta: pair || %{}
    }
  end

  defp written(format, folder, source \\ story()) do
    path = Path.join(folder, "out")
    {:ok, _written} = Export.write(path, format, source)
    path
  end

  test "Perfetto's schema", %{tmp_dir: folder} do
    found = Readers.read("perfetto_trace.py", [written(:perfetto, folder)])
    assert Enum.sort(found["processes"]) == ["a@host", "b@höst"]
    assert length(found["threads"]) == 2
    assert ["Shop.buy/2", odd, ":audit.run/0"] = found["slices"]
    assert odd =~ "Elixir.a;b" and odd =~ "日本"
    assert Enum.sort(found["counters"]) == ["vitals load", "vitals memory"]
    assert %{"flows" => 2, "loose_flows" => 0, "values" => 2, "clocks" => 2} = found
    assert %{"unbalanced" => 0, "open" => 0, "unknown_tracks" => 0} = found
    assert @hostile in found["instants"] and "gap" in found["instants"]
  end

  test "OpenTelemetry's schema, in both encodings", %{tmp_dir: folder} do
    binary = Readers.read("otlp.py", ["protobuf", written(:otlp, folder)])
    json = Readers.read("otlp.py", ["json", written(:otlp_json, folder)])
    assert binary == json
    assert binary["nodes"] == ["a@host", "b@höst"]
    assert "Shop.buy/2" in binary["spans"]
    assert [error] = binary["errors"]
    assert error =~ "badarg"
    assert %{"parents" => 1, "lost_parents" => 0, "bad_ids" => 0, "backwards" => 0} = binary
    assert @hostile in binary["events"]
  end

  test "ShiViz's own expression, and its clocks", %{tmp_dir: folder} do
    found = Readers.read("shiviz.mjs", [written(:shiviz, folder)])
    assert length(found["events"]) == 13 and found["broken"] == []
    # Two processes, and the node that lost something.
    assert length(found["hosts"]) == 3
  end

  test "Mermaid's own parser", %{tmp_dir: folder} do
    found = Readers.read("mermaid.mjs", [written(:mermaid, folder)])
    assert %{"type" => "sequence", "arrows" => 2} = found
    assert length(found["actors"]) == 2
  end

  test "speedscope's own schema", %{tmp_dir: folder} do
    found = Readers.read("speedscope.mjs", [written(:speedscope, folder)])
    assert %{"valid" => true, "broken" => []} = found
    assert length(found["profiles"]) == 2 and "Shop.buy/2" in found["frames"]
  end

  test "callgrind_annotate", %{tmp_dir: folder} do
    path = written(:callgrind, folder)

    {text, 0} =
      System.cmd("callgrind_annotate", ["--inclusive=yes", "--tree=calling", path],
        stderr_to_stdout: true
      )

    assert text =~ ~r/800 \(100.0%\)\s+PROGRAM TOTALS/
    assert text =~ ~r/800 \(100.0%\)\s+\*\s+Shop:Shop.buy\/2 \[a@host\]/
    assert text =~ "[waiting]" and text =~ "日本 end" and text =~ "[b@höst]"
    refute text =~ "WARNING"
  end

  test "folded stacks are lines of a stack and a number", %{tmp_dir: folder} do
    lines = :folded |> written(folder) |> File.read!() |> String.split("\n", trim: true)
    assert Enum.all?(lines, &(&1 =~ ~r/^[^\n]+ \d+$/))
    assert Enum.any?(lines, &(&1 =~ "Shop.buy/2 (a@host);" and &1 =~ "(b@höst)"))
  end

  describe "DuckDB" do
    setup %{test: test} do
      scope = :"#{test} of tables"
      start_supervised!({Scope, name: scope, node: :a@host, cluster_nodes_init: [:gone@test]})
      Scope.record(:plain, %{a: [1, 2.5, nil]}, scope: scope, correlation_id: "r-17")
      Scope.record(String.to_atom(@hostile), @hostile, scope: scope, correlation_id: @hostile)
      {:ok, filters: [scope: scope]}
    end

    for format <- [:csv, :json_lines] do
      test "reads #{format}", %{tmp_dir: folder, filters: filters} do
        path = written(unquote(format), folder, filters)
        assert_table(Readers.read("duckdb_tables.py", [to_string(unquote(format)), path]))
      end
    end

    test "reads Parquet, where that was built", %{tmp_dir: folder, filters: filters} do
      path = Path.join(folder, "out.parquet")

      case Export.write(path, :parquet, filters) do
        {:ok, _written} ->
          found = Readers.read("duckdb_tables.py", ["parquet", path])
          assert_table(found)
          assert %{"time" => "TIMESTAMP" <> _, "seq" => "BIGINT"} = found["columns"]

        {:error, %{reason: :no_parquet}} ->
          IO.puts("Parquet is not read by DuckDB: this library was built without it")
      end
    end

    # An apostrophe before what a spreadsheet would run, in CSV alone.
    defp assert_table(%{"rows" => rows}) do
      assert [["mark", "a@host", _, "plain", "r-17"], ["mark", "a@host", ns, odd, id], last] =
               rows

      assert String.to_integer(ns) > 1_700_000_000_000_000_000
      assert String.trim_leading(odd, "'") == @hostile
      assert String.trim_leading(id, "'") == @hostile
      assert ["gap", "a@host" | _] = last
    end
  end
end
