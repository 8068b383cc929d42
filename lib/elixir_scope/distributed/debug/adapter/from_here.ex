defmodule ElixirScope.Distributed.Debug.Adapter.FromHere do
  @moduledoc false
  # "Trace from here", where the process stands. A correlation begins, the process goes on in it, and a
  # trace on all members records what follows; once nothing new has come of it for a while, or the
  # trace has ended, the causal timeline is told to who asked.
  #
  # The correlation is put on the VM's token alone, and not as an extent: one that was begun by evaluating in
  # the frame would last as long as the process, and all that a server does later would be part of the
  # request that it was stopped in. The token goes as the request does. It gets to the process with the message
  # that lets it go on: that is sent in the correlation, Erlang's debugger hands the token on to what it
  # lets run, and with the next message that the process takes it is replaced.
  #
  # What is interpreted cannot be traced: its calls are what one steps through, and what it sends is seen.

  use GenServer, restart: :temporary

  alias ElixirScope.Distributed, as: Library
  alias ElixirScope.Distributed.Causality
  alias ElixirScope.Distributed.Debug.{Stopped, Table}
  alias ElixirScope.Distributed.View.Timeline

  # Budgets: the profile's would thin whole correlations out of a busy system, ours perhaps among them.
  @duration_ms 15_000
  @longest_ms 60_000
  @events 50_000
  @events_per_s 20_000

  # Nothing new for so long, looked at so often.
  @quiet_ms 1_000
  @look_ms 250

  # Of what is shown.
  @width 120
  @most_events 2_000
  @piece 100

  @begin_ms 10_000

  defstruct [:pid, :owner, :trace, :correlation, :ends_at, :width, count: 0, changed_at: nil]

  @type about :: %{
          id: integer,
          correlation: String.t(),
          nodes: [node],
          refused: [{node, String.t()}],
          patterns: [String.t()]
        }

  @doc "The bounds, by name."
  @spec bounds() :: keyword
  def bounds,
    do: [
      duration_ms: @duration_ms,
      longest_ms: @longest_ms,
      events: @events,
      quiet_ms: @quiet_ms,
      shown: @most_events
    ]

  @doc "Lets a process that stands go on, and traces what follows."
  @spec begin(pid, pid, [String.t()], keyword) :: {:ok, about} | {:error, term}
  def begin(pid, owner, patterns, options) do
    with {:ok, stopped} <- standing(pid),
         {:ok, run} <- GenServer.start(__MODULE__, {pid, owner}),
         do: GenServer.call(run, {:begin, wanted(patterns, stopped), options}, @begin_ms)
  end

  defp standing(pid) do
    with {:ok, all} <- Stopped.Served.stopped() do
      case Enum.find(all, &(&1.pid == pid)) do
        nil -> {:error, :not_stopped}
        stopped -> {:ok, stopped}
      end
    end
  end

  # Where nobody says: the application that the process stands in, on every node.
  defp wanted([], %{at: %{module: module}}) do
    case :application.get_application(module) do
      {:ok, app} -> [{:app, app}]
      :undefined -> [near(inspect(module))]
    end
  end

  defp wanted(patterns, _stopped), do: patterns

  defp near(name), do: (name |> String.split(".") |> hd()) <> ".*"

  @doc "Ends the trace of a process before its time, and shows what there is."
  @spec stop(pid) :: {:ok, :stopping}
  def stop(pid) do
    if run = Table.get({__MODULE__, pid}), do: send(run, :stop)
    {:ok, :stopping}
  end

  @impl true
  def init({pid, owner}) do
    Table.put({__MODULE__, pid}, self())
    Process.monitor(owner)
    {:ok, %__MODULE__{pid: pid, owner: owner}}
  end

  @impl true
  def handle_call({:begin, patterns, options}, _from, state) do
    duration = options |> Keyword.get(:duration_ms, @duration_ms) |> max(100) |> min(@longest_ms)
    correlation = "from-here-#{Base.encode16(:rand.bytes(4), case: :lower)}"

    with {:ok, trace} <- trace(patterns, duration),
         :ok <- go_on(correlation, state.pid) do
      state = %{state | trace: trace, correlation: correlation, ends_at: now() + duration}
      Process.send_after(self(), :look, @look_ms)

      {:reply, {:ok, about(trace, correlation, patterns)},
       %{state | width: options[:width] || @width}}
    else
      {:error, reason} -> {:stop, :normal, {:error, reason}, state}
    end
  end

  defp trace(patterns, duration) do
    Library.trace(patterns,
      messages: true,
      duration_ms: duration,
      events: @events,
      events_per_s: @events_per_s
    )
  end

  defp go_on(correlation, pid),
    do: Library.with_correlation(correlation, fn -> Stopped.Served.continue(pid) end)

  defp about(trace, correlation, patterns) do
    refused = for {node, error} <- trace.refused, do: {node, message(error)}
    names = Enum.map(patterns, &if(is_binary(&1), do: &1, else: inspect(&1)))

    %{
      id: trace.id,
      correlation: correlation,
      nodes: trace.nodes,
      refused: refused,
      patterns: names
    }
  end

  defp message(error) when is_exception(error), do: Exception.message(error)
  defp message(other), do: inspect(other)

  @impl true
  def handle_info(:look, state) do
    state = looked(state, count(state))

    if over?(state) do
      finished(state)
    else
      Process.send_after(self(), :look, @look_ms)
      {:noreply, state}
    end
  end

  def handle_info(:stop, %{trace: nil} = state), do: {:noreply, state}
  def handle_info(:stop, state), do: finished(state)
  def handle_info({:DOWN, _ref, :process, _owner, _reason}, state), do: {:stop, :normal, state}
  def handle_info(_other, state), do: {:noreply, state}

  @impl true
  def terminate(_reason, state), do: Table.delete({__MODULE__, state.pid})

  # What is asked of the whole cluster is only how many there are.
  defp count(state) do
    case Library.query([correlation_id: state.correlation, limit: @events], []) do
      {:ok, result} -> length(result.events)
      {:error, _error} -> state.count
    end
  end

  defp looked(%{count: count} = state, count), do: state
  defp looked(state, count), do: %{state | count: count, changed_at: now()}

  # The first event is the beginning of the correlation itself.
  defp over?(%{count: count, changed_at: at} = state) do
    now() >= state.ends_at or (count > 1 and now() - at >= @quiet_ms)
  end

  defp finished(state) do
    Library.stop_trace(state.trace)
    tell(state, {:ended, summary(state, shown(state))})
    {:stop, :normal, state}
  end

  defp shown(state) do
    filters = [correlation_id: state.correlation, limit: @most_events]

    with {:ok, causality} <- Causality.build(filters) do
      causality
      |> Timeline.render(width: state.width, color: false, ascii: false)
      |> Stream.chunk_every(@piece)
      |> Enum.each(&tell(state, {:lines, Enum.map(&1, fn line -> IO.iodata_to_binary(line) end)}))
    end
  end

  defp summary(state, :ok) do
    {:ok, nodes} = Library.nodes_of(state.correlation)
    events = Enum.sum(Enum.map(nodes, & &1.events))
    "#{state.correlation}: #{events} events on #{Enum.map_join(nodes, ", ", &to_string(&1.node))}"
  end

  defp summary(state, error), do: "#{state.correlation}: no timeline: #{inspect(error)}"

  defp tell(state, what), do: send(state.owner, {:elixir_scope_from_here, state.trace.id, what})
  defp now, do: System.monotonic_time(:millisecond)
end
