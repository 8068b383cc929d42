defmodule ElixirScope.Distributed.Live.Subscription do
  @moduledoc false
  # One subscription: asks the members, puts what comes into order, sends it to who subscribed. How far
  # each member was read is in `Live.Follow`, what is due in `Live.Window`.

  use GenServer, restart: :temporary

  alias ElixirScope.Distributed.Live.{Feed, Figures, Follow, Follows, Kept, Window}
  alias ElixirScope.Distributed.{ClusterStateManager, GlobalClock, NodeCoordinator, Scope}

  # A message, and a look at what this node has, not more often than this.
  @pause_ms 50
  # While something waits for promises.
  @brief_ms 25

  # Events in a message at most.
  @most_events 1_000

  # Pages of this node that are read at a time, so that answers of others are heard in between.
  @most_pages 4

  # The caller of `subscribe/1` waits until the members know from when on, this long at most.
  @begin_ms 3_000

  defstruct [:scope, :ref, :to, :filter, :options, :window, :follows, :feed, :timer, :caller] ++
              [:sent_ms, :looked_ms, :told, shown: 0, lost: 0, queue: 0]

  @doc false
  @spec start_link(map) :: GenServer.on_start()
  def start_link(about), do: GenServer.start_link(__MODULE__, about)

  @doc "It is known as `ref` from now on; returns when its members were asked."
  @spec begin(pid, reference) :: :ok
  def begin(pid, ref), do: GenServer.call(pid, {:begin, ref}, :infinity)

  @doc "Ends it."
  @spec stop(pid) :: :ok
  def stop(pid) do
    GenServer.stop(pid)
  catch
    :exit, _ended_by_itself -> :ok
  end

  @doc "Who is there, and who belongs."
  @spec members(pid, [node], [node]) :: :ok
  def members(pid, up, known), do: GenServer.cast(pid, {:members, up, known})

  @impl true
  def init(%{scope: name, options: options} = about) do
    Scope.hide()

    with {:ok, scope} <- Scope.fetch(name) do
      Process.monitor(about.to)
      window = Window.new(options[:lateness_ms])
      follows = Follows.new(scope.node, options[:lateness_ms])
      state = struct!(__MODULE__, Map.take(about, [:to, :filter, :options]))
      {:ok, %{state | scope: scope, window: window, follows: follows, feed: Feed.new()}}
    else
      {:error, _not_running} -> :ignore
    end
  end

  @impl true
  def handle_call({:begin, ref}, caller, state) do
    {:ok, _owner} = Kept.put(state.scope.name, ref, %{})
    Process.send_after(self(), :begun, @begin_ms)
    state = %{state | ref: ref, caller: caller, looked_ms: now(), sent_ms: now() - @pause_ms}
    {:noreply, look(state), {:continue, :members}}
  end

  @impl true
  def handle_continue(:members, %{scope: scope, follows: follows} = state) do
    with {:ok, members} <- NodeCoordinator.get_cluster_nodes(scope.name),
         {:ok, %{known: known}} <- ClusterStateManager.get_cluster_topology(scope.name) do
      follows = Follows.members(follows, members -- [scope.node], known)
      {:noreply, go_on(%{state | follows: follows})}
    else
      # The coordinator begins again, and will tell.
      {:error, _not_there} -> {:noreply, go_on(state)}
    end
  end

  @impl true
  def handle_cast({:members, up, known}, state),
    do: {:noreply, go_on(%{state | follows: Follows.members(state.follows, up, known)})}

  @impl true
  def handle_info({:query_answer, ref, node, kind, body}, state) do
    case Follows.find(state.follows, node, ref) do
      nil -> {:noreply, state}
      follow -> {:noreply, state |> hear(follow, kind, body) |> go_on()}
    end
  end

  def handle_info(:tick, state), do: {:noreply, go_on(%{state | timer: nil})}
  def handle_info(:begun, state), do: {:noreply, begun(state)}

  def handle_info({:DOWN, _monitor, :process, to, _reason}, %{to: to} = state),
    do: {:stop, :normal, state}

  def handle_info(_other, state), do: {:noreply, state}

  defp go_on(state) do
    state = if now() >= state.looked_ms + @brief_ms, do: look(state), else: state
    state |> ask() |> give() |> answer() |> schedule()
  end

  # What this node has: no question travels, and none waits.

  defp look(state) do
    {:ok, scope} = with {:error, _} <- Scope.fetch(state.scope.name), do: {:ok, state.scope}
    state = put_in(state.follows.local.node, scope.node)
    look(%{state | scope: scope, looked_ms: now()}, @most_pages)
  end

  defp look(state, 0), do: state

  defp look(%{follows: %{local: local}} = state, pages) do
    {kind, body} = Feed.read(state.scope, state.filter, Follow.question(local))

    case Follow.heard(local, kind, body, now()) do
      {news, local} ->
        state = state |> put_local(local) |> take(local, still_here(news))
        if local.round, do: look(state, pages - 1), else: state

      :error ->
        state
    end
  end

  # Under whichever name this node goes on: its store is the same.
  defp still_here(news), do: Enum.reject(news, &match?({:gap, %{restarted: _}}, &1))

  defp put_local(state, local), do: put_in(state.follows.local, local)

  # What others have

  defp ask(state), do: Enum.reduce(Follows.there(state.follows), state, &ask/2)

  defp ask(follow, state) do
    case Follow.ask(follow, Window.oldest(state.window), make_ref(), now()) do
      nil -> state
      {ref, question, follow} -> put(state, sent(state, follow, ref, question))
    end
  end

  defp sent(state, follow, ref, question) do
    case Feed.ask(state.scope, follow.node, ref, state.filter, question) do
      :ok -> follow
      {:error, _not_now} -> Follow.refused(follow, now())
    end
  end

  defp hear(state, follow, :gone, _body), do: put(state, Follow.gone(follow))

  defp hear(state, follow, kind, body) do
    case Follow.heard(follow, kind, body, now()) do
      {news, heard} -> state |> put(heard) |> take(heard, news)
      :error -> put(state, Follow.refused(follow, now()))
    end
  end

  defp put(state, follow), do: update_in(state.follows, &Follows.put(&1, follow))

  defp take(state, follow, news), do: Enum.reduce(news, state, &take_one(&2, follow, &1))

  defp take_one(state, _follow, {:lost, count}),
    do: update_in(state.window, &Window.lost(&1, count))

  defp take_one(state, follow, {:gap, about}),
    do: hold(state, [Feed.gap(follow.node, about)], 0)

  defp take_one(state, _follow, {:page, page, range}) do
    {events, lost} = Feed.events(page, range)
    state = update_in(state.window, &Window.lost(&1, lost))
    hold(state, events, byte_size(page.page))
  end

  defp hold(state, [], _bytes), do: state

  defp hold(%{scope: scope} = state, events, bytes) do
    events = received(events, GlobalClock.now(scope.name), scope.options[:max_clock_drift_ms])
    %{state | window: Window.put(state.window, events, bytes, now())}
  end

  defp received(events, {_logical, _ns, _node} = now, ms), do: Feed.received(events, now, ms)
  defp received(events, _stopping, _ms), do: events

  # What is due goes to who subscribed, unless it does not look at what it has.

  defp give(state) do
    promised = Follows.promised(state.follows, now())

    {:message_queue_len, queue} =
      Process.info(state.to, :message_queue_len) || {:message_queue_len, 0}

    state = %{state | queue: queue}

    cond do
      now() < state.sent_ms + @pause_ms -> state
      queue >= state.options[:queue_limit] -> drop(state, promised)
      true -> send_due(state, promised)
    end
  end

  defp drop(state, promised),
    do: figures(%{state | window: Window.drop(state.window, promised, now()), sent_ms: now()})

  defp send_due(state, promised) do
    {events, window} = Window.due(state.window, promised, now(), @most_events)
    {dropped, window} = Window.dropped(window)
    missing = Follows.missing(state.follows, now())

    if events == [] and dropped == 0 and missing == (state.told || []),
      do: state,
      else: deliver(%{state | window: window}, events, dropped, missing)
  end

  defp deliver(state, events, dropped, missing) do
    {events, feed} = Feed.named(state.feed, events, state.scope.store, now())
    send(state.to, {:elixir_scope, state.ref, events, %{dropped: dropped, missing: missing}})
    count = %{shown: state.shown + length(events), lost: state.lost + dropped}
    figures(Map.merge(%{state | feed: feed, sent_ms: now(), told: missing}, count))
  end

  # Kept where `status/0` finds it without asking.
  defp figures(state) do
    Kept.update(state.scope.name, state.ref, Figures.of(state))
    state
  end

  # The caller of `subscribe/1`

  defp answer(%{caller: nil} = state), do: state
  defp answer(state), do: if(Follows.all_known?(state.follows), do: begun(state), else: state)

  defp begun(%{caller: nil} = state), do: state

  defp begun(state) do
    GenServer.reply(state.caller, :ok)
    figures(%{state | caller: nil})
  end

  defp schedule(%{timer: nil} = state) do
    waits? = Window.oldest(state.window) != nil or state.window.dropped > 0
    ms = if waits?, do: @brief_ms, else: @pause_ms
    %{state | timer: Process.send_after(self(), :tick, ms)}
  end

  defp schedule(state), do: state

  defp now, do: System.monotonic_time(:millisecond)
end
