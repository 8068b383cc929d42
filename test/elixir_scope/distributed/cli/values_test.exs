defmodule ElixirScope.Distributed.CLI.ValuesTest do
  use ExUnit.Case, async: true
  doctest ElixirScope.Distributed.CLI.Atoms
  doctest ElixirScope.Distributed.CLI.Literal
  doctest ElixirScope.Distributed.CLI.Join, only: [domain: 1]
  doctest ElixirScope.Distributed.CLI.Exit

  alias ElixirScope.Distributed.CLI.{Atoms, Exit, Failure, Literal, Tracing, Values}

  test "filters are what the library takes, and only what was given" do
    assert Values.filters(%{json: true}) == []

    filters =
      Values.filters(%{
        kind: [:call],
        module: ["Enum", ":ets", "ets"],
        mfa: "Enum.map/2",
        pid: [inspect(self())],
        from: "2026-03-01T12:00:00Z",
        nodes: [to_string(node())],
        correlation: "r-17",
        limit: 3,
        timeout: 50
      })

    assert Enum.sort(filters) ==
             Enum.sort(
               kinds: [:call],
               modules: [Enum, :ets, :ets],
               mfa: {Enum, :map, 2},
               pids: [self()],
               from: 1_772_366_400_000_000_000,
               nodes: [node()],
               correlation_id: "r-17",
               limit: 3,
               timeout_ms: 50
             )

    [from: ns] = Values.filters(%{from: "-1m"})
    assert_in_delta ns, System.os_time(:nanosecond) - 60_000_000_000, 10_000_000_000
  end

  test "a process is known by its pid in either way of writing, or by its name" do
    "#PID" <> short = inspect(self())
    "<0." <> rest = short

    for text <- ["#PID" <> short, short, "<#{node()}.#{rest}"],
        do: assert(Values.pid(text) == self())

    assert Values.pid("kernel_sup") == Process.whereis(:kernel_sup)

    assert_raise Failure, "nothing here is called nobody at all", fn ->
      Values.pid("nobody at all")
    end

    assert_raise Failure, ~r/its node is not connected/, fn -> Values.pid("<x@nowhere.1.0>") end
    assert_raise Failure, ~r/no process/, fn -> Values.pid("<7.1.0>") end
    assert_raise Failure, ~r/no process here is called/, fn -> Values.pid("Enum") end
  end

  test "a function is one, of any arity or of one" do
    assert Values.one(:mfa, "Enum.map") == {Enum, :map, :_}

    assert_raise Failure, ~r/expected Module.function\/arity/, fn ->
      Values.one(:mfa, "Enum.map(1, 2)")
    end

    assert_raise Failure, ~r/--mfa: "Enum.map\/": /, fn -> Values.one(:mfa, "Enum.map/") end
  end

  test "a correlation is text, or a literal, and is never run" do
    for {text, term} <- [
          {"r-17", "r-17"},
          {"17", 17},
          {"-17", -17},
          {~S("17"), "17"},
          {":ok", :ok},
          {"{:order, 7}", {:order, 7}},
          {"[1, %{\"a\" => nil}]", [1, %{"a" => nil}]},
          {"{Enum, #{inspect(self())}}", {Enum, self()}},
          {"17 and more", "17 and more"}
        ] do
      assert Literal.read(text) == {:ok, term}
    end

    for text <- [
          "{System.halt()}",
          "{a}",
          "[1",
          ":never_heard_of_it",
          "{:x, fn -> 1 end}",
          "%{1 => b()}"
        ],
        do: assert({:error, %Failure{exit: :failed}} = Literal.read(text))
  end

  test "new names are few" do
    assert Atoms.make!("a_new_name_#{System.unique_integer([:positive])}") |> is_atom()
    assert_raise Failure, ~r/holds names that/, fn -> Atoms.make!(String.duplicate("x", 256)) end
    many = Enum.map_join(1..Atoms.most(), ",", &"unheard_#{&1}")
    assert_raise Failure, ~r/has taken 1000 new ones/, fn -> Atoms.afford!(many) end
    made? = fn n -> match?({:ok, _}, existing("unheard_#{n}")) end
    refute Enum.any?(1..Atoms.most(), made?)
    # What is there costs nothing.
    assert :ok = Atoms.afford!("Enum.map(%{id: id}, _) when id > 3 -> return")
  end

  test "options of a trace are those of the library" do
    options = %{
      duration: 500,
      return: true,
      also: [:gc],
      slower_than: 100,
      process: ["new", "kernel_sup"],
      on: ["a@b"]
    }

    {patterns, options} = Tracing.order(["Enum.map/2"], options, :shop)
    assert patterns == ["Enum.map/2"]

    assert Enum.sort(options) ==
             [duration_ms: 500, kinds: [:gc], nodes: [:a@b], only: {:slower_than, 100}] ++
               [processes: [:new, :kernel_sup], return: true, scope: :shop]

    assert Tracing.kinds(messages: true, kinds: [:gc]) ==
             [:function, :trace_started, :trace_stopped, :gap, :message, :gc]
  end

  test "each way to end has a number of its own" do
    codes = for {_name, {code, _what}} <- Exit.all(), do: code
    assert codes == Enum.uniq(codes)
    assert Exit.name?(:cookie) and not Exit.name?(:other) and not Exit.name?("fine")
  end

  defp existing(text) do
    {:ok, String.to_existing_atom(text)}
  rescue
    ArgumentError -> :none
  end
end
