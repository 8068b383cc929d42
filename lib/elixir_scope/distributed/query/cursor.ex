defmodule ElixirScope.Distributed.Query.Cursor do
  @moduledoc false
  # A place in the order of all events: that of an event, which is the same on every node. What
  # comes behind it can be asked for, whoever is asked.

  alias ElixirScope.Distributed.Event
  alias ElixirScope.Distributed.Query.Wire
  alias ElixirScope.Distributed.Types.GlobalTimestamp

  @type t :: {GlobalTimestamp.t(), Event.origin(), seq :: non_neg_integer}

  @doc "The place of an event; where something is missing, of the last one before."
  @spec of(Event.t()) :: t | nil
  def of(%Event{id: nil, meta: meta}), do: meta[:cursor]
  def of(%Event{id: {origin, seq}, at: at}), do: {at, origin, seq}

  @doc "The place that was given as one, or as an event."
  @spec read(t | Event.t() | nil) :: t | nil
  def read(%Event{} = event), do: of(event)
  def read(cursor_or_nil), do: cursor_or_nil

  @doc "Whether it is a place, or an event."
  @spec valid?(term) :: boolean
  def valid?(%Event{id: nil, meta: %{cursor: cursor}}), do: cursor == nil or valid?(cursor)
  def valid?(%Event{id: {origin, seq}, at: at}), do: valid?({at, origin, seq})

  def valid?({{logical, ns, node}, {recorder, incarnation}, seq}) do
    is_atom(node) and is_atom(recorder) and logical in 0..255 and
      Enum.all?(
        [ns, incarnation, seq],
        &(is_integer(&1) and &1 >= 0 and &1 < 0x10000000000000000)
      )
  end

  def valid?(_other), do: false

  @doc "The same as the core writes it."
  @spec native(t | nil) :: Wire.cursor() | nil
  def native(nil), do: nil

  def native({{logical, ns, _node}, {node, incarnation}, seq}),
    do: {logical, ns, Atom.to_string(node), incarnation, seq}
end
