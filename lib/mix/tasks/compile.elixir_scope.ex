defmodule Mix.Tasks.Compile.ElixirScope do
  @shortdoc "Instruments chosen modules as they are compiled"

  @moduledoc """
  Records the calls of chosen modules, as `ElixirScope.Distributed.Instrument` does, without a line
  in any of them. It is a compiler that stands before Elixir's, in the `mix.exs` of the application:

      def project do
        [
          app: :my_app,
          compilers: [:elixir_scope] ++ Mix.compilers(),
          elixir_scope: [instrument: ["MyApp.*", {MyAppWeb.Router, :call}], except: ["MyApp.Repo"]],
          ...
        ]
      end

  Options of `elixir_scope:`

  #{ElixirScope.Distributed.Options.docs(:project)}

  `mix.exs` and not `config/`, because every project has one when it is compiled, also where it is a
  dependency or part of an umbrella; there, each application chooses for itself. It may depend on
  the environment: `instrument: Mix.env() == :dev && ["MyApp.*"]`. When the choice changes, the
  application is compiled again. Without a choice nothing is done, and every module is what it would
  be without this compiler.

  Modules that `use ElixirScope.Distributed.Instrument` keep what they say there. Functions whose
  names begin with two underscores are left out, and so are protocols, Erlang modules and this
  library.
  """

  use Mix.Task.Compiler

  # In an umbrella, in each application that has it.
  @recursive true

  alias ElixirScope.Distributed.Capture.Instrument.{Core, Modules, Settings}

  @impl true
  def run(_arguments) do
    settings = Settings.read!()

    remember(
      :erlang.term_to_binary({Mix.Project.config()[:elixir_scope], Core.module_info(:md5)})
    )

    if settings, do: during_elixir(settings)
    {:noop, []}
  end

  @impl true
  def manifests, do: [manifest()]

  @impl true
  def clean, do: File.rm(manifest())

  # Only there: what is compiled later, such as tests, is not the application.
  defp during_elixir(settings) do
    Modules.start(settings)

    Mix.Task.Compiler.after_compiler(:elixir, fn result ->
      Modules.stop()
      result
    end)
  end

  # Elixir's compiler knows neither the choice nor what is made of it: where it is another one
  # than last time, it forgets what it has compiled.
  defp remember(choice) do
    if File.read(manifest()) != {:ok, choice} do
      Mix.Tasks.Compile.Elixir.clean()
      Enum.each(Mix.Tasks.Compile.Elixir.manifests(), &File.rm/1)
      File.mkdir_p!(Path.dirname(manifest()))
      File.write!(manifest(), choice)
    end
  end

  defp manifest, do: Path.join(Mix.Project.manifest_path(), "compile.elixir_scope")
end
