defmodule ElixirScope.Distributed.Debug.Stopped.NamesTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.Debug.Stopped.{Auto, Frames, Names, Visible}

  doctest Names
  doctest Frames

  test "the newest version of each variable is shown, in any order in which they were bound" do
    property(
      list(tuple([one_of([constant("x"), constant("y"), constant("_z")]), integer(1..20)])),
      fn bound ->
        versions = Enum.uniq(bound)
        bindings = for {name, version} <- versions, do: {:"_#{name}@#{version}", version}

        expected =
          versions
          |> Enum.group_by(&elem(&1, 0), &elem(&1, 1))
          |> Map.new(fn {k, v} -> {k, Enum.max(v)} end)

        assert expected == Map.new(Names.written(Enum.shuffle(bindings), nil, :elixir))
      end
    )
  end

  # As the interpreter has it: x = 1, case x of 1 -> x = 2, f(x) end, g(x)
  @clauses [
    {:clause, 1, [], [],
     [
       {:match, 2, {:var, 2, :_x@1}, {:value, 2, 1}},
       {:case, 3, {:var, 3, :_x@1},
        [
          {:clause, 4, [{:value, 4, 1}], [],
           [
             {:match, 5, {:var, 5, :_x@2}, {:value, 5, 2}},
             {:local_call, 6, :f, [{:var, 6, :_x@2}], true}
           ]}
        ]},
       {:local_call, 8, :g, [{:var, 8, :_x@1}], true}
     ]}
  ]

  test "what a clause bound is not meant after it, though the interpreter still has it" do
    bound = [_x@1: 1, _x@2: 2]
    assert [{"x", 1}] = Names.written(bound, at(8, bound), :elixir)
    assert [{"x", 2}] = Names.written(bound, at(6, bound), :elixir)
    assert [{"x", 1}] = Names.written(bound, at(5, bound), :elixir)
    assert [] = Names.written([], at(2, []), :elixir)
    assert Visible.at(@clauses, 99) == []
    assert Visible.fitting([MapSet.new([:a])], [:b]) == nil
  end

  defp at(line, bound), do: @clauses |> Visible.at(line) |> Visible.fitting(Keyword.keys(bound))

  test "what a line mentions is what a step may enter" do
    code = [{:call_remote, 3, Shop, :total, [{:value, 3, Cart}], false}, {:value, 4, Other}]
    assert Enum.sort(Auto.mentioned(code, 3)) == [Cart, Shop]
    assert Auto.mentioned(code, 9) == []
  end

  test "compiled code between interpreted levels is where the VM has it" do
    levels = [{5, {A, :"-f/1-fun-0-", [1]}}, {2, {A, :f, [1]}}]
    dbg = {:dbg_debugged, :msg_loop, 2, []}
    real = [dbg, {Enum, :map, 2, [line: 3]}, dbg, {:gen_server, :loop, 7, []}]
    frames = Frames.all(levels, real, false)
    assert Enum.map(frames, & &1.module) == [A, Enum, A, :gen_server]
    assert Enum.map(frames, & &1.level) == [5, nil, 2, nil]
    assert Enum.map(Frames.all(levels, real, true), & &1.module) == [A, Enum, A]
    assert Enum.map(Frames.all([], real, false), & &1.module) == [Enum, :gen_server]
  end
end
