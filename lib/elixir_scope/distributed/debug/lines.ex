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

  alias ElixirScope.Distributed.Debug.Known
  alias ElixirScope.Distributed.Debug.Known.Stamp
  alias ElixirScope.Distributed.Debug.Lines.{Files, Table}
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
    with {:ok, found} <- Files.modules(file),
         {:error, _no_such} <- on(found, file, line),
         # Perhaps it is new.
         {:ok, found} <- Files.again(file),
         do: on(found, file, line)
  end

  @doc """
  The modules with code from the file.

      Lines.in_file("lib/shop/cart.ex")
      #=> {:ok, [Shop.Cart]}
  """
  @spec in_file(String.t()) :: {:ok, [module]} | {:error, Error.t()}
  def in_file(file) when is_binary(file) do
    with {:ok, [_ | _] = found} <- Files.modules(file) do
      {:ok, found |> Enum.map(&elem(&1, 0)) |> Enum.uniq()}
    else
      {:ok, []} -> error(:unknown_file, file: file)
      {:error, error} -> {:error, error}
    end
  end

  @doc """
  The lines of a module's own source on which something can be stopped.

      Lines.breakable(Shop.Cart)
      #=> {:ok, [11, 12, 14]}
  """
  @spec breakable(module) :: {:ok, [pos_integer]} | {:error, Error.t()}
  def breakable(module) when is_atom(module) do
    with {:ok, %{source: source}} <- Known.module(module),
         {:ok, functions} <- Known.lines(module) do
      {:ok, Table.stops(for(one <- functions, one.file == source, do: one))}
    else
      {:error, reason} when is_atom(reason) -> error(reason, module: module)
      {:error, error} -> {:error, error}
    end
  end

  defp on([], file, _line), do: error(:unknown_file, file: file)

  defp on(found, file, line) do
    with {:ok, tables} <- tables(found, file), do: place(tables, file, line)
  end

  # Of each module what is from this file; of one whose source it is, all of it comes first.
  defp tables(found, file) do
    tables = for {module, path} <- found, {:ok, table} <- [table(module, path)], do: table

    if tables == [],
      do: error(:no_debug_info, file: file, modules: Enum.map(found, &elem(&1, 0))),
      else: {:ok, Enum.sort_by(tables, &(&1.known.source != &1.path))}
  end

  defp table(module, path) do
    with {:ok, known} <- Known.module(module), {:ok, functions} <- Known.lines(module) do
      {:ok, %{known: known, path: path, functions: for(f <- functions, f.file == path, do: f)}}
    end
  end

  defp place(tables, file, line) do
    case for(table <- tables, one <- on(table, line), do: {table, one}) do
      [first | others] -> described(first, others, file, line)
      [] -> nowhere(Enum.flat_map(tables, & &1.functions), file, line)
    end
  end

  defp on(%{known: known, path: path, functions: functions}, line),
    do: Table.on(functions, line, fn -> Known.holders(known, path, line) end)

  defp described({%{known: known, path: path}, one}, others, file, line) do
    if Stamp.stale?(path, known.digest, known.path) do
      error(:stale_source, file: file, module: known.module)
    else
      own = Map.take(known, [:module, :md5])
      own = Map.merge(own, Map.take(one, [:function, :arity, :file]))
      lines = %{line: one.lines[line], lines: one.first..one.last, others: others(others)}
      {:ok, Map.merge(own, lines)}
    end
  end

  defp others(others),
    do: for({table, one} <- others, do: {table.known.module, one.function, one.arity})

  defp nowhere(functions, file, line) do
    last = Table.last(functions)

    if line < 1 or line > last,
      do: error(:unknown_line, file: file, line: line, last: last),
      else:
        error(:no_code_on_line, file: file, line: line, nearest: Table.nearest(functions, line))
  end

  defp error(reason, details), do: {:error, Error.new(reason, details)}
end
