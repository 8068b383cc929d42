defmodule ElixirScope.Distributed.MixProject do
  use Mix.Project

  @version "0.1.0"
  @source "https://github.com/nshkrdotcom/elixir_scope_distributed"

  def project do
    [
      app: :elixir_scope_distributed,
      version: @version,
      elixir: "~> 1.14",
      elixirc_paths: elixirc_paths(Mix.env()),
      # First: the modules of lib/ find the library in its place when they are loaded.
      compilers: [:scope_native] ++ Mix.compilers(),
      start_permanent: Mix.env() == :prod,
      # A tool that looks into other people's applications brings no versions of its own.
      deps: [],
      aliases: aliases(),
      # Not tests, but what several tests are made of.
      test_ignore_filters: [&String.starts_with?(&1, "test/shared/")],
      name: "ElixirScope Distributed",
      description: "See a whole BEAM cluster as one program",
      source_url: @source,
      package: package(),
      docs: docs()
    ] ++ preferred_envs(System.version())
  end

  def application do
    [
      extra_applications: [:logger],
      mod: {ElixirScope.Distributed.Application, []}
    ]
  end

  def cli, do: [preferred_envs: [precommit: :test]]

  # Elixir 1.14 does not know `cli/0`; later ones warn about the key it reads instead.
  defp preferred_envs("1.14." <> _), do: [preferred_cli_env: cli()[:preferred_envs]]
  defp preferred_envs(_version), do: []

  defp elixirc_paths(:test), do: ["lib", "test/support"]
  defp elixirc_paths(_env), do: ["lib"]

  defp aliases do
    [
      precommit: [
        "format --check-formatted",
        "cmd cargo fmt --all --check",
        "cmd cargo clippy --workspace --all-targets --locked -- -D warnings",
        "compile --warnings-as-errors",
        "cmd cargo test --workspace --locked",
        "test"
      ]
    ]
  end

  defp package do
    [
      licenses: ["Apache-2.0"],
      maintainers: ["nshkrdotcom"],
      links: %{"GitHub" => @source, "Changelog" => @source <> "/blob/main/CHANGELOG.md"},
      # The crates as a whole, tests and benches too: their manifests name them.
      files: present(~w(lib priv/bin guides native Cargo.toml Cargo.lock mix.exs .formatter.exs
                   README.md ARCHITECTURE.md CHANGELOG.md LICENSE)),
      exclude_patterns: [~r"/target/", ~r"/fuzz/", ~r"\.so$"]
    ]
  end

  defp docs do
    [
      main: "readme",
      source_ref: "v" <> @version,
      extras:
        Enum.filter(~w(README.md ARCHITECTURE.md CHANGELOG.md), &File.exists?/1) ++ guides(),
      groups_for_extras: [Guides: guides()],
      groups_for_modules: module_groups(),
      nest_modules_by_prefix: [ElixirScope.Distributed]
    ]
  end

  defp present(paths), do: Enum.filter(paths, &File.exists?/1)
  defp guides, do: "guides/**/*.{md,livemd}" |> Path.wildcard() |> Enum.sort()

  # By folder, in the order of the code map: the first group that fits takes a module.
  defp module_groups do
    for {title, names} <- [
          Capture: "Capture|Instrument|Inject",
          Cluster:
            "NodeCoordinator|EventSynchronizer|GlobalClock|Sync|Cluster|SingleNodeSimulator|" <>
              "Clock|Synchronizer|Part|Operations",
          Transports: "Transports?",
          Storage: "Storages?",
          Queries: "Query|Causality|View|Export|TimeTravel|Replay|Recording",
          Tasks: "CLI|Inject",
          Debugging: "Debug",
          Testing: "Case",
          Integrations: "Integrations"
        ] do
      {title, ~r/^ElixirScope\.Distributed\.(#{names})(\.|$)/}
    end
  end
end

defmodule Mix.Tasks.Compile.ScopeNative do
  @moduledoc false

  # Builds the Rust core and puts it where the VM looks for it. It stands in this file because
  # it must exist before anything of lib/ is compiled, also when this project is a dependency;
  # and its name is long because the applications around it have compilers of their own.

  use Mix.Task.Compiler

  # Not the current folder: the paths hold wherever Mix is called from.
  @root __DIR__
  # The VM asks for `.so` on every Unix, macOS included.
  @library Path.join(@root, "priv/native/scope_nif.so")
  @owner ElixirScope.Distributed.Native
  @stubs Path.join(@root, "lib/elixir_scope/distributed/native.ex")

  # Always the release profile: priv/ is one folder for every MIX_ENV, so builds of several
  # profiles would overwrite one another, and nobody shall measure a debug build by mistake.
  # What is left out otherwise, as it is as much to compile again, is named in ELIXIR_SCOPE_FEATURES.
  # `--locked`: a dependency builds what was tested, never what came out since.
  @build ~w(build --release --locked --package scope_nif)
  @oldest_rust "1.91.0"

  @impl true
  def run(_args) do
    if in_use?() and changed?(@stubs, manifest()), do: ask_restart(), else: install(artifact())
  end

  @impl true
  def manifests, do: [manifest()]

  @impl true
  def clean do
    File.rm_rf!(Path.dirname(@library))
    File.rm(manifest())
  end

  defp artifact, do: ready_made(System.get_env("ELIXIR_SCOPE_NATIVE", "")) || cargo()

  defp ready_made(""), do: nil

  defp ready_made(path) do
    if File.regular?(path), do: path, else: Mix.raise(no_ready_made(path))
  end

  # Cargo alone judges what is stale: asking it costs a tenth of a second, a second opinion
  # would be wrong some day.
  defp cargo do
    check_rust()
    shown = ~w(--message-format json-render-diagnostics) ++ verbosity(File.exists?(@library))
    options = features(System.get_env("ELIXIR_SCOPE_FEATURES", "")) ++ shown

    # Only standard output is read: what cargo has to say goes to the terminal as it comes.
    case System.cmd("cargo", @build ++ options, cd: @root) do
      {report, 0} -> built(report)
      {_report, status} -> Mix.raise(build_failed(status))
    end
  end

  defp features(""), do: []
  defp features(names), do: ["--features", names]

  # The first build takes a minute and downloads: show it. Later ones speak up when they fail.
  defp verbosity(true = _built_before), do: ["--quiet"]
  defp verbosity(false), do: []

  # Cargo names the file: no guess of ours at target folders, triples and configuration files.
  defp built(report) do
    [_, path] = Regex.run(~r{"([^"]+/libscope_nif\.(?:so|dylib))"}, report)
    path
  end

  defp check_rust do
    System.find_executable("cargo") || Mix.raise(no_cargo())
    found = rust_version(System.get_env("RUSTC", "rustc"))
    if Version.compare(found, @oldest_rust) == :lt, do: Mix.raise(old_rust(found))
  end

  # In our folder, as a rust-toolchain file further up decides for cargo as well.
  defp rust_version(rustc) do
    {text, _status} = System.cmd(rustc, ["--version"], cd: @root, stderr_to_stdout: true)

    with [_, version] <- Regex.run(~r/^rustc (\S+)/m, text),
         do: version,
         else: (_ -> no_rustc(text))
  rescue
    ErlangError -> no_rustc("there is no #{rustc}")
  end

  defp install(path) do
    remember(@stubs)
    if changed?(path, @library), do: replace(path), else: {:noop, []}
  end

  # By rename: a running VM keeps the file it has mapped, a starting one sees a whole file, and
  # of two that install at the same time the later one wins.
  defp replace(path) do
    draft = "#{@library}.#{System.pid()}"
    File.mkdir_p!(Path.dirname(@library))
    File.cp!(path, draft)
    File.rename!(draft, @library)
    if in_use?(), do: Mix.shell().info("The native library changed: restart to use the new one")
    # Links priv/ into _build, which Mix did not do while there was none.
    Mix.Project.build_structure()
    {:ok, []}
  end

  defp in_use?, do: :erlang.module_loaded(@owner)

  defp changed?(source, copy), do: digest(source) != digest(copy)

  defp digest(path) do
    with {:ok, bytes} <- File.read(path), do: :erlang.md5(bytes)
  end

  # The VM does not load the library's module a second time, but Mix would delete the one it
  # has, and with it a running trace. So a copy of the stubs as they were compiled is kept.
  defp remember(stubs) do
    if changed?(stubs, manifest()) do
      File.mkdir_p!(Path.dirname(manifest()))
      File.cp(stubs, manifest())
    end
  end

  defp manifest, do: Path.join(Mix.Project.manifest_path(), "compile.scope_native")

  defp ask_restart do
    message = "#{Path.relative_to_cwd(@stubs)} changed: restart to compile and load it"
    Mix.shell().error(message)
    {:error, [diagnostic(message)]}
  end

  defp diagnostic(message) do
    %Mix.Task.Compiler.Diagnostic{
      compiler_name: "scope_native",
      file: @stubs,
      message: message,
      position: 0,
      severity: :error
    }
  end

  defp no_cargo do
    """
    ElixirScope's core is written in Rust, and there is no cargo on the PATH.
    Install Rust #{@oldest_rust} or later from https://rustup.rs and open a new shell,
    or set ELIXIR_SCOPE_NATIVE to a library that was built elsewhere.
    """
  end

  defp no_rustc(reason) do
    Mix.raise("""
    ElixirScope's core is written in Rust, and rustc does not run: #{String.trim(reason)}
    `rustup default stable` installs and chooses one.
    """)
  end

  defp old_rust(found) do
    """
    ElixirScope's core needs Rust #{@oldest_rust} or later; the rustc in use is #{found}.
    `rustup update stable` brings a new one. (Distributions' own packages are too old; a
    rust-toolchain file in a folder above, or RUSTUP_TOOLCHAIN, can choose an old one, too.)
    """
  end

  defp build_failed(status) do
    """
    ElixirScope's core was not built: `cargo #{Enum.join(@build, " ")}` ended with status \
    #{status}. What it said stands above. It needs a C compiler (gcc or clang) and, the first \
    time, access to crates.io.
    """
  end

  defp no_ready_made(path) do
    """
    ELIXIR_SCOPE_NATIVE names #{Path.expand(path)}, and there is no such file.
    Let it name a library that `cargo #{Enum.join(@build, " ")}` made, or unset it to build one here.
    """
  end
end
