defmodule ElixirScope.Distributed.TimeTravel.Change do
  @moduledoc """
  One change of a value in the state of a process.

    * `path` - where;
    * `old`, `new` - `{:ok, value}`, `:none` where there was nothing, or `:unknown` where that was not
      captured: before the first state, or cut by a budget;
    * `event`, `at`, `callback` - the end of the callback that left it so;
    * `message` - what that callback was handling: its `kind` (`:call`, `:cast`, `:info`, `:continue`,
      `:init`, of machines also `:enter`, `:internal`, `:state_timeout`, …), its `content`, `from` whom, the
      ids of its `receive` and of its `sent` event, and its `confidence`; `nil` where nothing is known of it;
    * `correlation_id` - the request that it belongs to;
    * `seen` - `false` where the state was found changed: what changed it came between two callbacks,
      and was not captured (`:sys.replace_state/2`, or what was lost). `event` is the next call then.

  The confidence is `:exact` where the callback's own call was captured, as its module was traced,
  `:likely` where the order of the captured messages says it, and `:ambiguous` where it can be any of
  several; then there is no content.
  """

  alias ElixirScope.Distributed.Event
  alias ElixirScope.Distributed.TimeTravel.{Path, Turn}
  alias ElixirScope.Distributed.Types.GlobalTimestamp

  defstruct [:path, :old, :new, :event, :at, :callback, :message, :correlation_id, seen: true]

  @type id :: {Event.origin(), pos_integer}
  @type t :: %__MODULE__{
          path: [term],
          old: Path.found(),
          new: Path.found(),
          event: id,
          at: GlobalTimestamp.t(),
          callback: mfa,
          message: map | nil,
          correlation_id: term,
          seen: boolean
        }

  @doc false
  # The changes of a value in turns that follow each other.
  @spec all([Turn.t()], Path.t()) :: [t]
  def all(turns, path) do
    {changes, _last} = Enum.flat_map_reduce(turns, :unknown, &of_turn(&1, &2, path))
    changes
  end

  defp of_turn(turn, last, path) do
    before = with :unknown <- at(turn.before, path), do: last
    left = if turn.left == :none, do: before, else: at(turn.left, path)
    {unseen(turn, path, last, before) ++ seen(turn, path, before, left), left}
  end

  defp at({:ok, state}, path), do: Path.fetch(state, path)
  defp at(:unknown, _path), do: :unknown

  defp unseen(_turn, _path, same, same), do: []
  defp unseen(_turn, _path, :unknown, _before), do: []

  defp unseen(turn, path, last, before),
    do: [%{new(turn.call, path, last, before) | message: nil, seen: false}]

  defp seen(_turn, _path, same, same), do: []

  defp seen(turn, path, before, left) do
    event = Turn.event(turn)

    [
      %{
        new(event, path, before, left)
        | message: shown(turn.message),
          correlation_id: correlation(turn)
      }
    ]
  end

  defp new(event, path, old, new) do
    fields = [path: path, old: old, new: new, event: event.id, at: event.at]
    struct!(__MODULE__, [callback: event.subject] ++ fields)
  end

  defp correlation(%{state: state, call: call}),
    do: Enum.find_value([state, call], &(&1 && &1.correlation_id))

  @doc false
  # What is told of a message.
  @spec shown(Turn.message() | nil) :: map | nil
  def shown(nil), do: nil

  def shown(message) do
    received = message.receive && message.receive.id

    message
    |> Map.take([:kind, :content, :from, :sent, :confidence])
    |> Map.put(:receive, received)
  end
end
