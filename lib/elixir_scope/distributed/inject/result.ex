defmodule ElixirScope.Distributed.Inject.Result do
  @moduledoc """
  What `ElixirScope.Distributed.Inject.run/3` brought.

    * `events` - in the order of the node's clock;
    * `reason` - why it ended, and `message` the same in words;
    * `figures` - what was recorded there, how many messages the tracer looked at, and how much was
      dropped because this side was too slow: `nil` where the node could not tell any more;
    * `before`, `after` - what there was of it on the node: modules, old code, processes, names,
      tables, trace sessions or patterns and flags, monitors, waiting messages; `after` is
      `{:unknown, reason}` where the node could not be asked;
    * `equal?` - whether they are the same: nothing was left.
  """

  alias ElixirScope.Distributed.Capture.Governor
  alias ElixirScope.Distributed.Event

  @enforce_keys [:node, :events, :reason, :message, :before, :after, :equal?]
  defstruct [:figures | @enforce_keys]

  @type t :: %__MODULE__{
          node: node,
          events: [Event.t()],
          reason: atom,
          message: String.t(),
          figures: map | nil,
          before: map,
          after: map | {:unknown, term},
          equal?: boolean
        }

  @own %{
    tracer_killed: "what traces was killed, as the VM does where it takes too much memory",
    behind: "more came than the tracer could look at",
    connection_lost: "the connection to the node was lost: it takes everything away by itself",
    no_answer: "the node was not heard of for too long"
  }

  @doc """
  Why it ended, in words.

      iex> ElixirScope.Distributed.Inject.Result.message(%{reason: :rate, value: 2001, limit: 2000})
      "more events came in a second than it was allowed (2001, limit 2000)"
  """
  @spec message(%{reason: atom, value: number | nil, limit: number | nil}) :: String.t()
  def message(%{reason: :rate, value: value, limit: limit}),
    do: numbers("more events came in a second than it was allowed", value, limit)

  def message(%{reason: reason} = trip) when is_map_key(@own, reason),
    do: numbers(@own[reason], trip.value, trip.limit)

  def message(%{reason: reason, value: value, limit: limit}),
    do: numbers(Governor.message(reason), value, limit)

  defp numbers(text, _value, nil), do: text
  defp numbers(text, value, limit), do: "#{text} (#{value}, limit #{limit})"
end
