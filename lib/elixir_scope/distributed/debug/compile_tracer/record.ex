defmodule ElixirScope.Distributed.Debug.CompileTracer.Record do
  @moduledoc false
  # What is kept of a module, as bytes: a few versions of it, each known by the digest of its code. Names are
  # text, so that reading makes no atoms but those that are wanted. Pure.

  alias ElixirScope.Distributed.Debug.Beams.Names
  alias ElixirScope.Distributed.Debug.Graph

  @magic "scope references 1\n"

  # No source has more lines that name one module in one way, nor names so many modules.
  @most_bytes 64 * 1024 * 1024

  @typedoc "The kinds of a module that is needed, with files by their number."
  @type version ::
          {md5 :: binary, files :: [String.t()],
           [{String.t(), Graph.kind(), [{integer, integer}]}]}

  @doc "A version of a module."
  @spec version(binary, [Graph.entry()]) :: version
  def version(md5, entries) do
    files = for {_, _, places} <- entries, {file, _line} <- places, uniq: true, do: file
    numbers = files |> Enum.with_index() |> Map.new()

    {md5, files,
     for {needed, kind, places} <- entries do
       {Atom.to_string(needed), kind, for({file, line} <- places, do: {numbers[file], line})}
     end}
  end

  @doc "As bytes."
  @spec write([version]) :: iodata
  def write(versions) do
    term = :erlang.term_to_binary(versions, [:compressed])
    [@magic, <<:erlang.crc32(term)::32>>, term]
  end

  @doc "Of bytes; none of those that are broken or cut."
  @spec read(binary) :: [version]
  def read(<<@magic, crc::32, term::binary>>) when byte_size(term) <= @most_bytes do
    if :erlang.crc32(term) == crc, do: :erlang.binary_to_term(term, [:safe]), else: []
  rescue
    ArgumentError -> []
  end

  def read(_broken), do: []

  @doc "What a version says, in atoms."
  @spec entries(version) :: {:ok, [Graph.entry()]} | {:error, :bad_name | :too_many_atoms}
  def entries({_md5, files, listed}) do
    files = List.to_tuple(files)

    Enum.reduce_while(listed, {:ok, []}, fn {name, kind, places}, {:ok, entries} ->
      case Names.atom(name) do
        {:ok, needed} -> {:cont, {:ok, [{needed, kind, placed(places, files)} | entries]}}
        error -> {:halt, error}
      end
    end)
  end

  defp placed(places, files), do: for({file, line} <- places, do: {elem(files, file), line})
end
