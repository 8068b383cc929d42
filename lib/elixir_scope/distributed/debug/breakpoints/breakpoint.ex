defmodule ElixirScope.Distributed.Debug.Breakpoints.Breakpoint do
  @moduledoc """
  A breakpoint on one node, as it stands there.

    * `id` - the same on all nodes on which it was set with one call;
    * `where` - as it was written; `module`, `function`, `arity`, `line` - where that is now;
    * `verified` - `true`, `{false, reason}`, or `:pending` (the node is not there at the moment);
    * `kind` - `:line`, `:function` or `:log`;
    * `how` - `:interpreted`, or `:traced` for a log point that needs no interpretation;
    * `condition`, `hit`, `log` - as they were written;
    * `hits` - how often it was passed with its condition met;
    * `left_out` - `{module, reason}` of what is not interpreted for it, though it is needed there; see
      `ElixirScope.Distributed.Debug.DependencyService.Result`.
  """

  @derive {Inspect, only: [:id, :where, :node, :module, :line, :verified, :kind, :how, :hits]}
  defstruct [:id, :where, :node, :module, :function, :arity, :line, :condition, :hit, :log] ++
              [verified: :pending, kind: :line, how: :interpreted, hits: 0, left_out: []]

  @type where ::
          {Path.t(), pos_integer} | {module, pos_integer} | {module, atom, arity} | String.t()
  @type t :: %__MODULE__{
          id: pos_integer,
          where: where,
          node: node,
          module: module | nil,
          function: atom,
          arity: arity | nil,
          line: pos_integer | nil,
          verified: true | {false, term} | :pending,
          kind: :line | :function | :log,
          how: :interpreted | :traced,
          condition: String.t() | nil,
          hit: String.t() | nil,
          log: String.t() | nil,
          hits: non_neg_integer,
          left_out: [{module, atom}]
        }

  @doc false
  # What was wished for, where it was found.
  def of(wish, named, found) do
    %__MODULE__{
      id: wish.id,
      where: wish.where,
      node: node(),
      module: named.module,
      function: found.function,
      arity: found.arity,
      line: found.line,
      verified: true,
      kind: kind(wish, named),
      how: if(found[:tracer], do: :traced, else: :interpreted)
    }
    |> Map.merge(wish.written)
  end

  defp kind(%{log: log}, _named) when log != nil, do: :log
  defp kind(_wish, %{function: nil}), do: :line
  defp kind(_wish, _named), do: :function
end
