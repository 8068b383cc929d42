defmodule ElixirScope.Distributed.Debug.Lines.StandardLibraryTest do
  # Every line that the line tables of Elixir's own modules name leads to the function that their code has
  # there. By default of a share of them, which is another one each day of the month; with :long, of all.
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.Debug.{Beams, Known, Lines}
  alias ElixirScope.Distributed.LineTables

  @applications [:elixir, :eex, :ex_unit, :iex, :logger, :mix]
  @share 12

  defp modules do
    for application <- @applications,
        folder = :code.lib_dir(application),
        is_list(folder),
        beam <- folder |> Path.join("ebin/*.beam") |> Path.wildcard(),
        do: beam |> Path.basename(".beam") |> String.to_atom()
  end

  defp share(modules) do
    today = rem(Date.utc_today().day, @share)

    Enum.filter(modules, &(:erlang.phash2(&1, @share) == today)) ++
      [Enum, GenServer, :elixir_parser]
  end

  test "a share of the modules" do
    assert modules() |> share() |> Enum.flat_map(&wrong/1) == []
  end

  @tag :long
  test "all modules" do
    assert Enum.flat_map(modules(), &wrong/1) == []
  end

  test "a line of a file leads there too" do
    for module <- [Agent, Kernel.CLI] do
      {:ok, %{source: source}} = Known.module(module)
      {:ok, lines} = Lines.breakable(module)

      for line <- Enum.take_every(lines, 7) do
        assert {:ok, %{module: ^module, line: stop}} = Lines.at(source, line)
        assert stop in lines
      end
    end
  end

  defp wrong(module) do
    {:ok, path} = Beams.Source.path(module)
    {:ok, beam, _path} = Beams.Source.find(path)
    {:ok, known} = Known.module(module)
    {:ok, written} = Known.lines(module)
    {compiled, all} = LineTables.of(beam)

    for {{name, line}, there} <- compiled,
        found = found(known, written, name, line),
        not right?(found, there, all, written, line),
        do: {module, name, line, there, found}
  end

  defp found(known, written, name, line) do
    path = if String.ends_with?(known.source, name), do: known.source, else: name
    holders = fn -> Known.holders(known, path, line) end
    of_file = for one <- written, one.file == path, do: one

    for one <- Lines.Table.on(of_file, line, holders),
        do: {Atom.to_string(one.function), one.arity}
  end

  # What the code has there: of what is found the first is of it. Or else what is there are copies alone
  # of the function that is found, which was inlined into others: these have nothing there as it is written.
  defp right?([], _there, _all, _written, _line), do: false

  defp right?([first | _], there, all, written, line),
    do: first in there or first not in all or Enum.all?(there, &copy?(&1, written, line))

  defp copy?({name, arity}, written, line) do
    not Enum.any?(written, fn one ->
      {Atom.to_string(one.function), one.arity} == {name, arity} and is_map_key(one.lines, line)
    end)
  end
end
