defmodule ElixirScope.Distributed.Capture.Sources do
  @moduledoc """
  What a node records besides: its log, events of `:telemetry`, its vitals. Nothing, unless asked.

      config :elixir_scope_distributed,
        capture: [
          logger: [level: :info, metadata: [:user_id]],
          telemetry: [[:my_app, :repo, :query], [:phoenix, :endpoint, :stop]],
          vitals: [interval_ms: 1_000, processes: 20]
        ]

    * `:logger`, alone or with options - what passes Logger becomes a `:mark` named `:log` with
      `{level, metadata, message}`: of the metadata `mfa`, `line`, `domain`, `request_id`, `trace_id`
      and `span_id`; the message as text of at most 1 KiB, as `{format, arguments}`, or as the report
      that it was. Lines of this library stay out.
    * `:telemetry` - each of these events becomes a `:mark` named like its last part, with
      `{event, measurements, metadata}`. Needs the application's own `:telemetry`.
    * `:vitals`, alone or with options - samples, of kind `:vitals`. One of the node: the share of
      time that each scheduler was busy (`schedulers`, and `dirty_cpu` of all those together), the
      `run_queue`, `memory` by kind, and how many `processes` there are. And one of each process that
      is among those with the most `work` (reductions since the sample before), `memory` or
      `message_queue_len`, under its own pid, with its `name`.

  They come from the process that logs or executes, so that they stand in its history with its
  correlation. Secrets are hidden and data is cut as in `ElixirScope.Distributed.record/3`. A handler
  that fails is counted in `status/0` and otherwise silent: it never raises, waits or logs.

  ## Options of `:logger`

  #{ElixirScope.Distributed.Options.docs(:logger)}

  ## Options of `:vitals`

  #{ElixirScope.Distributed.Options.docs(:vitals)}

  Looking at a process takes some two microseconds. Of more than 10,000, each sample looks at the
  next 10,000; those that were not looked at in the sample before are judged by memory and messages
  alone.
  """

  use Supervisor

  alias ElixirScope.Distributed.Capture.Sources.{Handlers, Vitals}
  alias ElixirScope.Distributed.Options

  @failures {__MODULE__, :failures}

  @doc "Whether a value is what the option `capture` takes."
  @spec valid?(term) :: boolean
  def valid?(sources), do: is_list(sources) and Enum.all?(sources, &known?/1)

  @doc false
  # Temporary, as what only looks on must not take down what it looks at.
  def child_spec(sources),
    do: %{
      id: __MODULE__,
      start: {__MODULE__, :start_link, [sources]},
      type: :supervisor,
      restart: :temporary
    }

  @doc false
  def start_link(sources), do: Supervisor.start_link(__MODULE__, sources, name: __MODULE__)

  @impl true
  def init(sources) do
    if status() == nil, do: :persistent_term.put(@failures, :counters.new(1, []))
    Supervisor.init(Enum.flat_map(sources, &child/1), strategy: :one_for_one)
  end

  @doc "What is captured, and how often a handler failed; `nil` where nothing was asked for."
  @spec status() :: %{failed: non_neg_integer} | nil
  def status do
    with counter when counter != nil <- :persistent_term.get(@failures, nil),
         do: %{failed: :counters.get(counter, 1)}
  end

  @doc false
  # Runs a handler in somebody else's process: whatever it does, that one goes on.
  @spec guarded((... -> term)) :: :ok
  def guarded(handler) do
    _recorded = handler.()
    :ok
  catch
    _class, _reason -> :counters.add(:persistent_term.get(@failures), 1, 1)
  end

  defp child(source) when is_atom(source), do: child({source, []})
  defp child({:logger, options}), do: [handlers(:logger, complete(:logger, options))]
  defp child({:telemetry, []}), do: []
  defp child({:telemetry, events}), do: [handlers(:telemetry, events)]
  defp child({:vitals, options}), do: [{Vitals, complete(:vitals, options)}]

  defp handlers(of, options), do: Supervisor.child_spec({Handlers, {of, options}}, id: of)

  defp complete(schema, options), do: Options.validate!(schema, options)

  defp known?(source) when source in [:logger, :vitals], do: true
  defp known?({:telemetry, events}), do: is_list(events) and Enum.all?(events, &event?/1)

  defp known?({source, options}) when source in [:logger, :vitals],
    do: match?({:ok, _options}, Options.validate(source, options))

  defp known?(_other), do: false

  defp event?(event), do: is_list(event) and event != [] and Enum.all?(event, &is_atom/1)
end
