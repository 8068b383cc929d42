defmodule ElixirScope.Distributed.Instrument do
  @moduledoc """
  Records the calls of a module's own functions: what they got, what they returned, how they failed.

      defmodule MyApp.Orders do
        use ElixirScope.Distributed.Instrument

        def place(order), do: MyApp.Repo.insert(order)

        @scope args: false
        def pay(card), do: MyApp.Bank.charge(card)

        @scope false
        defp total(lines), do: Enum.sum(lines)
      end

  A call becomes an event of kind `:call` with the arguments as its data, then one of kind `:return`
  with the value, or `:exception` with `{class, reason, stack}`, where `stack` is the top of the
  stack trace as `{module, function, arity, line}`. They cost a small part of what the VM's own
  tracing costs, and need neither a trace nor a budget: what is instrumented is always recorded. For
  whole applications, without a line in their modules, see `mix help compile.elixir_scope`.

  ## Options of `use`

  #{ElixirScope.Distributed.Options.docs(:instrument)}

  ## `@scope`

  It stands before a function's first clause and is for that function alone, whatever `only` and
  `except` say: `@scope true` chooses it, `@scope false` leaves it out, and a keyword list chooses
  it with

  #{ElixirScope.Distributed.Options.docs(:scope)}

  `use ElixirScope.Distributed.Instrument, only: []` records what has an `@scope` and nothing else.

  ## What it does to the code

  The compiled code is changed, not the source: clauses, guards, defaults, `rescue`, macros and
  `defoverridable` mean what they meant, and an exception goes on with the stack trace it had. Two
  things do change where returns are recorded.

    * A call in last position is no longer a tail call. It leaves a frame of its caller on the stack,
      which traces show, and memory until it returns. A function that calls itself in last position,
      also by way of other functions of its module, would grow for ever: of those, only calls are
      recorded, unless `returns: :force` says otherwise.
    * What no clause takes is not a call: there is no event of it, and the caller's `:exception`
      shows the `FunctionClauseError`.

  With `elixir_scope: [instrument: false]` in the `project/0` of `mix.exs` the compiled module is
  the one it would be without these lines.
  """

  alias ElixirScope.Distributed.Capture.Instrument.{Definitions, Settings}

  @doc false
  defmacro __using__(options) do
    quote do
      unquote(__MODULE__).__install__(__ENV__, unquote(options))
    end
  end

  @doc false
  # Runs while the module is compiled.
  def __install__(env, options) do
    options = Settings.checked!(:instrument, options, env)

    if Settings.on?(),
      do: Definitions.install(env.module, options),
      else: Definitions.ignore(env.module)
  end
end
