defmodule ElixirScope.Distributed.Prober do
  @moduledoc false
  # What a node still answers while others come and go: one call every 10 ms to what it offers by
  # itself, every second one to `status/0`, each in a process of its own, so that a late answer holds
  # up no other call. It counts how each ended: with a value or a named error within its deadline, or not.
  #
  # It runs on the node that it asks. Calls that were due while the whole node stood still are made
  # up for, so that their number does not depend on how it fared.

  use GenServer

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{ClusterStateManager, Error, GlobalClock, NodeCoordinator}

  @every_ms 10
  # Of so many calls one is a trace that begins and ends: it is about all nodes, and rare.
  @trace_every 400
  # Given to questions, which wait for others; the answer is to be there soon after.
  @patience_ms 1_000
  @soon_ms 1_000

  @deadlines %{
    record: 200,
    now: 200,
    status: @soon_ms,
    events: @patience_ms + @soon_ms,
    query: @patience_ms + @soon_ms,
    partition: @soon_ms,
    quorum: @soon_ms,
    members: @soon_ms,
    # What the conductor gives nodes that do not answer.
    trace: 5_000 + @soon_ms,
    stop_trace: 5_000 + @soon_ms
  }
  @others [:record, :events, :now, :query, :partition, :record, :quorum, :members]

  @type outcome :: :value | {:error, atom} | {:late, atom} | {:crash, String.t()} | :unanswered
  @type counts :: %{{call :: atom, outcome} => pos_integer}

  @doc "Begins to ask, on the node that runs this."
  @spec start :: :ok
  def start do
    {:ok, _} = GenServer.start(__MODULE__, :ok, name: __MODULE__)
    :ok
  end

  @doc "How the calls ended so far; those under way are not among them."
  @spec counts :: counts
  def counts, do: Map.new(:ets.tab2list(__MODULE__))

  @doc "Ends it, and waits for what is under way."
  @spec stop :: counts
  def stop, do: GenServer.call(__MODULE__, :stop, 60_000)

  @doc "Whether a call ended as it may: with a value or a named error, in time."
  @spec answered?(outcome) :: boolean
  def answered?(outcome), do: outcome == :value or match?({:error, _reason}, outcome)

  @impl true
  def init(:ok) do
    :ets.new(__MODULE__, [:named_table, :public, write_concurrency: true])
    {:ok, schedule(%{began: now(), made: 0, under_way: MapSet.new(), stopping: nil})}
  end

  @impl true
  def handle_call(:stop, from, state) do
    Process.send_after(self(), :give_up, 10_000)
    {:noreply, finish(%{state | stopping: from})}
  end

  @impl true
  def handle_info(:due, %{stopping: nil} = state), do: {:noreply, state |> make() |> schedule()}
  def handle_info(:due, state), do: {:noreply, state}

  def handle_info({:DOWN, _monitor, :process, pid, _reason}, state),
    do: {:noreply, finish(%{state | under_way: MapSet.delete(state.under_way, pid)})}

  def handle_info(:give_up, state) do
    for _pid <- state.under_way, do: count({:some, :unanswered})
    {:noreply, finish(%{state | under_way: MapSet.new()})}
  end

  defp schedule(state) do
    Process.send_after(self(), :due, state.began + state.made * @every_ms, abs: true)
    state
  end

  defp make(state) do
    due = div(now() - state.began, @every_ms) + 1

    calls =
      for n <- state.made..max(due - 1, state.made) do
        {pid, _monitor} = spawn_monitor(fn -> n |> call() |> Enum.each(&count/1) end)
        pid
      end

    %{state | made: max(due, state.made + 1), under_way: into(state.under_way, calls)}
  end

  defp into(set, pids), do: Enum.reduce(pids, set, &MapSet.put(&2, &1))

  defp finish(%{stopping: from, under_way: under_way} = state) do
    if from != nil and MapSet.size(under_way) == 0, do: GenServer.reply(from, counts())
    state
  end

  defp call(n) when rem(n, @trace_every) == @trace_every - 1, do: trace()
  defp call(n) when rem(n, 2) == 0, do: [timed(:status)]
  defp call(n), do: [timed(Enum.at(@others, rem(div(n, 2), length(@others))))]

  defp trace do
    case timed(:trace, fn -> Scope.trace({URI, :parse}, duration_ms: 10_000) end) do
      {:trace, :value, {:ok, trace}} ->
        [{:trace, :value}, timed(:stop_trace, fn -> Scope.stop_trace(trace.id) end)]

      other ->
        [other]
    end
  end

  defp timed(name), do: timed(name, fn -> ask(name) end)

  defp timed(name, fun) do
    began = now()
    {outcome, answer} = attempt(fun)
    late? = now() - began > @deadlines[name]
    outcome = if late? and answered?(outcome), do: {:late, kind(outcome)}, else: outcome
    if name == :trace, do: {name, outcome, answer}, else: {name, outcome}
  end

  defp ask(:record), do: Scope.record(:probe, now())
  defp ask(:now), do: GlobalClock.now()
  defp ask(:status), do: Scope.status()
  defp ask(:events), do: Scope.events(question(limit: 20))
  defp ask(:query), do: Scope.query(question(limit: 20, order: :desc))
  defp ask(:partition), do: ClusterStateManager.get_partition_status()
  defp ask(:quorum), do: ClusterStateManager.quorum()
  defp ask(:members), do: NodeCoordinator.get_cluster_nodes()

  defp question(options), do: [kinds: [:mark], timeout_ms: @patience_ms] ++ options

  defp attempt(fun) do
    answer = fun.()
    {outcome(answer), answer}
  catch
    kind, reason -> {{:crash, text(kind, reason)}, nil}
  end

  defp outcome(:ok), do: :value
  defp outcome({:ok, _value}), do: :value
  defp outcome({_logical, physical_ns, _node}) when is_integer(physical_ns), do: :value
  defp outcome({:error, %Error{reason: reason}}), do: {:error, reason}
  defp outcome({:error, reason, message}) when is_binary(message), do: {:error, reason}
  defp outcome(other), do: {:crash, "no answer of this kind is promised: #{inspect(other)}"}

  defp kind(:value), do: :value
  defp kind({:error, reason}), do: reason

  # Without pids and the like, so that what is alike is counted together.
  defp text(kind, reason) do
    banner = Exception.format_banner(kind, reason)
    banner |> String.replace(~r/#\w+<[^>]*>/, "#") |> String.slice(0, 400)
  end

  defp count({name, outcome, _answer}), do: count({name, outcome})
  defp count(key), do: :ets.update_counter(__MODULE__, key, 1, {key, 0})
  defp now, do: System.monotonic_time(:millisecond)
end
