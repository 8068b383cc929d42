defmodule ElixirScope.Distributed.Debug.CompileTracer.RecordTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.Debug.CompileTracer.Record

  defp entries, do: list(tuple([module_name(), kind(), list(place())]))
  defp module_name, do: one_of(Enum.map([Enum, :lists, :"Elixir.Größe"], &constant/1))
  defp kind, do: one_of(Enum.map([:compile, :exports, :runtime], &constant/1))

  defp place,
    do: tuple([one_of([constant("lib/a.ex"), constant("lib/größe.ex")]), integer(0..9_999)])

  defp read(versions), do: versions |> Record.write() |> IO.iodata_to_binary() |> Record.read()

  test "what is written is read, each version by its digest" do
    property(tuple([entries(), entries()]), fn {one, other} ->
      versions = [Record.version("one", one), Record.version("other", other)]
      assert [{"one", _, _} = first, {"other", _, _} = second] = read(versions)
      assert Record.entries(first) |> sorted() == {:ok, Enum.sort(one)}
      assert Record.entries(second) |> sorted() == {:ok, Enum.sort(other)}
    end)
  end

  defp sorted({:ok, entries}), do: {:ok, Enum.sort(entries)}

  test "what is broken or cut holds nothing" do
    bytes =
      [Record.version("one", [{Enum, :runtime, [{"lib/a.ex", 1}]}])]
      |> Record.write()
      |> IO.iodata_to_binary()

    for size <- 0..(byte_size(bytes) - 1),
        do: assert(Record.read(binary_part(bytes, 0, size)) == [])

    for at <- 0..(byte_size(bytes) - 1) do
      {before, [byte | rest]} = bytes |> :binary.bin_to_list() |> Enum.split(at)
      assert Record.read(IO.iodata_to_binary([before, Bitwise.bxor(byte, 4), rest])) == []
    end
  end

  test "a name that is none, or for which there is no room, is an error" do
    long = String.duplicate("a", 256)
    assert Record.entries({"md5", [], [{long, :runtime, []}]}) == {:error, :bad_name}
    assert Record.entries({"md5", [], [{<<255>>, :runtime, []}]}) == {:error, :bad_name}
  end
end
