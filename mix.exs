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
      compilers: [:native] ++ Mix.compilers(),
      start_permanent: Mix.env() == :prod,
      # A tool that looks into other people's applications brings no versions of its own.
      deps: [],
      aliases: aliases(),
      preferred_cli_env: [precommit: :test],
      description: "See a whole BEAM cluster as one program",
      package: package(),
      source_url: @source
    ]
  end

  def application do
    [
      extra_applications: [:logger],
      mod: {ElixirScope.Distributed.Application, []}
    ]
  end

  defp elixirc_paths(:test), do: ["lib", "test/support"]
  defp elixirc_paths(_env), do: ["lib"]

  defp aliases do
    []
  end

  defp package do
    [
      licenses: ["Apache-2.0"],
      links: %{"Source" => @source}
    ]
  end
end

defmodule Mix.Tasks.Compile.Native do
  @moduledoc false
  use Mix.Task.Compiler

  @impl true
  def run(_args), do: {:noop, []}
end
