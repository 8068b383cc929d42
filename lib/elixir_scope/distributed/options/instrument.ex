defmodule ElixirScope.Distributed.Options.Instrument do
  @moduledoc false
  # The part of the schema that is read while an application is compiled.

  @recorded [
    args: [type: :boolean, default: true, doc: "the arguments, or only that there was a call"],
    returns: [
      type: {:in, [true, false, :force]},
      default: true,
      doc:
        "returns and exceptions; `:force` also of functions that call themselves in last position, " <>
          "for which they would otherwise be left out"
    ]
  ]

  @use [
         only: [
           type: {:or, [:functions, nil]},
           default: nil,
           doc: "these functions, of any arity or of one: `[:place, pay: 1]`"
         ],
         except: [type: :functions, default: [], doc: "not these, written like `only`"]
       ] ++ @recorded

  @function @recorded ++
              [
                entry: [
                  type: :boolean,
                  default: false,
                  doc: "each call is the beginning of a correlation of its own"
                ]
              ]

  @project [
             instrument: [
               type: {:or, [{:list, :any}, {:in, [false]}, nil]},
               default: nil,
               doc:
                 "modules and functions, written as for a trace; `false` also turns off what says " <>
                   "`use ElixirScope.Distributed.Instrument`"
             ],
             except: [type: {:list, :any}, default: [], doc: "not these, written the same way"]
           ] ++ @recorded

  @doc "What `use ElixirScope.Distributed.Instrument` takes."
  @spec of_use() :: keyword
  def of_use, do: @use

  @doc "What `@scope` takes."
  @spec of_function() :: keyword
  def of_function, do: @function

  @doc "What `elixir_scope:` in a mix.exs takes."
  @spec of_project() :: keyword
  def of_project, do: @project
end
