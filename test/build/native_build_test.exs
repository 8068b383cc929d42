defmodule ElixirScope.Distributed.Build.NativeBuildTest do
  # The Mix compiler at the end of mix.exs: what it does twice, and what it says when it cannot.
  # Not beside other tests: cargo takes every core.
  use ExUnit.Case

  import ElixirScope.Distributed.Scratch

  @moduletag :slow
  @moduletag timeout: 600_000

  setup do
    folder = folder!()
    on_exit(fn -> File.rm_rf!(folder) end)
    {:ok, folder: folder}
  end

  describe "when nothing changed" do
    @tag :long
    test "no rustc runs and the library keeps its time stamp", %{folder: folder} do
      log = Path.join(folder, "rustc.log")
      wrapper = executable!(folder, "rustc_wrapper", ~s(echo "$@" >>#{log}; exec "$@"))
      env = build_in(folder) ++ [{"RUSTC_WRAPPER", wrapper}]
      mix!(root(), ~w(compile), env)
      library = File.stat!(library(root()))
      File.rm(log)

      mix!(root(), ~w(compile), env)
      refute compiled_crates(log)
      assert File.stat!(library(root())) == library
    end

    @tag :long
    test "the wrapper of the test above would have seen a rustc", %{folder: folder} do
      log = Path.join(folder, "rustc.log")
      wrapper = executable!(folder, "rustc_wrapper", ~s(echo "$@" >>#{log}; exec "$@"))
      write!(folder, "Cargo.toml", ~s([package]\nname = "empty"\nedition = "2021"\n[workspace]\n))
      write!(folder, "src/lib.rs", "")
      {_output, 0} = run(folder, "cargo", ~w(build --offline), [{"RUSTC_WRAPPER", wrapper}])
      assert compiled_crates(log)
    end
  end

  describe "one message, and what to do," do
    test "without cargo", %{folder: folder} do
      output = refused!(folder, [{"PATH", path_without(folder, "cargo")}])
      assert output =~ "there is no cargo on the PATH"
      assert output =~ "https://rustup.rs"
    end

    test "with a rustc that is too old", %{folder: folder} do
      executable!(folder, "bin/rustc", "echo 'rustc 1.75.0 (82e1608df 2023-12-21)'")
      output = refused!(folder, [{"PATH", "#{folder}/bin:" <> System.get_env("PATH")}])
      assert output =~ "the rustc in use is 1.75.0"
      assert output =~ "rustup update"
    end

    test "with a rustc that does not run", %{folder: folder} do
      executable!(
        folder,
        "bin/rustc",
        "echo 'error: no default toolchain configured' >&2; exit 1"
      )

      output = refused!(folder, [{"PATH", "#{folder}/bin:" <> System.get_env("PATH")}])
      assert output =~ "rustc does not run: error: no default toolchain configured"
    end

    test "when the build fails", %{folder: folder} do
      executable!(folder, "bin/cargo", "echo 'error: could not compile `x`' >&2; exit 101")
      output = refused!(folder, [{"PATH", "#{folder}/bin:" <> System.get_env("PATH")}])
      assert output =~ "error: could not compile `x`"
      assert output =~ "cargo build --release --locked --package scope_nif` ended with status 101"
    end

    test "when ELIXIR_SCOPE_NATIVE names no file", %{folder: folder} do
      output = refused!(folder, [{"ELIXIR_SCOPE_NATIVE", "/nowhere/scope.so"}])
      assert output =~ "ELIXIR_SCOPE_NATIVE names /nowhere/scope.so, and there is no such file"
    end

    test "when the library cannot be loaded", %{folder: folder} do
      broken = write!(folder, "broken.so", "no library")
      sources = sources!(Path.join(folder, "sources"))

      {output, _status} =
        mix(sources, ["run", "-e", ~S|IO.puts("runs")|], [{"ELIXIR_SCOPE_NATIVE", broken}])

      assert output =~ "priv/native/scope_nif.so"
      assert output =~ "runs"
    end
  end

  @tag :long
  test "a ready-made library needs no Rust, and `mix clean` takes it away", %{folder: folder} do
    sources = sources!(Path.join(folder, "sources"))
    ready_made = Path.join(folder, "ready.so")
    mix!(root(), ~w(compile), build_in(folder))
    File.cp!(library(root()), ready_made)

    env = [{"ELIXIR_SCOPE_NATIVE", ready_made}, {"PATH", path_without(folder, "cargo")}]
    mix!(sources, ~w(compile --warnings-as-errors), env)
    assert File.read!(library(sources)) == File.read!(ready_made)
    assert [_only] = File.ls!(Path.dirname(library(sources)))

    mix!(sources, ~w(clean), env)
    refute File.exists?(library(sources))
  end

  @tag :long
  test "recompile after a change of the stubs asks for a restart, in one line", %{folder: folder} do
    sources = sources!(Path.join(folder, "sources"))
    mix!(root(), ~w(compile), build_in(folder))

    input =
      write!(folder, "input.exs", """
      File.write!("lib/elixir_scope/distributed/native.ex", "\\n# touched\\n", [:append])
      recompile()
      IO.inspect(ElixirScope.Distributed.record(:still, %{here: 1}), label: "recorded")
      """)

    env = [{"ELIXIR_SCOPE_NATIVE", library(root())}]
    {output, 0} = run(sources, "iex", ~w(--dot-iex /dev/null -S mix), env, input)
    assert output =~ "lib/elixir_scope/distributed/native.ex changed: restart"
    assert output =~ "recorded: :ok"
    refute output =~ "Compiling 1 file"
  end

  test "the oldest Rust is the one that the crates name" do
    [_, oldest] = Regex.run(~r/@oldest_rust "(.+)\.0"/, File.read!("mix.exs"))
    assert File.read!("Cargo.toml") =~ ~s(rust-version = "#{oldest}")
    assert File.read!("scripts/setup") =~ "\nRUST=#{oldest}\n"
  end

  defp refused!(folder, env) do
    {output, status} = mix(root(), ~w(compile), build_in(folder) ++ env)
    assert status != 0
    assert [_before, _message] = String.split(output, "** (Mix)")
    refute output =~ "Compiling"
    output
  end

  # Of this very project, with the Elixir side built elsewhere.
  defp build_in(folder), do: [{"MIX_BUILD_ROOT", Path.join(folder, "_build")}]

  defp library(project), do: Path.join(project, "priv/native/scope_nif.so")

  # Cargo also asks rustc for its version; only a crate has a name.
  defp compiled_crates(log) do
    File.exists?(log) and File.read!(log) =~ ~r/--crate-name (?!___)/
  end
end
