defmodule ElixirScope.Distributed.Debug.DependencyService.Result do
  @moduledoc """
  An answer of `ElixirScope.Distributed.Debug.DependencyService`, and of what it is the answer.

  What was not asked for is `nil` or empty.

    * `target_module` - the module in question; for a line, the one that has code there,
    * `at` - for a line, what `ElixirScope.Distributed.Debug.Lines.at/2` says of it,
    * `direct_dependencies`, `reverse_dependencies` - what it needs, and who needs it, by name,
    * `transitive_dependencies` - what it needs at one step, at two and so on,
    * `interpretation_candidates` - what a debugger should interpret; all of it can be,
    * `left_out` - `{module, reason}` of what it might have been and is not: see below,
    * `path` - why one module needs the other,
    * `cycles`, `affected` - modules that need one another; what a change comes to,
    * `strategy` - how the candidates were chosen,
    * `source` - `:service` (asked of another node), `:local` (found on this one), `:cache` (an earlier
      answer of a node that cannot be reached now),
    * `node`, `version` - who found it, and of which version of the graph it is the answer: `{epoch, version}`.
      An answer of the cache is exactly what that node said, or would have said, at that version.

  Reasons to leave a module out are `:nif`, `:sticky`, `:kernel`, `:this_library`, `:no_debug_info` and
  `:no_beam`, with which it cannot be interpreted; `:standard_library`, with which it should not;
  `:not_reached` (the module needs it, the function does not), `:farther` (a wider strategy has it) and
  `:too_many` (there are more functions than are looked through).
  """

  @enforce_keys [:target_module]
  defstruct [
    :target_module,
    :at,
    :strategy,
    :path,
    :affected,
    :source,
    :node,
    :version,
    direct_dependencies: [],
    reverse_dependencies: [],
    transitive_dependencies: [],
    interpretation_candidates: [],
    left_out: [],
    cycles: [],
    footprint: :all
  ]

  @type reason ::
          :nif
          | :sticky
          | :kernel
          | :this_library
          | :standard_library
          | :no_debug_info
          | :no_beam
          | :not_reached
          | :farther
          | :too_many

  @typedoc """
  `footprint` is what the answer rests on: the modules whose lists and code were read, and those of
  which it matters who needs them; `:all` of them.
  """
  @type t :: %__MODULE__{
          target_module: module | nil,
          at: map | nil,
          strategy: atom,
          path: [module] | nil,
          affected: %{recompiled: [module], reached: [module]} | nil,
          source: :service | :local | :cache | nil,
          node: node | nil,
          version: {integer, non_neg_integer} | nil,
          direct_dependencies: [module],
          reverse_dependencies: [module],
          transitive_dependencies: [[module]],
          interpretation_candidates: [module],
          left_out: [{module, reason}],
          cycles: [[module]],
          footprint: :all | %{of: [module], to: [module]}
        }
end
