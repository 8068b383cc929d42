defmodule ElixirScope.Distributed.Synchronizer do
  @moduledoc """
  What a scope needs of its synchronizer; the default is
  `ElixirScope.Distributed.EventSynchronizer`.

      ElixirScope.Distributed.start_link(name: :shop, synchronizer: MyApp.AtNight)

  A synchronizer brings events of other members here, and ours to them. Most others change
  when, or with whom, the default one does that, and start it inside:
  `ElixirScope.Distributed.Part` says how.

  It also keeps the time of the scope: once in every round, at least every thirty seconds, it
  tells the clock of the members, by `ElixirScope.Distributed.GlobalClock.tick/2`.

  What `EventSynchronizer` offers by the name of a scope asks that scope's synchronizer.
  `ElixirScope.Distributed.Case.SynchronizerContract` tests any synchronizer for what is promised here.
  """

  alias ElixirScope.Distributed.{EventSynchronizer, Part, Types.EventSyncMessage}

  @doc "Starts the synchronizer's process, linked to the caller."
  @callback start_link(keyword) :: GenServer.on_start()

  @doc """
  From now on these are the members, without this node; `keepers` are those of them that keep
  copies for others. Never waits.
  """
  @callback members(Part.name(), [node], keepers :: [node]) :: :ok

  @doc """
  Exchanges with these members, or with `:all`, until `timeout_ms` is over: each has an answer then,
  what was exchanged or why nothing was.
  """
  @callback exchange(Part.name(), :all | [node], timeout_ms :: pos_integer) ::
              {:ok, %{node => EventSynchronizer.summary() | {:error, term}}}

  @doc "Takes what the synchronizer of another member sent with `Part.send/3`; never waits."
  @callback deliver(Part.name(), from :: node, EventSyncMessage.t()) :: :ok

  @doc "The same, and waits until the batch was taken in, or refused."
  @callback take_in(Part.name(), EventSyncMessage.t()) :: :ok | {:error, term}

  @doc "Every bound of the exchange with its present value, for `status/0`."
  @callback describe(Part.name()) :: map
end
