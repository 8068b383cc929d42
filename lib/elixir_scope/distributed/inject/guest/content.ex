defmodule ElixirScope.Distributed.Inject.Guest.Content do
  @moduledoc false
  # What of an event is told: nothing of functions that are secret, of the rest what there is room for.

  alias ElixirScope.Distributed.Inject.Guest.{Bound, Reading, Secrets}

  @typedoc """
  Room for arguments and returns, and for messages; `nil` tells nothing of them. `reasons` is that of why
  something ended, which is told in any case.
  """
  @type rooms :: %{
          required(:arguments) => Bound.room() | nil,
          required(:messages) => Bound.room() | nil,
          optional(:reasons) => Bound.room()
        }

  @doc "The raw event with bounded data, and whether anything was cut."
  @spec bounded(Reading.raw(), rooms, Secrets.rules()) :: {Reading.raw(), cut? :: boolean}
  def bounded({ns, pid, kind, subject, data, ends?}, rooms, rules) do
    {data, cut?} = data(kind, subject, data, rooms, rules)
    {{ns, pid, kind, subject, data, ends?}, cut?}
  end

  defp data(_kind, _subject, nil, _rooms, _rules), do: {nil, false}

  defp data(:exception, subject, {class, reason}, rooms, rules) do
    {reason, cut?} = data(:reason, subject, reason, rooms, rules)
    {{class, reason}, cut?}
  end

  defp data(kind, _subject, _message, %{messages: nil}, _rules) when kind in [:send, :receive],
    do: {nil, false}

  defp data(kind, _subject, message, %{messages: room}, rules) when kind in [:send, :receive],
    do: Bound.term(message, room, rules, true)

  defp data(kind, subject, data, rooms, rules) do
    cond do
      Secrets.function?(rules, subject) -> {Bound.hidden(), false}
      rooms.arguments == nil and kind in [:call, :return] -> {nil, false}
      true -> Bound.term(data, room(rooms), rules, false)
    end
  end

  defp room(%{arguments: nil, reasons: room}), do: room
  defp room(%{arguments: room}), do: room
end
