defmodule ElixirScope.Distributed.Capture.Tracer do
  @moduledoc false
  # All traces of this VM: this process owns what the VM traces with, so that with its end,
  # however it comes, everything is taken away. What the VM watches is on the `Capture.Board`,
  # when a trace ends `Capture.Governor` says; other nodes are `Capture.Conductor`'s.

  use GenServer

  alias ElixirScope.Distributed.Capture.{
    Armed,
    Board,
    Governor,
    Health,
    Order,
    Post,
    Seat,
    Tracer
  }

  alias ElixirScope.Distributed.Error

  @poll_ms 100
  # Places in the native tables are free two rounds after they ended.
  @rounds_after 3
  # Modules are looked at less often than budgets.
  @watch_every 10
  # Traces that have ended are remembered for a while: one that tripped is not begun again.
  @kept 50

  defstruct [:board, :health, :timer, round: 0, left: 0, ended: []]

  @doc false
  def start_link(_options), do: GenServer.start_link(__MODULE__, nil, name: __MODULE__)

  @doc """
  Begins to trace here what was ordered; `told` is sent `{:trace_ended, id, summary}`. A
  lease shorter than the order's is what is left of one that began elsewhere.
  """
  @spec arm(Order.t(), pos_integer, pid) :: {:ok, summary :: map} | {:error, Error.t()}
  def arm(order, lease_ms, told) do
    # Patterns are looked up in the caller, which may take a while.
    with {:ok, armed} <- Armed.new(order, now(), lease_ms, told), do: call({:arm, armed})
  end

  @doc "The order is still wanted; who was told of it hears how it stands, to tell who asks."
  @spec renew(pos_integer, node) :: :ok
  def renew(id, who_asks), do: GenServer.cast(__MODULE__, {:renew, id, who_asks})

  @doc "Ends a trace, or `:all` of a scope; what they, or one that ended before, recorded."
  @spec disarm(pos_integer | {:all, atom}, Governor.reason()) ::
          {:ok, [map]} | {:error, Error.t()}
  def disarm(which, reason), do: call({:disarm, which, reason})

  @doc "The numbers of traces that run here, or ended lately."
  @spec numbers() :: [pos_integer]
  def numbers do
    %{running: running, ended: ended} = status()
    for %{id: id} <- running ++ ended, do: id
  end

  @doc "The traces that run here, those that ended lately, and every bound with its value."
  @spec status() :: map
  def status do
    case call(:status) do
      {:error, _not_running} -> %{running: [], ended: [], tables: %{}}
      status -> Map.put(status, :tables, Seat.tables())
    end
  end

  @impl true
  def init(nil) do
    Process.flag(:trap_exit, true)
    # Where processes queue for a scheduler it is the one that has to come through.
    Process.flag(:priority, :high)
    {board, lost} = Board.new()
    ended = Enum.map(lost, fn {id, spent} -> Armed.lost(id, spent) end)
    Enum.each(ended, &Post.ended/1)
    # What one before left in the native tables is given back, too.
    {:ok, schedule(%Tracer{board: board, ended: ended, left: @rounds_after})}
  end

  @impl true
  def handle_call({:arm, armed}, _from, state) do
    case known(state, armed.order) do
      nil -> begin(armed, state)
      {:running, armed} -> {:reply, {:ok, summary(armed)}, put(state, Armed.renew(armed, now()))}
      error -> {:reply, error, state}
    end
  end

  def handle_call({:disarm, which, reason}, _from, state) do
    over = for armed <- chosen(state, which), do: Armed.trip(armed, reason, now())
    before = for %{id: ^which} = summary <- state.ended, do: summary
    {summaries, state} = finish(over, state)
    {:reply, {:ok, summaries ++ before}, state}
  end

  def handle_call(:status, _from, state) do
    {:reply, %{running: Enum.map(running(state), &summary/1), ended: state.ended}, state}
  end

  @impl true
  def handle_cast({:renew, id, who_asks}, state) do
    case state.board.traces do
      %{^id => armed} ->
        send(armed.told, {:done, who_asks, :running, trace: id, result: summary(armed)})
        {:noreply, put(state, Armed.renew(armed, now()))}

      _over ->
        {:noreply, state}
    end
  end

  @impl true
  def handle_info(:poll, state) do
    Seat.collect()
    state = %{state | timer: nil, round: state.round + 1, left: state.left - 1}
    {:noreply, schedule(if(Board.empty?(state.board), do: state, else: look_after(state)))}
  end

  # Answers that came too late for who had asked.
  def handle_info(_other, state), do: {:noreply, state}

  @impl true
  def terminate(_reason, state), do: finish(running(state), state)

  # A node that comes back is ordered what it may have: it goes on, or it ended for good.
  defp known(state, %{id: id} = order) do
    case {state.board.traces[id], Enum.find(state.ended, &(&1.order == {id, order.at}))} do
      {nil, nil} -> nil
      {nil, ended} -> {:error, Error.new(:ended, Map.take(ended, [:id, :reason]))}
      {armed, _} -> if Order.same?(armed.order, order), do: {:running, armed}, else: taken(id)
    end
  end

  defp taken(id), do: {:error, Error.new(:number_taken, id: id)}

  defp begin(armed, state) do
    {_first, armed} = Armed.grant(armed, now())

    case Board.add(state.board, armed) do
      {:ok, board, armed} ->
        Seat.note(armed, true, Armed.announcement(armed))
        {:reply, {:ok, summary(armed)}, schedule(watched(%{state | board: board}))}

      {:error, error, board} ->
        {:reply, {:error, error}, %{state | board: board}}
    end
  end

  defp watched(%{health: nil} = state), do: %{state | health: Health.start(now())}
  defp watched(state), do: state

  defp finish([], state), do: {[], state}

  defp finish(over, state) do
    board = Board.remove(state.board, over)
    summaries = Enum.map(over, &forget/1)
    ended = Enum.take(summaries ++ state.ended, @kept)
    {summaries, rested(%{state | board: board, ended: ended, left: @rounds_after})}
  end

  defp forget(armed) do
    summary = Armed.summary(armed, Seat.leave(armed))
    Seat.note(armed, false, Armed.farewell(armed, summary))
    send(armed.told, {:trace_ended, armed.order.id, summary})
    summary
  end

  defp rested(state) do
    if Board.empty?(state.board) and state.health != nil, do: Health.stop()
    schedule(if(Board.empty?(state.board), do: %{state | health: nil}, else: state))
  end

  # Looking after what runs

  defp look_after(state) do
    {sample, health} = Health.sample(state.health, now())
    state = %{state | health: health}
    {over, state} = Enum.reduce(running(state), {[], state}, &check(&1, sample, &2))
    {_summaries, state} = finish(over, state)
    if rem(state.round, @watch_every) == 0, do: watch(state), else: state
  end

  defp check(armed, sample, {over, state}) do
    {verdict, armed} = Armed.check(armed, Seat.spent(armed), sample, now())
    {more, armed} = Armed.grant(armed, now())
    Seat.grant(armed, more)
    Seat.thin(armed)
    {if(verdict == :ok, do: over, else: [armed | over]), put(state, armed)}
  end

  defp watch(state) do
    with false <- Board.empty?(state.board),
         :ok <- Board.check(state.board) do
      board = state.board |> Board.count(:some) |> Board.spare() |> restore()
      board = board |> Tracer.Modules.changed() |> Enum.reduce(board, &arm_again/2)
      %{state | board: board}
    else
      true -> state
      {:error, reason} -> give_up(state, reason)
    end
  end

  defp give_up(state, reason) do
    over = for armed <- running(state), do: Armed.trip(armed, reason, now())
    over |> finish(state) |> elem(1)
  end

  # Tools that clean up before they begin take from all processes what others set.
  defp restore(board) do
    if Board.wiped?(board) do
      for {id, armed} <- board.traces, do: Seat.note(armed, true, %{trace: id, again: :processes})
      Board.set_again(board)
    else
      board
    end
  end

  # What was called before is not recorded: the note says from when on it is again.
  defp arm_again(module, board) do
    {board, told} = Board.again(board, module)

    for {armed, functions} <- told,
        do: Seat.note(armed, true, %{trace: armed.order.id, again: module, functions: functions})

    board
  end

  defp chosen(state, {:all, scope}),
    do: Enum.filter(running(state), &(&1.order.options[:scope] == scope))

  defp chosen(state, id), do: state.board.traces |> Map.take([id]) |> Map.values()

  defp running(state), do: Map.values(state.board.traces)
  defp put(state, armed), do: update_in(state.board, &Board.put(&1, armed))
  defp summary(armed), do: Armed.summary(armed, Seat.spent(armed))

  # With no trace there is nothing to look after.
  defp schedule(%{timer: nil} = state) do
    if Board.empty?(state.board) and state.left <= 0,
      do: state,
      else: %{state | timer: Process.send_after(self(), :poll, @poll_ms)}
  end

  defp schedule(state), do: state

  defp now, do: System.monotonic_time(:millisecond)

  defp call(request) do
    GenServer.call(__MODULE__, request, 30_000)
  catch
    :exit, {:noproc, _call} -> {:error, Error.new(:disabled)}
    :exit, {reason, _call} -> {:error, Error.new(:tracer_failed, reason: reason)}
  end
end
