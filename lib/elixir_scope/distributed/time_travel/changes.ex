defmodule ElixirScope.Distributed.TimeTravel.Changes do
  @moduledoc """
  The changes of a value, and what is known to be missing of them.

    * `changes` - oldest first, each a `ElixirScope.Distributed.TimeTravel.Change`;
    * `states`, `turns` - how many states were compared, and how many callbacks they were left by;
    * `missing`, `dropped`, `expired`, `more?` - as in `ElixirScope.Distributed.Query.Result`: of the
      events of the process.
  """

  alias ElixirScope.Distributed.TimeTravel.{Change, Past}

  defstruct changes: [], states: 0, turns: 0, missing: %{}, dropped: 0, expired: 0, more?: false

  @type t :: %__MODULE__{
          changes: [Change.t()],
          states: non_neg_integer,
          turns: non_neg_integer,
          missing: %{node => term},
          dropped: non_neg_integer,
          expired: non_neg_integer,
          more?: boolean
        }

  @doc false
  @spec of(Past.t(), [term]) :: t
  def of(past, path) do
    known = Map.take(past.about, [:missing, :dropped, :expired, :more?])
    states = Enum.count(past.turns, & &1.state)
    changes = Change.all(past.turns, path)
    struct!(%__MODULE__{changes: changes, states: states, turns: length(past.turns)}, known)
  end
end
