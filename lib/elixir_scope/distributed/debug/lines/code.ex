defmodule ElixirScope.Distributed.Debug.Lines.Code do
  @moduledoc false
  # What a module's file says of lines: its version, the source it was compiled from, the other
  # files that its line table names, and its abstract code. Each is read alone, as most modules
  # are looked at for their source only.

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
  defp sources([own], others), do: [own | Enum.reject(others, &String.ends_with?(own, &1))]
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

  # The names stand past the lines, of which the table does not say how long they are.
  defp other_files(<<header::binary-20, rest::binary>>), do: names(header, rest)
  defp other_files(_missing), do: []

  defp names(<<_version::32, _flags::32, _instructions::32, _lines::32, 0::32>>, _rest), do: []

  defp names(<<_version::32, _flags::32, _instructions::32, lines::32, files::32>>, rest),
    do: rest |> skip(lines) |> texts(files)

  # A line is a number, after another one where the file is another one (tag 2).
  defp skip(rest, 0), do: rest

  defp skip(rest, lines) do
    case value(rest) do
      {2, rest} -> skip(rest, lines)
      {_line, rest} -> skip(rest, lines - 1)
      :error -> <<>>
    end
  end

  # The VM's compact terms: three bits of tag, and how long the number is.
  defp value(<<_::4, 0::1, tag::3, rest::binary>>), do: {tag, rest}
  defp value(<<_::3, 0b01::2, tag::3, _, rest::binary>>), do: {tag, rest}

  defp value(<<size::3, 0b11::2, tag::3, rest::binary>>) when size < 7 do
    case rest do
      <<_::binary-size(size + 2), rest::binary>> -> {tag, rest}
      _short -> :error
    end
  end

  defp value(_else), do: :error

  defp texts(<<size::16, name::binary-size(size), rest::binary>>, files) when files > 0,
    do: [name | texts(rest, files - 1)]

  defp texts(_rest, _files), do: []
end
