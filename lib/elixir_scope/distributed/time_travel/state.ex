defmodule ElixirScope.Distributed.TimeTravel.State do
  @moduledoc """
  The state that a process had, as far as it was captured.

    * `state` - of a server and an agent its state, of a `gen_statem` `{state, data}`. What could not be
      captured whole stands there as `%ElixirScope.Distributed.Opaque{}`;
    * `event`, `at` - the event that says so: the end of the callback which left this state;
    * `callback` - that callback;
    * `correlation_id` - where the process itself was in one, as with `with_correlation/2`; what came with
      the message, `changes/3` tells;
    * `truncated?` - whether a budget cut the state;
    * `unsure_since` - from when on it may have been another one, unseen, and `unsure` why; `nil` where
      nothing is known that speaks against it;
    * `ended` - when the process had ended by then, as far as that was captured;
    * `missing`, `dropped` - who did not answer, and how many events of that node were lost
      between the state and the time asked for.

  The reasons in `unsure` are `{:gap, event_id}` where events were lost or left out, `{:not_traced, event_id}`
  where the last trace that captured this state had ended, and `{:missing, node, reason}` where the node
  of the process did not answer, so that what is here is what others have.
  """

  alias ElixirScope.Distributed.Event
  alias ElixirScope.Distributed.Types.GlobalTimestamp

  defstruct [:pid, :state, :event, :at, :callback, :correlation_id, :unsure_since, :ended] ++
              [truncated?: false, unsure: [], missing: %{}, dropped: 0]

  @type reason ::
          {:gap, {Event.origin(), pos_integer}}
          | {:not_traced, {Event.origin(), pos_integer}}
          | {:missing, node, term}
  @type t :: %__MODULE__{
          pid: pid,
          state: term,
          event: {Event.origin(), pos_integer},
          at: GlobalTimestamp.t(),
          callback: mfa | nil,
          correlation_id: term,
          truncated?: boolean,
          unsure_since: GlobalTimestamp.t() | nil,
          unsure: [reason],
          ended: GlobalTimestamp.t() | nil,
          missing: %{node => term},
          dropped: non_neg_integer
        }
end
