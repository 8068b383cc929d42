defmodule ElixirScope.Distributed.Options.Parts do
  @moduledoc false
  # The parts of a scope that can be replaced, in the one schema of all options.

  alias ElixirScope.Distributed.{Clock, EventSynchronizer, GlobalClock, Storage, Storages}
  alias ElixirScope.Distributed.{Synchronizer, Transport, Transports}

  @schema [
    transport: [
      type: {:implementation, Transport},
      default: Transports.ErlDist,
      doc: "how members talk"
    ],
    storage: [
      type: {:implementation, Storage},
      default: Storages.Native,
      doc:
        "where events are kept and questions are answered; beside another one the native store is what " <>
          "they come from"
    ],
    clock: [
      type: {:implementation, Clock},
      default: GlobalClock,
      doc: "what the stamps of other members are told to, and who says how far clocks are apart"
    ],
    synchronizer: [
      type: {:implementation, Synchronizer},
      default: EventSynchronizer,
      doc: "what brings the members' events together"
    ]
  ]

  @doc "The schema."
  @spec schema() :: keyword
  def schema, do: @schema
end
