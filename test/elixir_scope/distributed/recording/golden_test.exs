defmodule ElixirScope.Distributed.Recording.GoldenTest do
  # Recordings of every version of the format, made on real nodes, and what they said when they were made.
  # A new version adds a file; none is ever changed.
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.Recorded

  @folder Path.expand("../../../fixtures/recordings", __DIR__)

  for path <- Path.wildcard(Path.join(@folder, "*.scope")) do
    @path path

    test "#{Path.basename(path)} says what it said" do
      {:ok, recording} = Scope.open(@path)
      on_exit(fn -> Scope.close(recording) end)
      expected = File.read!(Path.rootname(@path) <> ".txt")
      told = Recorded.text(recording)
      assert Enum.zip(lines(told), lines(expected)) |> Enum.reject(fn {a, b} -> a == b end) == []
      assert told == expected
    end

    @tag :tmp_dir
    test "#{Path.basename(path)} can be saved again, and is the same", %{tmp_dir: folder} do
      again = Path.join(folder, "again.scope")
      {:ok, recording} = Scope.open(@path)
      {:ok, _saved} = Scope.save(again, scope: recording)
      {:ok, copy} = Scope.open(again)
      on_exit(fn -> for name <- [recording, copy], do: Scope.close(name) end)
      assert Scope.query(scope: copy) == Scope.query(scope: recording)
    end
  end

  test "there is one of every version" do
    assert "v1.scope" in File.ls!(@folder)
  end

  defp lines(text), do: String.split(text, "\n")
end
