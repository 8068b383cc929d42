defmodule ElixirScope.Distributed.Capture.Targets.LoopsTest do
  use ExUnit.Case

  alias ElixirScope.Distributed.Capture.{Pattern, Targets}
  alias ElixirScope.Distributed.Capture.Targets.Loops
  alias ElixirScope.Distributed.{DiskModules, Error}

  # Functions called loop_… come back to themselves by last calls, the others do not.
  @elixir """
  defmodule ScopeLoops do
    def loop_plain(n), do: loop_plain(n + 1)
    def loop_remote(n), do: __MODULE__.loop_remote(n + 1)
    def loop_if(n), do: if(n > 0, do: loop_if(n - 1), else: n)
    def loop_and(n), do: n > 0 and loop_and(n - 1)
    def loop_or(n), do: n < 0 || loop_or(n - 1)
    def loop_with(n), do: (with 1 <- n, do: loop_with(n))
    def loop_default(n, step \\\\ 1), do: if(n > 0, do: loop_default(n - step))
    def loop_named(n), do: (_result = loop_named(n + 1))
    def loop_pipe(n), do: n |> abs() |> loop_pipe()
    defp loop_private(n), do: loop_private(n)
    def calls_private(n), do: loop_private(n)

    def loop_cond(n) do
      cond do
        n > 3 -> :done
        true -> loop_cond(n + 1)
      end
    end

    def loop_receive(state) do
      receive do
        {:set, state} -> loop_receive(state)
        :stop -> :ok
      after
        1000 -> loop_receive(state)
      end
    end

    def loop_after do
      receive do
        :stop -> :ok
      after
        1000 -> loop_after()
      end
    end

    def loop_rescue(n) do
      div(1, n)
    rescue
      _ -> loop_rescue(n + 1)
    end

    def loop_else(n) do
      try do
        div(1, n)
      rescue
        _ -> 0
      else
        m -> loop_else(m)
      end
    end

    def loop_ping(n), do: loop_pong(n)
    def loop_pong(n), do: (if n > 0, do: loop_ping(n - 1))
    def leads_in(n), do: loop_ping(n)

    def body(0), do: 0
    def body(n), do: 1 + body(n - 1)
    def map([x | rest]), do: [x | map(rest)]
    def map([]), do: []
    def guarded(n), do: (try do guarded(n) rescue _ -> 0 end)
    def ensured(n), do: (try do n after ensured(n) end)
    def within(n), do: Enum.map([n], fn n -> within(n) end)
    def pattern(n), do: ({:ok, m} = pattern(n); m)
    def match_last(n), do: ({:ok, _} = match_last(n))
    def other_arity(n), do: other_arity(n, 1)
    def other_arity(n, m), do: n + m
    def elsewhere(n), do: String.duplicate("x", n)
    def last_of_case(n), do: (case last_of_case(n) do m -> m + 1 end)
  end
  """

  @erlang """
  -module(scope_loops).
  -export([loop/1, loop_maybe/1, loop_if/1, loop_block/1, caught/1, fun_last/1, body/1]).
  loop(S) -> receive {set, T} -> loop(T); stop -> ok end.
  loop_maybe(S) -> case S of 1 -> scope_loops:loop_maybe(S); _ -> ok end.
  loop_if(S) -> if S > 1 -> loop_if(S - 1); true -> ok end.
  loop_block(S) -> begin S, loop_block(S) end.
  caught(S) -> catch caught(S).
  fun_last(S) -> fun() -> fun_last(S) end.
  body([_ | T]) -> 1 + body(T); body([]) -> 0.
  """

  defp targets(written, return) do
    {:ok, patterns} = Pattern.parse(written)
    Targets.resolve(for pattern <- patterns, do: %{pattern | return: return})
  end

  test "functions that come back to themselves by last calls alone" do
    DiskModules.on_path!(@elixir)
    assert Loops.of(ScopeLoops) == :unknown
    Code.ensure_loaded!(ScopeLoops)
    {:ok, loops} = Loops.of(ScopeLoops)
    looping? = &(Atom.to_string(&1) |> String.starts_with?("loop_"))

    for {name, arity} <- ScopeLoops.module_info(:functions), to_string(name) =~ ~r/^[a-z_]+$/ do
      assert {name, arity, {name, arity} in loops} == {name, arity, looping?.(name)}
    end
  end

  test "the same of Erlang" do
    DiskModules.erlang_on_path!(:scope_loops, @erlang)
    {:module, _} = :code.ensure_loaded(:scope_loops)
    {:ok, loops} = Loops.of(:scope_loops)
    assert Enum.sort(loops) == [loop: 1, loop_block: 1, loop_if: 1, loop_maybe: 1]
  end

  test "a loop that is named is refused its returns, and only these" do
    DiskModules.on_path!(@elixir)
    Code.ensure_loaded!(ScopeLoops)

    assert {:error, %Error{reason: :runaway_return} = error} =
             targets({ScopeLoops, :loop_if, 1}, true)

    assert Exception.message(error) =~ "ScopeLoops.loop_if/1 calls itself last"
    assert {:error, %Error{}} = targets("ScopeLoops.loop_pong(_) -> return", true)
    assert {:error, %Error{}} = targets([ScopeLoops, {ScopeLoops, :loop_private}], true)
    assert {:ok, %{refused: []}} = targets({ScopeLoops, :loop_if, 1}, false)
    assert {:ok, %{refused: []}} = targets({ScopeLoops, :body, 1}, true)
  end

  test "a loop that came with its module is recorded without them, and is told" do
    DiskModules.on_path!(@elixir)
    Code.ensure_loaded!(ScopeLoops)
    {:ok, targets} = targets(ScopeLoops, true)
    {:ok, loops} = Loops.of(ScopeLoops)
    assert targets.refused == Enum.sort(for {f, a} <- loops, do: {ScopeLoops, f, a})

    for target <- targets.functions,
        do: assert(target.pattern.return == target.mfa not in targets.refused)

    {:ok, targets} = targets(ScopeLoops, false)
    assert targets.refused == []
  end

  test "nothing is known without debug information, and nothing refused" do
    DiskModules.on_path!(@elixir, debug_info: false)
    Code.ensure_loaded!(ScopeLoops)
    assert Loops.of(ScopeLoops) == :unknown
    assert {:ok, _targets} = targets({ScopeLoops, :loop_if, 1}, true)
    assert Loops.of(__MODULE__) == :unknown
    assert Loops.of(:erlang) == :unknown
    assert Loops.of(NoSuchModule) == :unknown
  end

  test "nor where the file is of another version than what runs" do
    folder = DiskModules.on_path!(@elixir)
    Code.ensure_loaded!(ScopeLoops)
    file = Path.join(folder, "#{ScopeLoops}.beam")
    {:ok, other} = :compile.forms([{:attribute, 1, :module, ScopeLoops}], [:debug_info]) |> code()
    File.write!(file, other)
    assert Loops.of(ScopeLoops) == :unknown
  end

  defp code({:ok, _module, code}), do: {:ok, code}

  test "any module of Elixir and its tools can be looked at" do
    for module <- [Enum, Mix.Tasks.Compile.All, :elixir_parser, :gen_server, :lists] do
      Code.ensure_loaded!(module)
      assert {:ok, loops} = Loops.of(module)
      assert is_list(loops)
    end

    {:ok, loops} = Loops.of(:gen_server)
    assert Keyword.has_key?(loops, :loop)
  end
end
