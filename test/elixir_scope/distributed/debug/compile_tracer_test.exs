defmodule ElixirScope.Distributed.Debug.CompileTracerTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.TracedProject

  alias ElixirScope.Distributed.Debug.{Beams, CompileTracer}
  alias ElixirScope.Distributed.Scratch

  doctest CompileTracer

  @moduletag :slow
  @moduletag timeout: 300_000

  # One module or more for each way in which one can need another.
  @ways [
    {"lib/macros.ex",
     """
     defmodule Ways.Macros do
       alias Ways.Helper
       defmacro twice(x), do: quote(do: Ways.Helper.double(unquote(x)))
       defmacro helped(x), do: Helper.double(x)
       defmacro __using__(_) do
         quote do
           import Ways.Imported
           @behaviour Ways.Contract
           def used, do: Ways.Used.called()
         end
       end
       def plain(x), do: x
     end
     """},
    {"lib/small.ex",
     """
     defmodule Ways.Helper do
       def double(x), do: 2 * x
     end

     defmodule Ways.Used do
       def called, do: :ok
     end

     defmodule Ways.Guards do
       defguard small(x) when x < 3
     end
     """},
    {"lib/imported.ex",
     "defmodule Ways.Imported do\n  def from_import(x), do: x\n  defmacro m(x), do: x\nend\n"},
    {"lib/contract.ex", "defmodule Ways.Contract do\n  @callback used() :: term\nend\n"},
    {"lib/struct.ex",
     "defmodule Ways.Struct do\n  defstruct [:a]\n  def new, do: %__MODULE__{a: Ways.Helper.double(1)}\nend\n"},
    {"lib/error.ex", "defmodule Ways.Error do\n  defexception [:message]\nend\n"},
    {"lib/protocol.ex",
     """
     defprotocol Ways.Sized do
       @fallback_to_any true
       def size(of)
     end

     defimpl Ways.Sized, for: Any do
       def size(_), do: 0
     end
     """},
    {"lib/impl.ex",
     """
     defimpl Ways.Sized, for: Ways.Struct do
       def size(%Ways.Struct{a: a}), do: a
     end

     defimpl Ways.Sized, for: [Integer, List] do
       def size(_), do: Ways.Derived
     end
     """},
    {"lib/derived.ex",
     "defmodule Ways.Derived do\n  @derive Ways.Sized\n  defstruct [:b]\nend\n"},
    {"lib/uses.ex",
     "defmodule Ways.Uses do\n  use Ways.Macros\n  def go(x), do: from_import(x)\nend\n"},
    {"lib/requires.ex",
     """
     defmodule Ways.Requires do
       require Ways.Macros
       require Ways.Guards, as: G
       def go(x) when G.small(x), do: Ways.Macros.twice(x)
       def other(x), do: Ways.Macros.plain(x)
     end
     """},
    {"lib/only_requires.ex",
     "defmodule Ways.OnlyRequires do\n  require Ways.Macros\n  require Ways.Guards\n  Ways.Guards.small(1)\nend\n"},
    {"lib/imports.ex",
     "defmodule Ways.Imports do\n  import Ways.Imported, only: [from_import: 1]\n  def f, do: from_import(1)\nend\n"},
    {"lib/imports_macro.ex",
     "defmodule Ways.ImportsMacro do\n  import Ways.Imported\n  def f, do: m(1)\nend\n"},
    {"lib/imports_nothing.ex",
     "defmodule Ways.ImportsNothing do\n  import Ways.Imported, warn: false\n  import Ways.Guards, warn: false\n  def f, do: 1\nend\n"},
    {"lib/body.ex",
     """
     defmodule Ways.Body do
       @doubled Ways.Helper.double(4)
       @named Ways.Contract
       @list [Ways.Used, {:a, Ways.Error}]
       alias Ways.{Struct, Derived}
       @empty %Struct{}
       def doubled, do: {@doubled, @named, @list, @empty}
       def alias_only, do: Derived
     end
     """},
    {"lib/patterns.ex",
     """
     defmodule Ways.Patterns do
       alias Ways.Struct
       def a(%Struct{a: 1} = s), do: %{s | a: 2}
       def b(%{__struct__: Ways.Derived}), do: 1
       def c(x) when x == Ways.Contract, do: is_struct(x, Ways.Uses)
       def d(x) do
         case x do
           Ways.Used -> 1
           %Ways.Error{} -> 2
           _ -> raise Ways.Error, "no"
         end
       rescue
         e in Ways.Error -> e
       end
     end
     """},
    {"lib/dynamic.ex",
     """
     defmodule Ways.Dynamic do
       def go(module, f), do: apply(module, f, [1])
       def named(f), do: apply(Ways.Helper, f, [1])
       def captured, do: &Ways.Used.called/0
       def spawned, do: spawn(Ways.Dynamic2, :go, [])
       def spec, do: [{Ways.Contract, :child}]
     end

     defmodule Ways.Dynamic2 do
       def go, do: Ways.Dynamic.go(Ways.Helper, :double)
     end
     """},
    {"lib/nested.ex",
     """
     defmodule Ways.Nested do
       defmodule Inner do
         require Ways.Guards
         def f(x) when Ways.Guards.small(x), do: Ways.Nested.g()
         defmodule Deep, do: def(h, do: Ways.Derived)
       end
       alias Ways.Imported, as: I
       def g, do: I.from_import(Inner.f(1))
     end
     """},
    {"lib/outside.ex",
     """
     import Ways.Imported, only: [m: 1]
     alias Ways.Helper, as: H
     defmodule Ways.Outside do
       def f, do: m(H.double(2))
     end
     H.double(3)
     defmodule Ways.Outside2, do: def(f, do: 1)
     """},
    {"lib/types.ex",
     """
     defmodule Ways.Types do
       @type t :: Ways.Other.t() | %Ways.Struct{}
       @spec f(Ways.Uses.t()) :: t when t: Ways.Derived.t()
       def f(x), do: x
       @after_compile Ways.Hooks
       @on_definition Ways.Hooks
       @before_compile Ways.Hooks
     end
     """},
    {"lib/hooks.ex",
     """
     defmodule Ways.Hooks do
       def __after_compile__(_env, _code), do: Ways.Helper.double(1)
       def __on_definition__(_, _, _, _, _, _), do: :ok
       defmacro __before_compile__(_env), do: quote(do: def(hooked, do: Ways.Used.called()))
     end
     """},
    {"lib/delegates.ex",
     """
     defmodule Ways.Delegates do
       defdelegate double(x), to: Ways.Helper
       defdelegate other(x), to: Ways.Macros, as: :plain
       for m <- [Ways.Used, Ways.Struct], do: def(unquote(:"f_\#{m}")(), do: unquote(m))
       def text(x), do: "\#{x} \#{inspect(%Ways.Derived{b: x})}"
       def kept(list), do: for(%Ways.Struct{a: a} <- list, into: MapSet.new(), do: a)
     end
     """}
  ]

  describe "what mix xref graph says" do
    test "is the same of a project with every way to need a module" do
      folder = new!(@ways)
      xref = xref!(folder)
      assert MapSet.size(xref) > 40

      for kind <- [:compile, :exports, :runtime],
          do: assert(Enum.any?(xref, &(elem(&1, 2) == kind)))

      same(edges!(folder), xref)
    end

    test "is the same of a project whose modules need each other at random" do
      seed = :erlang.phash2(make_ref())
      folder = new!(random(seed, 40))
      xref = xref!(folder)
      assert MapSet.size(xref) > 60, "seed #{seed}"
      same(edges!(folder), xref)
    end
  end

  describe "of this project" do
    # The tracer is among what is compiled, so another copy of it does the work, under names of its own.
    @tag :long
    test "it is what mix xref graph says" do
      folder = Scratch.sources!(folder!())
      library = {"ELIXIR_SCOPE_NATIVE", Path.expand("priv/native/scope_nif.so")}
      copy = copy!(folder!())
      compile = ["compile", "--force", "--tracer", "Copied.Debug.CompileTracer"]
      options = [library, {"ELIXIR_ERL_OPTIONS", "-pa #{copy}"}, {"MIX_ENV", "dev"}]
      {output, 0} = Scratch.mix(folder, compile, options)
      assert output =~ "Compiling"
      {_output, 0} = Scratch.mix(folder, ["xref", "graph", "--format", "dot"], options)
      app = :elixir_scope_distributed
      xref = dot(folder)
      assert MapSet.size(xref) > 1_000
      same(edges!(folder, app), xref)
    end
  end

  # The modules of the tracer, and what these need of the library.
  defp copy!(folder) do
    sources =
      ["compile_tracer.ex", "compile_tracer/*.ex", "beams.ex", "beams/*.ex"]
      |> Enum.flat_map(&Path.wildcard("lib/elixir_scope/distributed/debug/#{&1}"))

    for source <- sources do
      text = source |> File.read!() |> String.replace("ElixirScope.Distributed", "Copied")

      Scratch.write!(
        folder,
        Path.join("src", Path.basename(Path.dirname(source)) <> "_" <> Path.basename(source)),
        text
      )
    end

    files = Path.wildcard(Path.join(folder, "src/*.ex"))

    run =
      "{:ok, _, _} = Kernel.ParallelCompiler.compile_to_path(#{inspect(files, limit: :infinity)}, #{inspect(folder)})"

    {_output, 0} = Scratch.run(folder, "elixir", ["-e", run])
    folder
  end

  # A module needs those before it while it is compiled, and any while it runs; some share a file.
  defp random(seed, modules) do
    :rand.seed(:exsss, {seed, 0, 0})

    for n <- 1..modules//2 do
      {"lib/m#{n}.ex", Enum.map_join([n, n + 1], "\n", &module(&1, modules))}
    end
  end

  defp module(n, modules) do
    """
    defmodule Random.M#{n} do
    #{outside(n, modules)}
      defstruct [:a]
      defmacro macro(x), do: x
      def fun(x), do: x
      def list do
        [#{Enum.map_join(1..3, ", ", fn _ -> inside(:rand.uniform(modules)) end)}]
      end
    end
    """
  end

  defp outside(1, _modules), do: ""

  defp outside(n, _modules) do
    for at <- 1..:rand.uniform(3), into: "" do
      m = "Random.M#{:rand.uniform(n - 1)}"

      Enum.random([
        "  require #{m}\n",
        "  import #{m}, only: [fun: 1], warn: false\n",
        "  @a#{at} #{m}.fun(1)\n  def a#{at}, do: @a#{at}\n",
        "  @b#{at} #{m}\n  def b#{at}, do: @b#{at}\n",
        "  def s#{at}, do: %#{m}{a: 1}\n",
        "  require #{m}, as: R#{at}\n  def m#{at}, do: R#{at}.macro(1)\n",
        "  alias #{m}, as: A#{at}\n  def p#{at}(%A#{at}{a: a}), do: a\n"
      ])
    end
  end

  defp inside(n) do
    m = "Random.M#{n}"
    Enum.random(["#{m}.fun(1)", m, "&#{m}.fun/1", "apply(#{m}, :fun, [1])", "1"])
  end

  defp same(ours, xref) do
    assert {Enum.sort(MapSet.difference(ours, xref)), Enum.sort(MapSet.difference(xref, ours))} ==
             {[], []}
  end

  describe "what is kept" do
    @three [
      {"lib/a.ex", "defmodule A do\n  def f, do: B.f()\nend\n"},
      {"lib/b.ex", "defmodule B do\n  def f, do: 1\nend\n"},
      {"lib/c.ex",
       "defmodule C do\n  def f, do: A.f()\nend\n\ndefmodule C2, do: def(f, do: A.f())\n"}
    ]

    test "has the place of each reference, and the digest of the code" do
      folder = new!(@three)
      mix!(folder, ["compile"])
      {:ok, modules} = CompileTracer.read(Path.join(folder, "_build/dev"))
      assert {:ok, Enum.sort(modules)} == folder |> built() |> CompileTracer.read() |> sorted()
      assert [A, B, C, C2] == modules |> Enum.map(&elem(&1, 0)) |> Enum.sort()
      {A, md5, entries} = List.keyfind(modules, A, 0)
      assert {:ok, md5} == Beams.md5(Path.join(built(folder), "ebin/Elixir.A.beam"))
      assert {B, :runtime, [{Path.join(folder, "lib/a.ex"), 2}]} in entries

      # What is broken is not read, and written again when it is compiled again.
      for file <- Path.wildcard(Path.join(built(folder), ".mix/elixir_scope/*")), do: damage(file)
      assert {:ok, []} = CompileTracer.read(built(folder))
      mix!(folder, ["compile", "--force"])
      assert map_size(read!(folder)) == 4
    end

    test "changes for the module that was compiled again, and vanishes with a module" do
      folder = new!(@three)
      mix!(folder, ["compile"])
      before = kept(folder)
      assert map_size(before) == 4
      Scratch.write!(folder, "lib/b.ex", "defmodule B do\n  def f, do: C.f()\nend\n")
      mix!(folder, ["compile"])
      assert [_only_of_b] = changed(before, kept(folder))
      assert {C, :runtime, [{Path.join(folder, "lib/b.ex"), 2}]} in read!(folder)[B]

      File.rm!(Path.join(folder, "lib/c.ex"))
      Scratch.write!(folder, "lib/b.ex", "defmodule B do\n  def f, do: 2\nend\n")
      mix!(folder, ["compile"])
      assert [A, B] == folder |> read!() |> Map.keys() |> Enum.sort()
      Scratch.write!(folder, "lib/b.ex", "defmodule B do\n  def f, do: 3\nend\n")
      mix!(folder, ["compile"])
      assert map_size(kept(folder)) == 2
    end

    test "is that of the code that is there, whenever a compilation is killed" do
      folder = new!(@three)
      mix!(folder, ["compile"])
      before = read!(folder)
      Scratch.write!(folder, "lib/a.ex", "defmodule A do\n  def f, do: C2.f()\nend\n")
      Scratch.write!(folder, "lib/new.ex", "defmodule New do\n  def f, do: C2.f()\nend\n")
      Scratch.write!(folder, "lib/z.ex", killer(folder))
      assert {_output, status} = mix(folder, ["compile"])
      assert status != 0
      assert map_size(kept(folder)) == 5
      # Some versions of Mix have deleted what is to be compiled by then.
      there = Map.keys(files(folder))
      assert B in there and New not in there
      assert read!(folder) == Map.take(before, there)

      File.rm!(Path.join(folder, "lib/z.ex"))
      mix!(folder, ["compile"])
      assert {C2, :runtime, [{Path.join(folder, "lib/a.ex"), 2}]} in read!(folder)[A]
      assert Map.has_key?(read!(folder), New)
    end

    test "is nothing of a file that does not compile" do
      folder = new!(@three)
      Scratch.write!(folder, "lib/b.ex", "defmodule B do\n  def f, do: nothing\nend\n")
      assert {_output, 1} = mix(folder, ["compile"])
      assert CompileTracer.read(built(folder)) in [{:ok, []}, {:error, :no_records}]
    end
  end

  defp sorted({:ok, modules}), do: {:ok, Enum.sort(modules)}

  defp kept(folder) do
    files = folder |> built() |> Path.join(".mix/elixir_scope/*") |> Path.wildcard()
    Map.new(files, &{Path.basename(&1), File.read!(&1)})
  end

  defp changed(before, now), do: for({name, bytes} <- now, before[name] != bytes, do: name)

  # Kills its VM when what A and the new module need has been written, or in half a minute.
  defp killer(folder) do
    """
    defmodule Z do
      kept = #{inspect(Path.join(built(folder), ".mix/elixir_scope"))}
      before = #{inspect(for {_name, bytes} <- kept(folder), do: :erlang.md5(bytes))}
      new = fn -> length(for f <- File.ls!(kept), {:ok, b} <- [File.read(Path.join(kept, f))], :erlang.md5(b) not in before, do: f) end
      late = System.monotonic_time(:second) + 30
      wait = fn wait -> if new.() < 2 and System.monotonic_time(:second) < late, do: wait.(wait) end
      wait.(wait)
      System.cmd("kill", ["-9", System.pid()])
    end
    """
  end

  defp damage(file) do
    {start, [byte | rest]} = file |> File.read!() |> :binary.bin_to_list() |> Enum.split(60)
    File.write!(file, [start, Bitwise.bxor(byte, 1), rest])
  end
end
