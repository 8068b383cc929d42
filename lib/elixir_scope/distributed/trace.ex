defmodule ElixirScope.Distributed.Trace do
  @moduledoc """
  A running trace, as `ElixirScope.Distributed.trace/2` returns it.

    * `id` - its number: `stop_trace/1` takes it, and `meta.traces` of an event names it;
    * `nodes` - where it runs;
    * `matched` - how many functions it watches on each of them;
    * `refused` - the nodes that did not take it, each with its error;
    * `budgets` - what it may use on each node before it ends by itself.
  """

  @enforce_keys [:id, :nodes, :matched, :refused, :budgets]
  defstruct @enforce_keys

  @type t :: %__MODULE__{
          id: pos_integer,
          nodes: [node],
          matched: %{node => non_neg_integer},
          refused: %{node => ElixirScope.Distributed.Error.t()},
          budgets: map
        }
end
