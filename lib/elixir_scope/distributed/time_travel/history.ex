defmodule ElixirScope.Distributed.TimeTravel.History do
  @moduledoc false
  # What a process did, turn by turn, from its events in stamp order: calls of its callbacks, the states
  # they left, and what it had received. Pure.
  #
  # Callbacks that call others of the same module leave a state for each: a call whose state comes
  # before the state of the one below it was made by that one, and is no turn. So calls are kept on a
  # stack; a state closes the topmost call of its function, and what is above that was part of it, or
  # is a turn of its own that left no state.

  alias ElixirScope.Distributed.{Capture, Event}
  alias ElixirScope.Distributed.Storage.Filter
  alias ElixirScope.Distributed.TimeTravel.{Callbacks, Handled, Machine, Turn}

  # Calls that are open at once: a machine that never changes its state leaves them open.
  @most_open 1_000

  @enforce_keys [:callbacks]
  defstruct [:callbacks, open: [], closed: [], received: []]

  @doc "The turns of a process, oldest first."
  @spec turns([Event.t()]) :: [Turn.t()]
  def turns(events) do
    callbacks = events |> Enum.filter(&(&1.kind == :state)) |> Callbacks.of()

    events
    |> Enum.reduce(%__MODULE__{callbacks: callbacks}, &take(&2, &1))
    |> finished()
    |> named()
  end

  defp take(history, %{kind: :receive} = event),
    do: %{history | received: Handled.received(history.received, event)}

  defp take(history, %{kind: :call} = event) do
    rule = Callbacks.rule(history.callbacks, event.subject)
    if rule && callback?(rule, event.data), do: open(history, rule, event), else: history
  end

  defp take(history, %{kind: :state} = event) do
    case Enum.find_index(history.open, &(&1.call.subject == event.subject)) do
      nil -> alone(history, event)
      at -> close(history, at, event)
    end
  end

  defp take(history, _other), do: history

  # Any function of three arguments could be a state.
  defp callback?({:gen_statem, {:state, _name}} = rule, arguments) when is_list(arguments),
    do: Capture.State.state_before(rule, arguments) != :none

  defp callback?(_rule, _arguments), do: true

  defp open(history, rule, event) do
    {message, received} = Handled.of(rule, event, history.received)
    turn = %Turn{rule: rule, call: event, message: message, before: before(rule, event.data)}
    bounded(%{history | received: received, open: [turn | history.open]})
  end

  defp before(rule, arguments) when is_list(arguments) do
    case Capture.State.state_before(rule, arguments) do
      {:state, state} -> {:ok, state}
      :none -> :unknown
    end
  end

  defp before(_rule, _not_captured), do: :unknown

  defp bounded(history) do
    case Enum.split(history.open, @most_open) do
      {_all, []} -> history
      {open, oldest} -> %{history | open: open, closed: oldest ++ history.closed}
    end
  end

  # What is above the call that ends here, and has ended before, was called by it.
  defp close(history, at, event) do
    {above, [turn | below]} = Enum.split(history.open, at)
    inside? = &(place(&1) > place(turn) and not is_nil(&1.state))
    closed = Enum.reject(history.closed, inside?)
    %{history | open: above ++ below, closed: [%{turn | state: event} | closed]}
  end

  defp alone(history, event) do
    rule = Callbacks.rule(history.callbacks, event.subject)
    {message, received} = Handled.likely(rule, history.received)
    turn = %Turn{rule: rule, state: event, message: message}
    %{history | received: received, closed: [turn | history.closed]}
  end

  defp finished(history),
    do: Enum.sort_by(history.open ++ history.closed, &place/1)

  defp place(turn), do: Filter.place(turn.call || turn.state)

  # Which state a machine stayed in, the turn before says.
  defp named(turns) do
    {turns, _last} = Enum.map_reduce(turns, :unknown, &name/2)
    turns
  end

  defp name(%{state: nil} = turn, last), do: {%{turn | before: known(turn.before, last)}, last}

  defp name(turn, last) do
    before = known(turn.before, last)
    left = {:ok, Machine.follow(turn.state, before)}
    {%{turn | before: before, left: left}, left}
  end

  defp known(:unknown, last), do: last
  defp known(before, _last), do: before
end
