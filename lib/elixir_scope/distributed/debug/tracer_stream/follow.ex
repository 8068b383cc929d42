defmodule ElixirScope.Distributed.Debug.TracerStream.Follow do
  @moduledoc false
  # How far a subscriber was brought, and what of what comes is the next for it. Pure.

  alias ElixirScope.Distributed.Debug.TracerStream.{Log, Snapshot}

  defstruct [:position]

  @type t :: %__MODULE__{position: Log.position() | nil}

  @spec new() :: t
  def new, do: %__MODULE__{}

  @spec position(t) :: Log.position() | nil
  def position(follow), do: follow.position

  @doc "What to do with an update: give it on, ask from where it stands, or nothing."
  @spec take(t, tuple) :: {:deliver, t} | :ask | :ignore
  def take(%{position: position}, {_, :initial, version, %Snapshot{epoch: epoch}}) do
    # One that was asked for twice may come twice.
    if older?({epoch, version}, position),
      do: :ignore,
      else: {:deliver, %__MODULE__{position: {epoch, version}}}
  end

  def take(%{position: {epoch, from}}, {_, :incremental, version, %{epoch: epoch, from: from}}),
    do: {:deliver, %__MODULE__{position: {epoch, version}}}

  def take(_follow, {_, :incremental, _version, _does_not_follow}), do: :ask

  defp older?({epoch, version}, {epoch, now}), do: version <= now
  defp older?(_one, _other), do: false
end
