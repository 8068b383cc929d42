defmodule ElixirScope.Distributed.Live.Figures do
  @moduledoc false
  # What `status/0` shows of subscriptions.

  alias ElixirScope.Distributed.Live.Window
  alias ElixirScope.Distributed.Options

  @doc "Of one."
  @spec of(map) :: map
  def of(subscription) do
    Map.merge(Window.status(subscription.window), %{
      subscriber: subscription.to,
      shown: subscription.shown,
      dropped: subscription.lost + subscription.window.dropped,
      queue: subscription.queue,
      queue_limit: subscription.options[:queue_limit],
      missing: subscription.told || []
    })
  end

  @doc "Of all, with every bound: where each has its own, the one that is fullest."
  @spec all([map], pos_integer) :: map
  def all(subscriptions, limit) do
    {events, bytes} = Window.limits()

    Map.merge(queue(subscriptions), %{
      subscriptions: subscriptions,
      limit: limit,
      used: length(subscriptions),
      held_limit: events,
      held: most(subscriptions, :held),
      byte_limit: bytes,
      bytes: most(subscriptions, :bytes),
      dropped: Enum.sum(Enum.map(subscriptions, & &1.dropped))
    })
  end

  # Each has its own limit.
  defp queue([]), do: %{queue: 0, queue_limit: Options.defaults(:subscribe)[:queue_limit]}

  defp queue(subscriptions),
    do:
      subscriptions
      |> Enum.max_by(&(&1.queue / &1.queue_limit))
      |> Map.take([:queue, :queue_limit])

  defp most(subscriptions, figure),
    do: subscriptions |> Enum.map(& &1[figure]) |> Enum.max(fn -> 0 end)
end
