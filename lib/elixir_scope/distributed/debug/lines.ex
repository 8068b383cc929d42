defmodule ElixirScope.Distributed.Debug.Lines do
  @moduledoc """
  Which function has its code on a line of a file, by what the modules say themselves.

      {:ok, place} = Lines.at("lib/shop/cart.ex", 12)
      place.function
      #=> :add

  A file is found by its full path or by its trailing parts, as code may have been compiled
  elsewhere: `"lib/shop/cart.ex"`, `"/build/shop/lib/shop/cart.ex"`. Templates and macros that
  keep their location are files like any other.

  `line` is where a debugger stops for the line that was asked for: the line itself, the one of the
  expression around it, or the first one behind the head of a clause. It is `nil` where nothing can
  be stopped at, as the function's body is a literal.
  """

  alias ElixirScope.Distributed.Debug.Lines.{Code, Files, Table}
  alias ElixirScope.Distributed.Error

  @type place :: %{
          module: module,
          function: atom,
          arity: arity,
          file: String.t(),
          line: pos_integer | nil,
          lines: Range.t(),
          md5: binary,
          others: [{module, atom, arity}]
        }

  @doc """
  The function with code on the line.

  Where several have code there, as with functions that a macro made, it is the one that spans most
  lines, of the module whose source the file is; the rest are its `others`. Errors are `:unknown_file`,
  `:unknown_line` (behind the last), `:no_code_on_line` (`details.nearest` has some), `:no_debug_info`,
  `:stale_source` (the source was changed after it was compiled).

      Lines.at("lib/shop/cart.ex", 12)
      #=> {:ok, %{module: Shop.Cart, function: :add, arity: 2, line: 12, lines: 10..14, ...}}
  """
  @spec at(String.t(), pos_integer) :: {:ok, place} | {:error, Error.t()}
  def at(file, line) when is_binary(file) and is_integer(line) do
    with {:ok, found} <- files(file),
         {:ok, tables} <- tables(found, file),
         do: place(tables, file, line)
  end

  @doc """
  The modules with code from the file.

      Lines.in_file("lib/shop/cart.ex")
      #=> {:ok, [Shop.Cart]}
  """
  @spec in_file(String.t()) :: {:ok, [module]} | {:error, Error.t()}
  def in_file(file) when is_binary(file) do
    with {:ok, found} <- files(file),
         do: {:ok, found |> Enum.map(&elem(&1, 0)) |> Enum.uniq() |> Enum.sort()}
  end

  @doc """
  The lines of a module's own source on which something can be stopped.

      Lines.breakable(Shop.Cart)
      #=> {:ok, [11, 12, 14]}
  """
  @spec breakable(module) :: {:ok, [pos_integer]} | {:error, Error.t()}
  def breakable(module) when is_atom(module) do
    with {:ok, beam} <- Code.beam(module),
         {:ok, ^module, files} <- Code.files(beam),
         {:ok, functions} <- functions(beam, List.first(files)) do
      {:ok, Table.stops(for(one <- functions, one.file == List.first(files), do: one))}
    else
      {:error, reason} -> error(reason, module: module)
    end
  end

  defp files(file) do
    case Files.modules(file) do
      [] -> error(:unknown_file, file: file)
      found -> {:ok, found}
    end
  end

  # Of each module what is from this file.
  defp tables(found, file) do
    tables =
      for {module, path} <- found,
          {:ok, beam} <- [Code.beam(module)],
          {:ok, ^module, [source | _]} <- [Code.files(beam)],
          {:ok, functions} <- [functions(beam, source)],
          do: {module, Code.md5(beam), for(one <- functions, one.file == path, do: one)}

    if tables == [],
      do: error(:no_debug_info, file: file, modules: Enum.map(found, &elem(&1, 0))),
      else: {:ok, tables}
  end

  defp functions(beam, source) do
    with {:ok, forms} <- Code.forms(beam), do: {:ok, Table.of(forms, source)}
  end

  defp place(tables, file, line) do
    case for({module, md5, table} <- tables, one <- Table.on(table, line), do: {module, md5, one}) do
      [first | others] -> {:ok, described(first, others, line)}
      [] -> nowhere(Enum.flat_map(tables, &elem(&1, 2)), file, line)
    end
  end

  defp described({module, md5, one}, others, line) do
    %{
      module: module,
      function: one.function,
      arity: one.arity,
      file: one.file,
      line: one.lines[line],
      lines: one.first..one.last,
      md5: md5,
      others: for({module, _md5, other} <- others, do: {module, other.function, other.arity})
    }
  end

  defp nowhere(functions, file, line) do
    if line < 1 or line > Table.last(functions),
      do: error(:unknown_line, file: file, line: line, last: Table.last(functions)),
      else:
        error(:no_code_on_line, file: file, line: line, nearest: Table.nearest(functions, line))
  end

  defp error(reason, details), do: {:error, Error.new(reason, details)}
end
