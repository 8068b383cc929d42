defmodule ElixirScope.Distributed.Build.EmbeddingTest do
  # This project inside other people's: every way Mix can bring it in, each built and run.
  # Not beside other tests: cargo takes every core.
  use ExUnit.Case

  import ElixirScope.Distributed.Scratch

  @moduletag :slow
  @moduletag timeout: 600_000

  # All that a user writes.
  @snippet """
  :ok = ElixirScope.Distributed.record(:hello, %{n: 1})
  {:ok, [event]} = ElixirScope.Distributed.events(kinds: [:mark])
  IO.puts("read back: \#{event.kind} \#{inspect(event.data)}")
  """
  @read_back ~r/read back: mark .*n: 1/

  setup do
    folder = folder!()
    on_exit(fn -> File.rm_rf!(folder) end)
    {:ok, folder: folder}
  end

  test "a path dependency records and reads in iex", %{folder: folder} do
    application!(folder, "by_path", path_dep())
    get_and_compile!(folder)
    input = write!(folder, "input.exs", @snippet)

    {output, 0} = run(folder, "iex", ~w(--dot-iex /dev/null -S mix), [], input)
    assert output =~ @read_back
  end

  @tag :long
  test "a git dependency", %{folder: folder} do
    repository = bare_repository!(folder)
    app = application!(Path.join(folder, "app"), "by_git", git_dep(repository))
    get_and_compile!(app)

    assert mix!(app, ["run", "-e", @snippet]) =~ @read_back
    assert File.exists?(Path.join(app, "deps/elixir_scope_distributed/priv/native/scope_nif.so"))
  end

  @tag :long
  test "an application of an umbrella, and its neighbour", %{folder: folder} do
    write!(folder, "mix.exs", """
    defmodule Umbrella.MixProject do
      use Mix.Project
      def project, do: [apps_path: "apps", version: "1.0.0", deps: []]
    end
    """)

    in_umbrella =
      ~S(, build_path: "../../_build", deps_path: "../../deps", lockfile: "../../mix.lock")

    application!(Path.join(folder, "apps/inner"), "inner", path_dep(), in_umbrella)

    application!(
      Path.join(folder, "apps/outer"),
      "outer",
      "{:inner, in_umbrella: true}",
      in_umbrella
    )

    get_and_compile!(folder)

    assert mix!(folder, ["run", "-e", @snippet]) =~ @read_back
    assert mix!(Path.join(folder, "apps/outer"), ["run", "-e", @snippet]) =~ @read_back
  end

  @tag :long
  test "a release of the prod environment, moved to another place", %{folder: folder} do
    app = application!(Path.join(folder, "app"), "released", path_dep())
    prod = [{"MIX_ENV", "prod"}]
    get_and_compile!(app, prod)
    assert mix!(app, ["run", "-e", @snippet], prod) =~ @read_back

    mix!(app, ~w(release --path #{folder}/made), prod)
    File.rename!(Path.join(folder, "made"), Path.join(folder, "moved"))

    start = "{:ok, _} = Application.ensure_all_started(:released)\n"

    {output, 0} =
      run(folder, Path.join(folder, "moved/bin/released"), ["eval", start <> @snippet])

    assert output =~ @read_back
    assert [library] = Path.wildcard(Path.join(folder, "moved/lib/*/priv/native/scope_nif.so"))
    assert File.lstat!(library).type == :regular
  end

  defp get_and_compile!(folder, env \\ []) do
    mix!(folder, ~w(deps.get), env)
    mix!(folder, ~w(compile --warnings-as-errors), env)
  end

  defp git_dep(repository),
    do: "{:elixir_scope_distributed, git: #{inspect("file://" <> repository)}}"

  # Of the files as they are now, committed or not.
  defp bare_repository!(folder) do
    sources = sources!(Path.join(folder, "sources"))
    author = ~w(-c user.name=test -c user.email=test@localhost -c commit.gpgsign=false)
    git!(sources, ~w(init --quiet --initial-branch main))
    git!(sources, ~w(add --all))
    git!(sources, author ++ ~w(commit --quiet --message sources))
    git!(folder, ~w(clone --quiet --bare sources scope.git))
    Path.join(folder, "scope.git")
  end

  defp git!(folder, arguments) do
    {_output, 0} = System.cmd("git", arguments, cd: folder, stderr_to_stdout: true)
  end
end
