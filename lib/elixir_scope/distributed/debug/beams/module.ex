defmodule ElixirScope.Distributed.Debug.Beams.Module do
  @moduledoc """
  What a BEAM file says of its module: see `ElixirScope.Distributed.Debug.Beams`.

  Where the file has no debug information, `debug_info?` is `false`: functions then have no lines and no
  calls, `structs` is empty, and `entries` are the modules of the import table, without places.
  """

  alias ElixirScope.Distributed.Debug.Graph

  @enforce_keys [:module, :md5]
  defstruct [
    :module,
    :md5,
    :file,
    :compiled_at,
    language: :erlang,
    behaviours: [],
    protocol?: false,
    impl: nil,
    structs: [],
    functions: [],
    entries: [],
    debug_info?: false
  ]

  @typedoc """
  `file` is the source as it was named to the compiler, `compiled_at` when the file was written (the compiler
  notes no time), `structs` the modules whose structs are made or matched, `impl` the protocol that is
  implemented and for what.
  """
  @type t :: %__MODULE__{
          module: module,
          md5: binary,
          file: String.t() | nil,
          compiled_at: DateTime.t() | nil,
          language: :elixir | :erlang,
          behaviours: [module],
          protocol?: boolean,
          impl: %{protocol: module, for: module} | nil,
          structs: [module],
          functions: [fun],
          entries: [Graph.entry()],
          debug_info?: boolean
        }

  @typedoc """
  A function, by the name that the VM knows: that of a macro is `:"MACRO-name"`, with one argument more.
  `file` is another one than the module's where a macro or an included file brought it. `clauses` are the
  lines of the heads, `lines` those with code in a body, ascending; calls are in the order of the
  source, those to functions of the same module included.
  """
  @type fun :: %{
          name: atom,
          arity: arity,
          kind: :def | :defp | :defmacro,
          file: String.t() | nil,
          first_line: non_neg_integer,
          last_line: non_neg_integer,
          clauses: [line],
          lines: [line],
          calls: [{callee, line}]
        }

  @typedoc "What is called; `:_` stands for what only shows at run time, as in `apply(Shop, name, arguments)`."
  @type callee :: {module, atom, arity | :_}

  @type line :: non_neg_integer
end
