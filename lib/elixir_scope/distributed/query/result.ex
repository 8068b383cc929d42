defmodule ElixirScope.Distributed.Query.Result do
  @moduledoc """
  What a query found, and what is known to be missing from it.

    * `events` - in stamp order, the same on every node;
    * `nodes` - the members that were asked, this node included;
    * `missing` - who did not answer: `%{node => reason}`, where the reason is
      `{:node_unavailable, node}`, `:distributed_timeout` or `{:distributed_exit, reason}` with why it
      does not answer: `:not_allowed` (its options `allow:` and `serve:` show its
      events to nobody), `:busy`, `:not_a_member`,
      `:malformed` (either side cannot read the other), `:failed`, `:too_much` (it has more starts of
      nodes than it can tell of) or `{:storage, reason}` (the storage that was plugged into this node
      does not answer, or is `:not_read` for this form of an answer). Who failed while others have all that it should have given is not missing;
    * `dropped` - how many events were lost before they could be stored, as far as the
      `:gap` events in the range say, or could not be read back; those that a trace left out,
      as more came than it may record, are among them;
    * `expired` - how many events at most are gone from the middle: retention took them everywhere
      though older ones of the same node are still there, or after the cursor of `after:`;
    * `more?` - whether `limit` cut the result;
    * `cursor` - where to go on with the option `after:`, on whichever node.
  """

  alias ElixirScope.Distributed.{Error, Event}
  alias ElixirScope.Distributed.Query.{Cursor, Survey}

  @enforce_keys [:events, :nodes]
  defstruct [:events, :nodes, :cursor, missing: %{}, dropped: 0, expired: 0, more?: false]

  @type t :: t([Event.t()])

  @typedoc "A result whose events may be in another form, such as the lines of an export."
  @type t(found) :: %__MODULE__{
          events: found,
          nodes: [node],
          missing: %{node => term},
          dropped: non_neg_integer,
          expired: non_neg_integer,
          more?: boolean,
          cursor: Cursor.t() | nil
        }

  @doc false
  # Of those who were asked.
  @spec of(Survey.t(), found) :: t(found) when found: term
  def of(survey, found),
    do: %__MODULE__{events: found, nodes: survey.members, missing: survey.missing}

  @doc """
  Whether something is known to be missing.

      iex> ElixirScope.Distributed.Query.Result.partial?(%ElixirScope.Distributed.Query.Result{events: [], nodes: [], dropped: 3})
      true
  """
  @spec partial?(t(term)) :: boolean
  def partial?(result),
    do: result.missing != %{} or result.dropped > 0 or result.expired > 0

  @doc false
  # How many members must have answered.
  @spec require(t(found), :all | :majority | :any) :: {:ok, t(found)} | {:error, Error.t()}
        when found: term
  def require(result, :any), do: {:ok, result}
  def require(%{missing: missing} = result, :all) when missing == %{}, do: {:ok, result}
  def require(result, :all), do: {:error, Error.new(:nodes_missing, missing: result.missing)}

  def require(result, :majority) do
    if map_size(result.missing) * 2 < length(result.nodes),
      do: {:ok, result},
      else: {:error, Error.new(:nodes_missing, missing: result.missing)}
  end

  @doc false
  def measure(result, events, duration) do
    %{
      duration: duration,
      events: events,
      missing: map_size(result.missing),
      dropped: result.dropped
    }
  end
end
