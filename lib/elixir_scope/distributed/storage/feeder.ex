defmodule ElixirScope.Distributed.Storage.Feeder do
  @moduledoc false
  # Gives a plugged storage everything that is in the spool, its own events and those of others, in
  # the order of their numbers. It also is what starts the storage, and starts it again: one that
  # crashes, fails or is slow is behind, and nothing else of the scope takes notice. Nobody calls
  # this process: how it stands is the value it is registered with.

  use GenServer

  require Logger

  alias ElixirScope.Distributed.{Event, GlobalClock, Scope, Storages}
  alias ElixirScope.Distributed.Cluster.Backoff
  alias ElixirScope.Distributed.Storage.{Fed, Keeper, Spool}

  # Events in a batch, and batches between two looks at what else there is to do.
  @batch 1_000
  @burst 20

  # How often old events are taken out of the storage.
  @retain_ms 60_000

  # A scope that stops gives its storage what is left within this time.
  @farewell_ms 2_000

  defstruct [:scope, :pid, :failure, :progress, attempt: 0, appended: 0, failures: 0, fed: %Fed{}]

  @typedoc "How it stands; `failure` is why the storage is not there, or did not take a batch."
  @type standing :: %{
          up?: boolean,
          fed: Fed.t(),
          appended: non_neg_integer,
          failures: non_neg_integer,
          failure: term
        }

  @doc false
  @spec start_link(Scope.t()) :: GenServer.on_start()
  def start_link(scope),
    do: GenServer.start_link(__MODULE__, scope, name: Scope.via(scope.name, __MODULE__))

  @doc "Events in one batch."
  @spec batch() :: pos_integer
  def batch, do: @batch

  @doc "How the feeding of a scope's storage stands; `nil` while it does not run."
  @spec standing(atom) :: standing | nil
  def standing(scope) do
    case Registry.lookup(Scope.names(), {scope, __MODULE__}) do
      [{_pid, standing}] -> standing
      [] -> nil
    end
  end

  @impl true
  def init(scope) do
    Process.flag(:trap_exit, true)
    {:ok, %__MODULE__{scope: scope}, {:continue, :start}}
  end

  @impl true
  def handle_continue(:start, state) do
    {:ok, scope} = Scope.fetch(state.scope.name)
    Process.send_after(self(), :retain, @retain_ms)
    {:noreply, open(%{state | scope: scope})}
  end

  @impl true
  def handle_info(:open, state), do: {:noreply, open(state)}
  def handle_info(:feed, %{failure: {:down, _why}} = state), do: {:noreply, state}

  def handle_info(:feed, state),
    do: {:noreply, state |> feed(@burst) |> come_again() |> publish()}

  def handle_info({:EXIT, pid, reason}, %{pid: pid} = state) when is_pid(pid),
    do: {:noreply, down(%{state | pid: nil}, reason)}

  def handle_info(:retain, state) do
    Process.send_after(self(), :retain, @retain_ms)
    oldest_ns = System.os_time(:nanosecond) - state.scope.options[:retention_age_ms] * 1_000_000
    _ = up?(state) && Keeper.call(state.scope, :retain, [{0, oldest_ns}])
    {:noreply, state}
  end

  def handle_info(_other, state), do: {:noreply, state}

  # What is left is given, if that does not take long.
  @impl true
  def terminate(_reason, state) do
    if up?(state), do: feed_until(state, now_ms() + @farewell_ms)
    Keeper.stop(state.pid)
  end

  defp feed_until(state, deadline) do
    state = feed(state, 1)

    if state.progress == :more and state.failure == nil and now_ms() < deadline,
      do: feed_until(state, deadline)
  end

  # Its process

  defp open(state) do
    with {:ok, pid} <- Keeper.start(state.scope),
         state = %{state | pid: pid},
         {:ok, progress} <- Keeper.call(state.scope, :progress, []) do
      send(self(), :feed)
      publish(%{state | failure: nil, attempt: 0, fed: known(progress)})
    else
      {:error, reason} -> down(state, reason)
      other -> down(state, {:bad_return, other})
    end
  end

  # It was kept by somebody else, perhaps since another version.
  defp known(%Fed{} = fed), do: fed
  defp known(_other), do: %Fed{}

  defp down(state, reason) do
    Keeper.stop(state.pid)
    Process.send_after(self(), :open, Backoff.delay(state.attempt, :rand.uniform()))
    publish(failed(%{state | pid: nil}, {:down, reason}))
  end

  # One line when it begins to fail.
  defp failed(state, failure) do
    if state.failure == nil,
      do: warn(state, "its storage takes no events: #{inspect(failure, limit: 10)}")

    state = %{state | failure: failure, progress: :failed}
    %{state | attempt: state.attempt + 1, failures: state.failures + 1}
  end

  defp warn(state, text),
    do: Logger.warning("#{inspect(state.scope.name)}: #{text}", domain: [:elixir_scope])

  # Feeding

  defp feed(state, bursts) do
    holdings = Spool.holdings(state.scope)
    {losses, fed} = Fed.look(state.fed, holdings, Spool.own(state.scope))

    with :ok <- report(state, losses, fed),
         do: give(%{state | fed: fed}, holdings, bursts),
         else: ({:error, reason} -> failed(state, {:append, reason}))
  end

  defp give(state, _holdings, 0), do: %{state | progress: :more}

  defp give(state, holdings, left) do
    case Fed.next(state.fed, holdings, @batch) do
      nil -> well(%{state | progress: :all})
      range -> give_one(state, range, holdings, left)
    end
  end

  defp give_one(state, range, holdings, left) do
    events = Spool.read(state.scope, range)
    fed = Fed.put(state.fed, given(state, range, events))

    case append(state, events, fed) do
      :ok -> state |> taken(fed, events) |> give(holdings, left - 1)
      {:error, reason} -> failed(state, {:append, reason})
    end
  end

  # What expired while it was read is not given: the next look finds that it is lost. What is there
  # and cannot be read is no better the next time.
  defp given(_state, {_origin, first, last} = range, events) when length(events) > last - first,
    do: [range]

  defp given(state, {origin, _first, _last} = range, events) do
    read = for %{id: {_origin, seq}} <- events, do: {origin, seq, seq}
    read ++ Fed.within(range, Spool.holdings(state.scope))
  end

  defp taken(state, fed, events),
    do: well(%{state | fed: fed, appended: state.appended + length(events)})

  defp well(state), do: %{state | failure: nil, attempt: 0}

  # A gap stands in the place of what nobody can give any more, where the spool began by then.
  defp report(_state, [], _fed), do: :ok

  defp report(state, losses, fed) do
    lost = losses |> Enum.map(fn {_origin, first, last} -> last - first + 1 end) |> Enum.sum()
    warn(state, "#{lost} events expired before its storage took them")
    append(state, Enum.map(losses, &gap(&1, state)), fed)
  end

  defp gap({{text, start}, first, last}, %{scope: scope}) do
    {logical, ns} =
      Storages.Native.status(scope.store).floor || moment(GlobalClock.now(scope.name))

    node = Spool.node(text)

    %Event{
      id: {{node, start}, last},
      at: {logical, ns, node},
      node: node,
      kind: :gap,
      data: %{expired: last - first + 1}
    }
  end

  defp moment({logical, ns, _node}), do: {logical, ns}

  defp append(state, events, fed) do
    case Keeper.call(state.scope, :append, [events, fed]) do
      :ok -> :ok
      {:error, reason} -> {:error, reason}
      other -> {:error, {:bad_return, other}}
    end
  end

  defp come_again(%{progress: :more} = state), do: again(state, 0)

  defp come_again(%{progress: :all} = state),
    do: again(state, state.scope.options[:sync_interval_ms])

  defp come_again(state),
    do: again(state, Backoff.delay(state.attempt, :rand.uniform()))

  defp again(state, ms) do
    Process.send_after(self(), :feed, ms)
    state
  end

  defp up?(state), do: not match?({:down, _why}, state.failure) and state.pid != nil

  defp publish(state) do
    standing = %{
      up?: up?(state),
      fed: state.fed,
      appended: state.appended,
      failures: state.failures,
      failure: state.failure
    }

    key = {state.scope.name, __MODULE__}
    Registry.update_value(Scope.names(), key, fn _before -> standing end)
    state
  end

  defp now_ms, do: System.monotonic_time(:millisecond)
end
