defmodule ElixirScope.Distributed.Debug.Adapter.Capabilities do
  @moduledoc false
  # What the adapter says of itself when it is greeted. A test holds each of these against what it does.

  @filters [
    {"uncaught", "Uncaught exceptions",
     "Stops a process that runs interpreted code where it raised what ends it"}
  ]

  @able ~w(supportsConfigurationDoneRequest supportsFunctionBreakpoints supportsConditionalBreakpoints
           supportsHitConditionalBreakpoints supportsEvaluateForHovers supportsLogPoints
           supportsTerminateRequest supportTerminateDebuggee supportsDelayedStackTraceLoading
           supportsExceptionInfoRequest supportsCancelRequest supportsBreakpointLocationsRequest)

  @doc "What is claimed, by name."
  @spec able() :: [String.t()]
  def able, do: @able

  @doc "The names of the exception filters."
  @spec filters() :: [String.t()]
  def filters, do: for({name, _label, _description} <- @filters, do: name)

  @doc "The body of the answer to `initialize`."
  @spec body() :: map
  def body do
    @able
    |> Map.new(&{&1, true})
    |> Map.put(:exceptionBreakpointFilters, Enum.map(@filters, &filter/1))
  end

  defp filter({name, label, description}),
    do: %{
      filter: name,
      label: label,
      description: description,
      default: false,
      supportsCondition: false
    }
end
