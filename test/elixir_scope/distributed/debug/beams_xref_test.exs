defmodule ElixirScope.Distributed.Debug.BeamsXrefTest do
  # Every call of Elixir and of a part of OTP, with its line, beside what OTP's own cross reference tool says.
  # Each difference has one of a few reasons; one that has none fails the test.
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.Debug.Beams

  # OTP packages it by itself, and newer versions of Mix leave out what a project does not name.
  for folder <- Path.wildcard(Path.join(:code.root_dir(), "lib/tools-*/ebin")),
      do: :code.add_pathz(to_charlist(folder))

  unless Code.ensure_loaded?(:xref), do: @moduletag(skip: "there is no :xref here: OTP's tools")

  @applications [:kernel, :stdlib, :compiler, :elixir, :logger, :eex, :ex_unit, :mix]

  # Why a call that the one names is not named by the other.
  @reasons %{
    type_tests: "`is_atom/1` and the like look at a term and call nobody: xref leaves them out",
    operators: "`+`, `==`, `not`, `!` …: for xref they are calls of :erlang, for us they are not",
    dynamic: "whom a variable names nobody knows: xref writes a call of '$M_EXPR' down",
    included:
      "yecc puts code of a grammar into a module: we say the line there, xref the module's",
    sizes: "`<<x:(byte_size(y))/binary>>` calls in a pattern, where xref does not look",
    spawn_monitor: "xref does not know that `spawn_monitor` is given a function as `spawn` is"
  }

  test "names the same calls at the same lines" do
    assert map_size(@reasons) <= 10
    {ours, theirs} = {ours(), theirs()}
    assert MapSet.size(theirs) > 80_000
    included = in_both(ours, theirs)
    differences = difference(ours, theirs, :ours) ++ difference(theirs, ours, :theirs)
    explained = Enum.group_by(differences, &reason(&1, included))
    assert explained |> Map.get(nil, []) |> Enum.take(20) == []
    assert Map.keys(explained) -- Map.keys(@reasons) == []
  end

  defp difference(one, other, whose),
    do: for(call <- MapSet.difference(one, other), do: {whose, call})

  # The calls that both know, of modules which a parser generator wrote.
  defp in_both(ours, theirs) do
    [ours, theirs]
    |> Enum.map(
      &for({{{m, _, _}, _} = call, _line} <- &1, generated?(m), into: MapSet.new(), do: call)
    )
    |> then(fn [one, other] -> MapSet.intersection(one, other) end)
  end

  defp generated?(module) when module in [:erl_parse, :core_parse, :elixir_parser], do: true
  defp generated?(_module), do: false

  defp reason(
         {:ours, {{{:io_ansi, :lookup_vts, 1}, {:erlang, :byte_size, 1}}, _line}},
         _included
       ),
       do: :sizes

  defp reason({whose, {{_from, {:erlang, name, arity}} = call, _line}}, included) do
    cond do
      whose == :ours and :erl_internal.type_test(name, arity) -> :type_tests
      whose == :theirs and operator?(name, arity) -> :operators
      true -> included(call, included)
    end
  end

  defp reason({:theirs, {{_from, {:"$M_EXPR", _, _}}, _line}}, _included), do: :dynamic

  defp reason({:ours, {{{:proc_lib, :spawn_mon, 3}, _to}, _line}}, _included),
    do: :spawn_monitor

  defp reason({:ours, {{{ExUnit.OnExitHandler, _, _}, _to}, _line}}, _included),
    do: :spawn_monitor

  defp reason({_whose, {call, _line}}, included), do: included(call, included)

  defp included(call, included),
    do: if(MapSet.member?(included, call), do: :included)

  defp operator?(name, arity) do
    Enum.any?(
      [:arith_op, :bool_op, :comp_op, :list_op, :send_op],
      &apply(:erl_internal, &1, [name, arity])
    )
  end

  defp ours do
    folders()
    |> Beams.all(&calls/1)
    |> Enum.flat_map(fn {:ok, calls} -> calls end)
    |> MapSet.new()
  end

  defp calls(module) do
    for function <- module.functions, {{m, f, a}, line} <- function.calls do
      {{{module.module, function.name, function.arity}, {m, name(f), arity(a)}}, line}
    end
  end

  # As xref writes what only shows at run time.
  defp name(:_), do: :"$F_EXPR"
  defp name(name), do: name
  defp arity(:_), do: -1
  defp arity(arity), do: arity

  defp theirs do
    {:ok, xref} = :xref.start([])
    :xref.set_default(xref, builtins: true, verbose: false, warnings: false)
    for folder <- folders(), do: {:ok, _} = :xref.add_directory(xref, to_charlist(folder))
    {:ok, external} = :xref.q(xref, ~c"(XLin) (XC)")
    {:ok, local} = :xref.q(xref, ~c"(LLin) (LC)")
    :xref.stop(xref)
    for {call, lines} <- external ++ local, line <- lines, into: MapSet.new(), do: {call, line}
  end

  defp folders, do: for(app <- @applications, do: Path.join(:code.lib_dir(app), "ebin"))
end
