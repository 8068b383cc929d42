defmodule ElixirScope.Distributed.Capture.Instrument.Settings do
  @moduledoc false
  # What a project says about instrumenting: `elixir_scope:` in its mix.exs. Not the application
  # environment: that is not there for an application that is compiled as a dependency, and it would
  # promise that one can still change the choice where the code runs.

  alias ElixirScope.Distributed.Capture.Pattern
  alias ElixirScope.Distributed.Options

  @type t :: %{patterns: [Pattern.t()], except: [Pattern.t()], options: keyword}

  @doc "Whether modules that `use` instrumenting get it: they do unless the project says no."
  @spec on?() :: boolean
  def on?, do: project()[:instrument] != false

  @doc "What the current project wants done to modules that say nothing; `nil` for nothing."
  @spec read!() :: t | nil
  def read!, do: settings!(project())

  @doc "The same, of a project's `elixir_scope:`."
  @spec settings!(keyword) :: t | nil
  def settings!(project) do
    options = Options.validate!(:project, project)

    if options[:instrument] do
      %{
        patterns: patterns!(options[:instrument]),
        except: patterns!(options[:except]),
        options: Keyword.take(options, [:args, :returns])
      }
    end
  end

  @doc "Options as they are written in a module that is compiled: wrong ones are its errors."
  @spec checked!(atom, keyword, Macro.Env.t()) :: keyword
  def checked!(schema, options, env) do
    case Options.validate(schema, options) do
      {:ok, options} ->
        options

      {:error, message} ->
        wrong!(env, message)
    end
  end

  @doc "Ends the compilation with what is wrong, and where."
  @spec wrong!(Macro.Env.t(), String.t()) :: no_return
  def wrong!(env, message),
    do: raise(CompileError, file: env.file, line: env.line, description: message)

  # Where there is no Mix, nothing is said.
  defp project do
    if Code.ensure_loaded?(Mix.Project) and Mix.Project.get(),
      do: Mix.Project.config()[:elixir_scope] || [],
      else: []
  end

  defp patterns!([]), do: []

  defp patterns!(written) do
    case Pattern.parse(written) do
      {:ok, patterns} -> Enum.map(patterns, &without_head!/1)
      {:error, error} -> raise error
    end
  end

  # While a module is compiled there are no calls whose arguments one could look at.
  defp without_head!(%Pattern{head: :_, return: false} = pattern), do: pattern

  defp without_head!(pattern) do
    raise ArgumentError,
          "elixir_scope: instrument: takes modules and functions, not calls: " <>
            "#{inspect(pattern.module)}.#{pattern.function}"
  end
end
