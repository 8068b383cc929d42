defmodule ElixirScope.Distributed.Capture.Sources.Telemetry do
  @moduledoc false
  # A handler of `:telemetry`, which belongs to the application: it is looked for, never required.

  alias ElixirScope.Distributed.Capture.{Recorder, Sources}

  @compile {:no_warn_undefined, :telemetry}

  @handler {ElixirScope.Distributed, :capture}

  @doc false
  def attach(events) do
    detach()

    if Code.ensure_loaded?(:telemetry),
      do: started(fn -> :telemetry.attach_many(@handler, events, &__MODULE__.handle/4, nil) end),
      else: {:error, :not_there}
  end

  @doc false
  def detach do
    if Code.ensure_loaded?(:telemetry), do: started(fn -> :telemetry.detach(@handler) end)
  end

  @doc false
  def failed(:not_there),
    do: "capture: telemetry: there is no :telemetry in this application; nothing is attached"

  def failed(reason), do: "capture: telemetry: cannot be attached: #{inspect(reason)}"

  @doc false
  # The callback of `:telemetry`.
  def handle(event, measurements, metadata, _config) do
    # A tuple, as metadata can use up the budget: a map has no order that would put it last.
    data = {event, measurements, metadata}
    Sources.guarded(fn -> Recorder.record(List.last(event), data) end)
  end

  # It raises where its application has not started, or has ended.
  defp started(fun) do
    fun.()
  rescue
    _error -> {:error, :not_yet}
  end
end
