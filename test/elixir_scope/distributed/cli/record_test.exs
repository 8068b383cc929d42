defmodule ElixirScope.Distributed.CLI.RecordTest do
  # Recordings that are carried from a node, and asked where they are.
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case
  import ElixirScope.Distributed.Shell

  alias ElixirScope.Distributed, as: Library
  alias ElixirScope.Distributed.{DiskModules, Scratch}
  alias ElixirScope.Distributed.Case.Cluster

  @moduletag :cluster
  @moduletag timeout: 120_000

  @till """
  defmodule RecordedTill do
    def work(n), do: n * 2

    def open do
      spawn(fn ->
        {:ok, _timer} = :timer.apply_interval(20, __MODULE__, :work, [7])
        receive do: (:never -> :ok)
      end)
    end
  end
  """

  setup_all do
    DiskModules.on_path!(@till)
    [a] = Cluster.start_nodes([:a])
    on(a, RecordedTill, :open, [])
    for n <- 1..3, do: on(a, Library, :record, [:paid, n, [correlation_id: "r-17"]])
    {:ok, a: a}
  end

  setup do
    folder = Scratch.folder!()
    on_exit(fn -> File.rm_rf!(folder) end)
    {:ok, path: Path.join(folder, "r-17.scope"), folder: folder}
  end

  test "what is there becomes a file, which is asked as a cluster is",
       %{a: a, path: file} = context do
    recorded = scope(["record", file, "--correlation", "r-17", "--node", to_string(a)])
    assert {recorded.code, recorded.out} == {0, ""}
    assert recorded.err =~ "3 events of 1 node"
    assert File.stat!(file).mode |> Bitwise.band(0o777) == 0o600
    assert File.ls!(context.folder) == ["r-17.scope"]

    assert %{code: 0, out: "3\n"} = scope(["query", "--open", file, "--count"])
    lines = scope(["query", "--open", file, "--correlation", "r-17"])
    assert lines.out =~ ~r/#{a}#\d+ .* paid  1  \("r-17"\)/

    again = ["record", file, "--json", "--node", to_string(a)]
    assert %{code: 2, err: taken} = scope(again)
    assert taken =~ "#{file} is there already; --force writes over it"
    assert %{code: 0, out: "{" <> _} = scope(again ++ ["--force"])
  end

  test "what comes in a while is recorded, and nothing is left running", %{a: a, path: file} do
    recorded =
      scope([
        "record",
        file,
        "RecordedTill.work/1",
        "--for",
        "500ms",
        "--kind",
        "call",
        "--node",
        to_string(a)
      ])

    assert recorded.code == 0
    assert recorded.err =~ "records for 500 ms"

    assert %{code: 0, out: count} =
             scope(["query", "--open", file, "--module", "RecordedTill", "--count"])

    assert count |> String.trim() |> String.to_integer() > 5
    {:ok, status} = on(a, Library, :status, [])
    assert status.traces.running == []
  end

  test "what is no recording is said to be none", %{path: file, folder: folder} do
    File.write!(file, "no recording")
    assert %{code: 1, err: err} = scope(["query", "--open", file])
    assert err =~ file
    assert %{code: 1} = scope(["query", "--open", Path.join(folder, "none")])
  end
end
