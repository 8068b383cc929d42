defmodule ElixirScope.Distributed.Query.Result do
  @moduledoc """
  What a query found, and what is known to be missing from it.

    * `events` - in stamp order, the same on every node;
    * `nodes` - the members that were asked, this node included;
    * `missing` - who did not answer: `%{node => reason}`, where the reason is
      `{:node_unavailable, node}`, `:distributed_timeout` or `{:distributed_exit, reason}`, where
      `:too_much` is the reason when a node has more than a question may bring here: ask for less time;
      and `:not_allowed` when a node shows its events to nobody, by its own options: name `:record` and `:query` in
      its `allow:`, and give it no `serve: :none`;
    * `dropped` - how many events were lost before they could be stored, as far as the
      `:gap` events in the range say, or could not be read back; those that a trace left out,
      as more came than it may record, are among them;
    * `expired` - how many events at most are gone though this node keeps such: retention took them
      everywhere before they could come here;
    * `more?` - whether `limit` cut the result.
  """

  alias ElixirScope.Distributed.{Error, Event}

  @enforce_keys [:events, :nodes]
  defstruct [:events, :nodes, missing: %{}, dropped: 0, expired: 0, more?: false]

  @type t :: t([Event.t()])

  @typedoc "A result whose events may be in another form, such as the lines of an export."
  @type t(found) :: %__MODULE__{
          events: found,
          nodes: [node],
          missing: %{node => term},
          dropped: non_neg_integer,
          expired: non_neg_integer,
          more?: boolean
        }

  @doc false
  def new(local, others, missing, matches, expired \\ 0) do
    %__MODULE__{
      events: matches.events,
      nodes: Enum.sort([local | others]),
      missing: missing,
      dropped: matches.dropped,
      expired: expired,
      more?: matches.more?
    }
  end

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
