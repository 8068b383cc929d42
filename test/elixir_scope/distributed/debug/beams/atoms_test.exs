defmodule ElixirScope.Distributed.Debug.Beams.AtomsTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.Debug.Beams.Atoms

  @names [:a, :ok, :"with a space", :größe, nil, :a_name_that_is_longer_than_the_others]

  # Terms of every sort that a compiler writes.
  defp a_term(0) do
    one_of([
      one_of(Enum.map(@names, &constant/1)),
      integer(-1_000_000_000_000..1_000_000_000_000),
      integer(-5..300),
      constant(1.5),
      constant("text"),
      constant(<<1::3>>),
      constant(~c"letters"),
      constant(&:lists.sort/1),
      constant(Bitwise.bsl(1, 3_000)),
      constant([])
    ])
  end

  defp a_term(depth) do
    smaller = a_term(depth - 1)

    one_of([
      smaller,
      list(smaller),
      tuple([smaller, smaller, smaller]),
      tuple([constant(:big), constant(List.to_tuple(Enum.to_list(1..300)))]),
      tuple([constant(%{key: [1 | 2]}), smaller])
    ])
  end

  defp code(chunks),
    do: IO.iodata_to_binary(["FOR1", <<0::32>>, "BEAM", Enum.map(chunks, &chunk/1)])

  defp chunk({id, data}) do
    padding = rem(4 - rem(byte_size(data), 4), 4)
    [id, <<byte_size(data)::32>>, data, :binary.copy(<<0>>, padding)]
  end

  defp atoms(term) when is_atom(term), do: [term]
  defp atoms([head | tail]), do: atoms(head) ++ atoms(tail)
  defp atoms(term) when is_tuple(term), do: term |> Tuple.to_list() |> atoms()
  defp atoms(term) when is_map(term), do: term |> :maps.to_list() |> atoms()
  defp atoms(term) when is_function(term), do: [:lists, :sort]
  defp atoms(_other), do: []

  test "are as many as a term has, and never more than is estimated" do
    property(a_term(2), [runs: 200], fn term ->
      names = term |> atoms() |> Enum.uniq() |> length()

      for options <- [[], [:compressed]] do
        bytes =
          code([{"Dbgi", :erlang.term_to_binary(term, options)}, {"Code", "w" <> term_bytes()}])

        assert Atoms.count(bytes) == {:ok, names}
        assert {:ok, estimate} = Atoms.estimate(bytes)
        assert estimate >= names
      end
    end)
  end

  # Of other chunks nothing becomes an atom.
  defp term_bytes, do: :erlang.term_to_binary([:not_counted])

  test "of what is cut, or no term, are not guessed" do
    bytes = code([{"Dbgi", :erlang.term_to_binary({:a, [:b, "c"]})}])

    for size <- 12..(byte_size(bytes) - 4),
        do: assert(is_tuple(Atoms.count(binary_part(bytes, 0, size))))

    assert Atoms.count(code([{"Dbgi", <<131, 88, 0>>}])) == {:error, :bad_beam}
    assert Atoms.count(code([{"Dbgi", <<1, 2, 3>>}])) == {:error, :bad_beam}
    assert Atoms.count("FOR1") == {:error, :bad_beam}
    assert Atoms.count(code([])) == {:ok, 0}
  end
end
