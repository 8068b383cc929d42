defmodule ElixirScope.Distributed.Debug.Adapter.Server do
  @moduledoc false
  # One client, as a process: bytes come in (`feed/2`), are read by `Protocol`, judged by `Machine`, and
  # what is to be done is done here. Whatever waits for somebody runs beside, as `Work` says, and its
  # answer comes back as a message; what is written goes through an `Outbox` to a writer that may be held up
  # by who reads slowly. So nothing but the end of this process ends a session, and all that it began
  # belongs to it: breakpoints, processes that stand, nodes.

  use GenServer, restart: :temporary

  alias ElixirScope.Distributed.Debug.Adapter.Coordination.Editor

  alias ElixirScope.Distributed.Debug.Adapter.{
    Attaching,
    Hand,
    Machine,
    Outbox,
    Protocol,
    State,
    Work
  }

  # After the last answer was given, for what is still to be written.
  @last_ms 2_000

  defstruct [:machine, :protocol, :writer, :hand, outbox: %Outbox{}, work: %Work{}] ++
              [seq: 0, ending?: false]

  @type wanted :: pos_integer | :line

  @doc """
  Starts one. `write:` takes bytes to the client and returns `:ok`, or `{:error, reason}` when
  nobody reads any more.
  """
  @spec start_link(keyword) :: GenServer.on_start()
  def start_link(options), do: GenServer.start_link(__MODULE__, options)

  @doc "Bytes of the client; how many are wanted next."
  @spec feed(pid, binary) :: {:ok, wanted} | :ended
  def feed(server, bytes) do
    GenServer.call(server, {:bytes, bytes}, :infinity)
  catch
    :exit, _ended -> :ended
  end

  @doc "The client is gone; returns when all that it began has ended."
  @spec closed(pid) :: :ok
  def closed(server) do
    GenServer.stop(server, :normal, :infinity)
  catch
    :exit, _ended_before -> :ok
  end

  @impl true
  def init(options) do
    Process.flag(:trap_exit, true)
    server = self()
    write = Keyword.fetch!(options, :write)
    writer = spawn_link(fn -> write(server, write) end)
    send(server, :renew)
    {:ok, editor} = Editor.start_link(emit: &send(server, {:adapter_event, &1, &2}))
    state = %__MODULE__{machine: Machine.new(server, editor), protocol: Protocol.new()}
    {:ok, %{state | writer: writer, hand: Hand.start()}}
  end

  defp write(server, write) do
    receive do
      {:write, bytes} ->
        :ok = written(write.(bytes))
        send(server, :written)
        write(server, write)
    end
  end

  defp written(:ok), do: :ok
  defp written({:error, reason}), do: exit({:shutdown, reason})

  @impl true
  def handle_call({:bytes, bytes}, _from, state) do
    {messages, protocol} = Protocol.feed(state.protocol, bytes)
    state = Enum.reduce(messages, %{state | protocol: protocol}, &message/2)
    go_on({:reply, {:ok, Protocol.wanted(protocol)}, state})
  end

  defp message({:request, request}, state),
    do: state.machine |> Machine.request(request) |> done(state)

  defp message({:refused, nil, why}, state), do: effect(State.output("stderr", why), state)

  defp message({:refused, request, why}, state),
    do: effect({:reply, request, {:error, why}}, state)

  # Nothing is asked of clients.
  defp message({:response, _answer}, state), do: state

  @impl true
  def handle_info(:written, state),
    do: go_on({:noreply, write_next(%{state | outbox: Outbox.written(state.outbox)})})

  def handle_info({:did, ref, result}, state), do: ended(ref, {:answer, result}, state)

  def handle_info({:DOWN, ref, :process, _pid, reason}, state), do: ended(ref, reason, state)

  def handle_info({:EXIT, writer, _reason}, %{writer: writer} = state),
    do: {:stop, :normal, state}

  # Its own worker was cancelled, or has answered; whoever started us ends us by anything else.
  def handle_info({:EXIT, _pid, reason}, state) when reason in [:killed, :normal],
    do: {:noreply, state}

  def handle_info({:EXIT, _pid, {:answer, _result}}, state), do: {:noreply, state}
  def handle_info({:EXIT, _pid, reason}, state), do: {:stop, reason, state}

  def handle_info(:renew, state) do
    Process.send_after(self(), :renew, Attaching.renew_ms(state.machine.launch))
    news(:renew, state)
  end

  def handle_info(:last, state), do: {:stop, :normal, state}
  def handle_info(message, state), do: news(message, state)

  defp news(message, state),
    do: go_on({:noreply, state.machine |> Machine.news(message) |> done(state)})

  @impl true
  def terminate(_reason, state) do
    for {_ref, %{pid: pid}} <- state.work.running, pid != nil, do: Process.exit(pid, :kill)
    Process.exit(state.hand, :kill)
    Enum.each(Machine.undo(state.machine), &Hand.safely/1)
  end

  # What is to be done

  defp done({effects, machine}, state) do
    effects |> Enum.reduce(%{state | machine: machine}, &effect/2) |> begin()
  end

  defp effect({:reply, request, result}, state), do: push({:response, request, result}, state)
  defp effect({:event, _name, _body} = event, state), do: push(event, state)

  defp effect({:ask, job}, state) do
    case Work.add(state.work, job) do
      {:ok, work} -> %{state | work: work}
      :full -> refused(job.request, "too much waits to be answered already", state)
    end
  end

  defp effect({:cancel, seq}, state) do
    case Work.cancel(state.work, seq) do
      {:running, _ref, %{lane: nil, pid: pid}} -> kill(pid, state)
      {:waiting, job, work} -> refused(job.request, "cancelled", %{state | work: work})
      # What sets something, or lets it go on, is done whole.
      _other -> state
    end
  end

  defp effect({:end, _why}, state) do
    Process.send_after(self(), :last, @last_ms)
    %{state | ending?: true}
  end

  defp kill(pid, state) do
    Process.exit(pid, :kill)
    state
  end

  defp refused(nil, _text, state), do: state
  defp refused(request, text, state), do: push({:response, request, {:error, text}}, state)

  # What is asked of others

  defp begin(state) do
    case Work.next(state.work) do
      {:ok, job, work} -> begin(%{state | work: began(%{state | work: work}, job)})
      :none -> state
    end
  end

  # What is to belong to somebody is done by the hand.
  defp began(state, %{lane: :hand, call: call} = job) do
    ref = make_ref()
    Hand.call(state.hand, ref, call)
    Work.began(state.work, ref, Map.put(job, :pid, nil))
  end

  defp began(state, %{call: call} = job) do
    run = fn -> exit({:answer, Hand.safely(call)}) end
    {pid, ref} = :erlang.spawn_opt(run, [:link, :monitor])
    Work.began(state.work, ref, Map.put(job, :pid, pid))
  end

  defp ended(ref, outcome, state) do
    case Work.ended(state.work, ref) do
      {:ok, job, work} -> go_on({:noreply, answered(%{state | work: work}, job, outcome)})
      :error -> {:noreply, state}
    end
  end

  defp answered(state, job, {:answer, result}),
    do: state.machine |> Machine.answer(job, result) |> done(state)

  defp answered(state, job, :killed), do: job.request |> refused("cancelled", state) |> begin()

  defp answered(state, job, reason),
    do: answered(state, job, {:answer, {:error, {:crashed, reason}}})

  # What is written

  defp push(message, state) do
    case Outbox.push(state.outbox, message) do
      {:ok, outbox} -> write_next(%{state | outbox: outbox})
      :full -> %{state | ending?: :now}
    end
  end

  defp write_next(state) do
    case Outbox.next(state.outbox) do
      {:ok, message, outbox} ->
        seq = state.seq + 1
        send(state.writer, {:write, encode(message, seq)})
        %{state | outbox: outbox, seq: seq}

      :none ->
        state
    end
  end

  defp encode({:response, request, result}, seq), do: Protocol.response(seq, request, result)
  defp encode({:event, name, body}, seq), do: Protocol.event(seq, name, body)

  defp go_on({:reply, reply, state}),
    do: if(over?(state), do: {:stop, :normal, reply, state}, else: {:reply, reply, state})

  defp go_on({:noreply, state}),
    do: if(over?(state), do: {:stop, :normal, state}, else: {:noreply, state})

  defp over?(%{ending?: :now}), do: true
  defp over?(%{ending?: true, outbox: outbox}), do: Outbox.empty?(outbox)
  defp over?(_state), do: false
end
