defmodule ElixirScope.Distributed.Clock do
  @moduledoc """
  What a scope needs of its clock; the default is `ElixirScope.Distributed.GlobalClock`.

      ElixirScope.Distributed.start_link(name: :shop, clock: {MyApp.Clock, reference: :ptp})

  Events are stamped in the native core as they are recorded, whatever the clock. The clock is what
  the members' stamps are told to, which judges them, and which says how far the clocks of two nodes
  are apart. `ElixirScope.Distributed.Part` says how its process is started.

  What `GlobalClock` offers by the name of a scope asks that scope's clock.
  `ElixirScope.Distributed.Case.ClockContract` tests any clock for what is promised here.
  """

  alias ElixirScope.Distributed.{Error, Part}
  alias ElixirScope.Distributed.Types.{GlobalClockUpdate, GlobalTimestamp}

  @doc "Starts the clock's process, linked to the caller."
  @callback start_link(keyword) :: GenServer.on_start()

  @doc "The present moment: never before one that was read earlier. Called often."
  @callback read(Part.name()) :: GlobalTimestamp.t()

  @doc """
  Hears of a stamp, which `from`'s message brought, or somebody on this node, `nil`. Either
  what is read from now on is later, or the stamp is refused. Called in the transport's process,
  for every message.
  """
  @callback observe(Part.name(), from :: node | nil, GlobalTimestamp.t()) ::
              :ok | {:error, Error.t()}

  @doc "Takes what the clock of another member sent with `Part.send/3`; never waits."
  @callback deliver(Part.name(), from :: node, GlobalClockUpdate.t()) :: :ok

  @doc "The periodic round: these are the members, ask them what they have to be asked. Never waits."
  @callback exchange(Part.name(), [node]) :: :ok

  @doc "How far the clock of `node` is ahead, and how uncertain that is, in nanoseconds."
  @callback measured(Part.name(), node) ::
              {:ok, {offset_ns :: integer, uncertainty_ns :: non_neg_integer}}
              | {:error, Error.t()}

  @doc "What the clock is and how it stands, for `status/0`; `quarantined` are those it does not follow."
  @callback describe(Part.name()) :: %{
              required(:quarantined) => [node],
              optional(atom) => term
            }
end
