defmodule ElixirScope.Distributed.Storage do
  @moduledoc """
  Where a scope keeps its events.

  The native store, `ElixirScope.Distributed.Storages.Native`, keeps them as
  compressed blocks; a query sees what was recorded before it began.
  """

  alias ElixirScope.Distributed.Event

  @type t :: term
  @type matches :: matches([Event.t()])

  @typedoc "What was found, in one form or another: how many events it is, and what is missing."
  @type matches(found) :: %{
          events: found,
          count: non_neg_integer,
          dropped: non_neg_integer,
          more?: boolean
        }

  @doc "The events that match a checked filter, in stamp order."
  @callback query(t, filter :: keyword) :: {:ok, matches} | {:error, term}

  @doc "Every bound of the store with its limit and its present value."
  @callback status(t) :: map
end
