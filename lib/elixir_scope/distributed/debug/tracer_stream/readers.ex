defmodule ElixirScope.Distributed.Debug.TracerStream.Readers do
  @moduledoc false
  # Who wants to hear of changes. A reader asks from where it stands and is told once; then it
  # is quiet until it asks again. So one message is on its way to each, whatever it does with it,
  # and who lost one asks from where it still stands. Pure.
  #
  # Invariant: there are at most `limit` readers. `waiting` has those that asked and were not
  # told yet, each with its position.

  alias ElixirScope.Distributed.Debug.TracerStream.Log

  @enforce_keys [:limit]
  defstruct [:limit, monitors: %{}, waiting: %{}]

  @type t :: %__MODULE__{
          limit: pos_integer,
          monitors: %{pid => reference},
          waiting: %{pid => Log.position() | nil}
        }

  @spec new(pos_integer) :: t
  def new(limit), do: %__MODULE__{limit: limit}

  @doc "A reader asks; one that is new here is monitored by `monitor`."
  @spec ask(t, pid, Log.position() | nil, (pid -> reference)) :: {:ok, t} | :full
  def ask(readers, pid, position, _monitor) when is_map_key(readers.monitors, pid),
    do: {:ok, %{readers | waiting: Map.put(readers.waiting, pid, position)}}

  def ask(%{limit: limit} = readers, _pid, _position, _monitor)
      when map_size(readers.monitors) >= limit,
      do: :full

  def ask(readers, pid, position, monitor) do
    readers = %{readers | monitors: Map.put(readers.monitors, pid, monitor.(pid))}
    ask(readers, pid, position, monitor)
  end

  @doc "What is due to those that wait, by where they stand."
  @spec due(t, Log.t()) :: [{pid, {:changes, Log.position(), [Log.change()]} | :everything}]
  def due(readers, log) do
    positions = readers.waiting |> Map.values() |> Enum.uniq()
    lacking = Map.new(positions, &{&1, lacking(Log.since(log, &1), &1)})
    for {pid, position} <- readers.waiting, due = lacking[position], do: {pid, due}
  end

  defp lacking(:current, _position), do: nil
  defp lacking({:changes, changes}, position), do: {:changes, position, changes}
  defp lacking(:everything, _position), do: :everything

  @doc "A reader was told."
  @spec told(t, pid) :: t
  def told(readers, pid), do: %{readers | waiting: Map.delete(readers.waiting, pid)}

  @doc "A reader is gone; with the monitor that it had."
  @spec forget(t, pid) :: {reference | nil, t}
  def forget(readers, pid) do
    {monitor, monitors} = Map.pop(readers.monitors, pid)
    {monitor, %{told(readers, pid) | monitors: monitors}}
  end
end
