defmodule ElixirScope.Distributed.Debug.Lines.Code do
  @moduledoc false
  # What a module's file says of lines: its version, the source it was compiled from, the other
  # files that its line table names, and its abstract code. Each is read alone, as most modules
  # are looked at for their source only.

  alias ElixirScope.Distributed.Debug.Lines.{LineTable, Paths}

  @compile {:no_warn_undefined, :beam_disasm}

  @type beam :: binary

  @doc """
  The module of a file, and the sources that its code is from: first its own, as it was when it
  was compiled, then those that the line table names besides: of templates, of macros that keep
  their location, of included files.
  """
  @spec files(beam | charlist) :: {:ok, module, [String.t()]} | {:error, :no_beam}
  def files(beam) do
    case :beam_lib.chunks(beam, [:compile_info, ~c"Line"], [:allow_missing_chunks]) do
      {:ok, {module, [{:compile_info, info}, {_line, table}]}} ->
        {:ok, module, sources(source(info), other_files(table))}

      {:error, :beam_lib, _reason} ->
        {:error, :no_beam}
    end
  end

  # A module's own source stands in the table too, often as seen from where the compiler ran.
  defp sources([own], others), do: [own | Enum.reject(others, &Paths.part?(own, &1))]
  defp sources([], others), do: others

  defp source([_ | _] = info), do: for(source <- [info[:source]], source, do: to_string(source))
  defp source(_missing), do: []

  @doc "The abstract code, which Elixir keeps as its own and translates."
  @spec forms(beam) :: {:ok, [tuple]} | {:error, :no_debug_info}
  def forms(beam) do
    with {:ok, {module, [debug_info: {:debug_info_v1, backend, data}]}} <-
           :beam_lib.chunks(beam, [:debug_info]),
         {:module, _} <- :code.ensure_loaded(backend),
         {:ok, forms} <- backend.debug_info(:erlang_v1, module, data, []) do
      {:ok, forms}
    else
      _none -> {:error, :no_debug_info}
    end
  end

  defp other_files(table) do
    case LineTable.parse(table) do
      {:ok, _lines, files} -> files
      :error -> []
    end
  end

  @doc "A digest of what a module's md5 leaves out: its lines, and what it was made of."
  @spec digest(beam) :: binary
  def digest(beam) do
    case :beam_lib.chunks(beam, [~c"Line", ~c"Dbgi"], [:allow_missing_chunks]) do
      {:ok, {_module, chunks}} -> :erlang.md5(for {_id, <<chunk::binary>>} <- chunks, do: chunk)
      {:error, :beam_lib, _reason} -> <<>>
    end
  end

  @doc """
  Which functions have code on a line after the compiler was through with them: `{file, line}` with
  the file as the compiler calls it. What is there by what was written and is not there any more, was
  inlined or made of others. Nothing where the code cannot be read.
  """
  @spec holders(beam) :: %{{String.t(), pos_integer} => [{atom, arity}]}
  def holders(beam) do
    with {:ok, {_module, [{_id, table}]}} <- :beam_lib.chunks(beam, [~c"Line"]),
         {:ok, lines, files} <- LineTable.parse(table),
         {:beam_file, _, _, _, _, functions} <- :beam_disasm.file(beam) do
      lines = lines |> Enum.with_index(1) |> Map.new(fn {line, index} -> {index, line} end)
      held(functions, lines, List.to_tuple(files))
    else
      _not_read -> %{}
    end
  end

  defp held(functions, lines, files) do
    for(
      {:function, name, arity, _entry, code} <- functions,
      {:line, at} <- code,
      {_file, _line} = place <- [place(at, lines, files)],
      do: {place, {name, arity}}
    )
    |> Enum.uniq()
    |> Enum.group_by(&elem(&1, 0), &elem(&1, 1))
  end

  # From OTP 29 on it is said, and before, where in the table it stands.
  defp place([{:location, file, line} | _], _lines, _files), do: {List.to_string(file), line}

  defp place(index, lines, files) do
    case lines do
      %{^index => {file, line}} when file in 1..tuple_size(files)//1 ->
        {elem(files, file - 1), line}

      %{} ->
        nil
    end
  end
end
