defmodule ElixirScope.Distributed.Cluster.Audience do
  @moduledoc false
  # The processes that want to know of changes of the cluster. One that does not look at its
  # messages is told no more until it has, and then how much it missed: what waits for it is bounded,
  # as is their number.

  @most 256

  # Messages that may wait for a process, whoever sent them.
  @most_waiting 1_000

  defstruct listeners: %{}, missed: 0

  @type t :: %__MODULE__{
          listeners: %{pid => {monitor :: reference, missed :: non_neg_integer}},
          missed: non_neg_integer
        }

  @doc "An audience of these processes."
  @spec new([pid]) :: t
  def new(pids \\ []), do: %__MODULE__{listeners: Map.new(pids, &{&1, listener(&1)})}

  @doc "One more; who is in it already is in it once."
  @spec add(t, pid) :: {:ok, t} | :full
  def add(%{listeners: listeners} = audience, pid) when is_map_key(listeners, pid),
    do: {:ok, audience}

  def add(%{listeners: listeners} = audience, pid) when map_size(listeners) < @most,
    do: {:ok, put_in(audience.listeners[pid], listener(pid))}

  def add(_audience, _pid), do: :full

  @doc "It ended."
  @spec remove(t, pid) :: t
  def remove(audience, pid), do: update_in(audience.listeners, &Map.delete(&1, pid))

  @doc "Who is in it."
  @spec pids(t) :: [pid]
  def pids(audience), do: Map.keys(audience.listeners)

  @doc "Tells all of them of a change."
  @spec tell(t, map) :: t
  def tell(audience, change),
    do: Enum.reduce(audience.listeners, audience, &tell_one(&1, change, &2))

  @doc "Every bound with its value."
  @spec bounds(t) :: map
  def bounds(audience) do
    %{
      subscribers: map_size(audience.listeners),
      subscriber_limit: @most,
      subscriber_waiting: Enum.max(Enum.map(pids(audience), &waiting/1), fn -> 0 end),
      subscriber_waiting_limit: @most_waiting,
      changes_missed: audience.missed
    }
  end

  @doc "How many processes there may be."
  @spec limit() :: pos_integer
  def limit, do: @most

  defp tell_one({pid, {monitor, missed}}, change, audience) do
    if waiting(pid) < @most_waiting do
      if missed > 0, do: send(pid, {:cluster_change, %{type: :missed, changes: missed}})
      send(pid, {:cluster_change, change})
      put_in(audience.listeners[pid], {monitor, 0})
    else
      audience = put_in(audience.listeners[pid], {monitor, missed + 1})
      %{audience | missed: audience.missed + 1}
    end
  end

  # All are processes of this node.
  defp waiting(pid) do
    case Process.info(pid, :message_queue_len) do
      {:message_queue_len, waiting} -> waiting
      nil -> 0
    end
  end

  defp listener(pid), do: {Process.monitor(pid), 0}
end
