defmodule ElixirScope.Distributed.Capture.Sources.Log do
  @moduledoc false
  # A handler of `:logger`: what is logged becomes an event of the process that logs it.

  alias ElixirScope.Distributed.Capture.{Recorder, Sources, Sources.Text}

  @handler :elixir_scope

  # Those of requests and traces, wherever they come from.
  @metadata [:request_id, :trace_id, :span_id, :domain]

  @doc false
  def attach(options) do
    detach()
    config = %{metadata: @metadata ++ options[:metadata]}

    :logger.add_handler(@handler, __MODULE__, %{
      level: options[:level],
      filters: [own: {&__MODULE__.own/2, nil}],
      filter_default: :log,
      config: config
    })
  end

  @doc false
  def detach, do: :logger.remove_handler(@handler)

  @doc false
  def failed(reason), do: "capture: logger: cannot be attached: #{inspect(reason)}"

  @doc false
  # A filter of `:logger`: what this library logs stays out. Logger puts a domain of its own before.
  def own(%{meta: %{domain: [_ | _] = domain}}, _none),
    do: if(:elixir_scope in domain, do: :stop, else: :ignore)

  def own(_event, _none), do: :ignore

  @doc false
  # The callback of `:logger`.
  def log(%{level: level, msg: message, meta: meta}, %{config: %{metadata: keys}}) do
    Sources.guarded(fn -> Recorder.record(:log, data(level, message, meta, keys)) end)
  end

  # What is certain to be small comes first: a budget cuts at the end.
  defp data(level, message, meta, keys),
    do: {level, Map.take(meta, [:mfa, :line | keys]), said(message)}

  defp said({:string, text}), do: Text.of(text)
  # As they are: they are cut like all data, where formatting has no bound, and secrets in them
  # have their keys.
  defp said({:report, report}), do: report
  defp said({format, arguments}), do: {Text.of(format), arguments}
end
