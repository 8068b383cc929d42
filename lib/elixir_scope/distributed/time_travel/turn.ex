defmodule ElixirScope.Distributed.TimeTravel.Turn do
  @moduledoc false
  # One callback of a process, from its call to the state that it left: as far as either was
  # captured. `rule` says which callback it is (`Capture.State`).

  alias ElixirScope.Distributed.{Capture, Event}

  defstruct [:rule, :call, :state, :message, before: :unknown, left: :none]

  @typedoc """
  What was handled: the content as the callback got it, `from` whom, the `receive` that brought it and
  the event of its `send`, as far as known. `confidence` is `:exact` where the callback's own call says so,
  `:likely` where the order of what was received does, and `:ambiguous` where it could be several: then
  there is no content.
  """
  @type message :: %{
          kind: atom | {atom, term},
          content: term,
          from: term,
          reply_to: term,
          receive: Event.t() | nil,
          sent: term,
          confidence: :exact | :likely | :ambiguous
        }

  @type t :: %__MODULE__{
          rule: Capture.State.rule() | nil,
          call: Event.t() | nil,
          state: Event.t() | nil,
          message: message | nil,
          before: {:ok, term} | :unknown,
          left: {:ok, term} | :none
        }

  @doc "The event that stands for it."
  @spec event(t) :: Event.t()
  def event(%{state: nil, call: call}), do: call
  def event(%{state: state}), do: state

  @doc "What was called."
  @spec callback(t) :: mfa
  def callback(turn), do: event(turn).subject
end
