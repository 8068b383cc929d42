defmodule ElixirScope.Distributed.Build.InstrumentTest do
  # Applications that are instrumented, or not, by their mix.exs, built and run as a user would.
  # Not beside other tests: cargo takes every core.
  use ExUnit.Case

  import ElixirScope.Distributed.Scratch

  @moduletag :slow
  @moduletag timeout: 600_000

  @project ~S"""
  , compilers: [:elixir_scope] ++ Mix.compilers(),
  elixir_scope: elem(Code.eval_string(System.get_env("CHOICE", "[]")), 0)
  """

  @modules ~S"""
  defmodule Shop.Orders do
    def place(n) when n > 0, do: [check(n)]
    def place(_), do: raise("no")
    defp check(n), do: n
  end

  defmodule Shop.Quiet do
    def place(n), do: n
  end

  defmodule Shop.Order do
    defstruct [:id]
    @scope "a constant of its own"
    def scope, do: @scope
  end

  defprotocol Shop.Priced do
    def price(thing)
  end

  defimpl Shop.Priced, for: Shop.Order do
    def price(order), do: order.id
  end
  """

  @used ~S"""
  defmodule Shop.Used do
    @moduledoc "Documented."
    use ElixirScope.Distributed.Instrument, args: false
    @doc "Doc."
    @spec one(integer) :: integer
    @scope true
    def one(x), do: x + 1
    @scope false
    def two(x \\ 1), do: {one(x), __ENV__.module}
  end
  """

  @snippet """
  alias ElixirScope.Distributed, as: Scope
  Shop.Orders.place(1)
  try do Shop.Orders.place(0) rescue _ -> :ok end
  Shop.Quiet.place(2)
  Shop.Order.scope()
  Shop.Priced.price(%Shop.Order{id: 4})
  Shop.Used.two(5)
  {:ok, events} = Scope.events(kinds: [:function])
  for e <- events, do: IO.puts("\#{e.kind} \#{inspect(e.subject)} \#{inspect(e.data)}")
  """

  setup do
    folder = folder!()
    on_exit(fn -> File.rm_rf!(folder) end)
    app = application!(folder, "shop", path_dep(), @project)
    write!(app, "lib/modules.ex", @modules)
    write!(app, "lib/used.ex", @used)
    mix!(app, ~w(deps.get))
    {:ok, app: app}
  end

  defp compile(app, choice), do: mix!(app, ~w(compile --warnings-as-errors), [{"CHOICE", choice}])

  defp run(app, choice) do
    output = mix!(app, ["run", "-e", @snippet], [{"CHOICE", choice}])

    lines =
      for line <- String.split(output, "\n"), line =~ ~r/^(call|return|exception) /, do: line

    # The frames of a stack: those of the script differ between versions.
    Enum.map(lines, &Regex.replace(~r/\[\{Shop.*\]\}$/, &1, "...}"))
  end

  defp chunks(app) do
    for beam <- Path.wildcard(Path.join(app, "_build/dev/lib/shop/ebin/*.beam")), into: %{} do
      {:ok, module, chunks} = :beam_lib.all_chunks(to_charlist(beam))
      {module, Map.new(chunks)}
    end
  end

  test "what a project chooses is recorded, and a changed choice holds", %{app: app} do
    compile(app, "[]")
    bare = chunks(app)
    used = ["call {Shop.Used, :one, 1} nil", "return {Shop.Used, :one, 1} 6"]
    assert run(app, "[]") == used

    assert run(app, ~S([instrument: ["Shop.*"], except: [Shop.Quiet, "Shop.Priced.*"]])) == [
             "call {Shop.Orders, :place, 1} [1]",
             "call {Shop.Orders, :check, 1} [1]",
             "return {Shop.Orders, :check, 1} 1",
             "return {Shop.Orders, :place, 1} [1]",
             "call {Shop.Orders, :place, 1} [0]",
             ~S(exception {Shop.Orders, :place, 1} {:error, %RuntimeError{message: "no"}, ...}),
             "call {Shop.Order, :scope, 0} []",
             ~S(return {Shop.Order, :scope, 0} "a constant of its own") | used
           ]

    choice = "[instrument: [{Shop.Orders, :check, 1}, Shop.Quiet], args: false, returns: false]"

    assert run(app, choice) == [
             "call {Shop.Orders, :check, 1} nil",
             "call {Shop.Quiet, :place, 1} nil" | used
           ]

    assert run(app, "[instrument: false]") == []
    compile(app, "[]")
    assert chunks(app) == bare
  end

  @tag :long
  test "with instrument: false a module is what it is without a line about it", %{app: app} do
    compile(app, "[instrument: false]")
    off = chunks(app)[Shop.Used]
    spoken = ~r/^ *(use ElixirScope|@scope).*$/m

    # Lines stand where they stood: not a byte is another.
    write!(app, "lib/used.ex", Regex.replace(spoken, @used, ""))
    compile(app, "[instrument: false]")
    assert chunks(app)[Shop.Used] == off

    # They are gone: what holds lines differs, the code does not.
    write!(app, "lib/used.ex", Regex.replace(~r/^ *(use ElixirScope|@scope).*\n/m, @used, ""))
    compile(app, "[instrument: false]")
    without = chunks(app)[Shop.Used]
    lines = [~c"Line", ~c"Dbgi", ~c"Docs"]
    assert Map.drop(without, lines) == Map.drop(off, lines)
    assert without[~c"Line"] != off[~c"Line"]

    write!(app, "lib/used.ex", @used)
    compile(app, "[]")
    assert chunks(app)[Shop.Used][~c"Code"] != off[~c"Code"]
  end

  @tag :long
  test "in an umbrella each application chooses for itself" do
    folder = folder!()
    on_exit(fn -> File.rm_rf!(folder) end)

    write!(folder, "mix.exs", """
    defmodule Umbrella.MixProject do
      use Mix.Project
      def project, do: [apps_path: "apps", version: "1.0.0", deps: []]
    end
    """)

    shared = ~S(, build_path: "../../_build", deps_path: "../../deps", lockfile: "../../mix.lock")

    application!(Path.join(folder, "apps/inner"), "inner", path_dep(), shared <> @project)
    outer = Path.join(folder, "apps/outer")
    application!(outer, "outer", "{:inner, in_umbrella: true}", shared)
    mix!(folder, ~w(deps.get))

    choice = [{"CHOICE", ~S([instrument: ["Inner*", "Outer*"]])}]
    mix!(folder, ~w(compile --warnings-as-errors), choice)

    print =
      "IO.inspect(for m <- [Inner, Outer], do: m.module_info(:compile)[:options][:elixir_scope])"

    hello = "[{:hello, 0, [args: true, returns: true, entry: false]}, nil]"
    assert mix!(folder, ["run", "-e", print], choice) =~ hello
  end

  @tag :long
  test "a wrong choice ends the build and says what is wrong", %{app: app} do
    for {choice, said} <- [
          {"[instrumnet: []]", "unknown option :instrumnet, did you mean :instrument?"},
          {"[instrument: true]", "expected :instrument to be"},
          {~S|[instrument: ["Shop.Orders.place(1)"]]|, "takes modules and functions, not calls"},
          {"[instrument: [1]]", "1: expected a module, function or text"}
        ] do
      assert {output, 1} = mix(app, ~w(compile), [{"CHOICE", choice}])
      assert output =~ said
    end
  end
end
