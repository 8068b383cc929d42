defmodule ElixirScope.Distributed.Scratch do
  @moduledoc false
  # Applications that depend on this project, made, built and run by tests as a user would:
  # by `mix` in an operating-system process of its own, with an empty MIX_HOME (no Hex, no rebar)
  # and nobody at standard input, so that a question would fail instead of waiting.

  @root File.cwd!()
  # A build folder is named after what the caller of `mix test` set, or is Cargo's own default:
  # with one for all, cargo builds what is the same only once.
  @inherited ~w(MIX_ENV MIX_EXS MIX_TARGET MIX_BUILD_ROOT MIX_BUILD_PATH MIX_DEPS_PATH
                ELIXIR_SCOPE_NATIVE ERL_LIBS ERL_FLAGS ERL_AFLAGS ELIXIR_ERL_OPTIONS)

  @doc "The folder of this project."
  def root, do: @root

  @doc "A folder for one test."
  def folder! do
    path =
      Path.join(System.tmp_dir!(), "scope-#{System.pid()}-#{System.unique_integer([:positive])}")

    File.mkdir_p!(path)
    path
  end

  @doc "Writes an application `name` in `folder` whose dependencies are the text `deps`."
  def application!(folder, name, deps, project \\ "") do
    module = Macro.camelize(name)

    write!(folder, "mix.exs", """
    defmodule #{module}.MixProject do
      use Mix.Project
      def project, do: [app: :#{name}, version: "1.0.0", deps: [#{deps}]#{project}]
      def application, do: [extra_applications: [:logger]]
    end
    """)

    write!(folder, "lib/#{name}.ex", "defmodule #{module} do\n  def hello, do: :world\nend\n")
    folder
  end

  @doc "The dependency on `path`, as a line of a mix.exs."
  def path_dep(path \\ @root), do: "{:elixir_scope_distributed, path: #{inspect(path)}}"

  def write!(folder, name, text) do
    path = Path.join(folder, name)
    File.mkdir_p!(Path.dirname(path))
    File.write!(path, text)
    path
  end

  def executable!(folder, name, script) do
    path = write!(folder, name, "#!/bin/sh\n" <> script <> "\n")
    File.chmod!(path, 0o755)
    path
  end

  @doc "A copy of this project's sources: what is, or could be, under version control."
  def sources!(folder) do
    {files, 0} =
      System.cmd("git", ~w(ls-files -z --cached --others --exclude-standard), cd: @root)

    for file <- String.split(files, "\0", trim: true), File.regular?(Path.join(@root, file)) do
      write!(folder, file, File.read!(Path.join(@root, file)))
    end

    folder
  end

  @doc "Runs `mix` with `arguments` in `folder`: what it printed, and its exit status."
  def mix(folder, arguments, env \\ []), do: run(folder, "mix", arguments, env)

  @doc "Like `mix/3`, where failing is not expected."
  def mix!(folder, arguments, env \\ []) do
    case mix(folder, arguments, env) do
      {output, 0} -> output
      {output, status} -> raise "mix #{Enum.join(arguments, " ")}: status #{status}\n#{output}"
    end
  end

  @doc "Runs a program with `input` (a file) as its standard input."
  def run(folder, program, arguments, env \\ [], input \\ "/dev/null") do
    script = ~S(input=$1; shift; exec "$@" <"$input")
    options = [cd: folder, env: environment(folder, env), stderr_to_stdout: true]
    System.cmd("sh", ["-c", script, "sh", input, program | arguments], options)
  end

  defp environment(folder, env) do
    own = [{"MIX_HOME", Path.join(folder, ".mix_home")}, {"CARGO_TARGET_DIR", target_folder()}]
    for(name <- @inherited, do: {name, nil}) ++ own ++ env
  end

  @doc "Cargo's target folder, the same for all scratch applications."
  def target_folder, do: Path.expand(System.get_env("CARGO_TARGET_DIR", "target"), @root)

  @doc "The PATH without `program`; what lies beside it stays, as links in a folder of the test."
  def path_without(folder, program) do
    System.get_env("PATH")
    |> String.split(":", trim: true)
    |> Enum.with_index(fn dir, n -> hide(dir, program, Path.join(folder, "bin#{n}")) end)
    |> Enum.join(":")
  end

  defp hide(dir, program, shadow) do
    if File.exists?(Path.join(dir, program)), do: shadow!(dir, program, shadow), else: dir
  end

  defp shadow!(dir, program, shadow) do
    File.mkdir_p!(shadow)

    for name <- File.ls!(dir),
        name != program,
        do: File.ln_s(Path.join(dir, name), Path.join(shadow, name))

    shadow
  end
end
