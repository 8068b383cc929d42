defmodule ElixirScope.Distributed.Debug.TracerStream.Relay do
  @moduledoc false
  # A subscription: the process beside a subscriber that asks the stream for what comes next, and for
  # more when that was delivered. It decides nothing but when; what is next is in `Follow`.

  use GenServer, restart: :temporary

  alias ElixirScope.Distributed.{Debug, Error}
  alias ElixirScope.Distributed.Debug.{Services, TracerStream}
  alias ElixirScope.Distributed.Debug.TracerStream.Follow

  # How soon it is looked again whether a subscriber has read what it has.
  @look_ms 50
  @again_ms 200
  @longest_ms 5_000

  @enforce_keys [:subscriber, :options]
  defstruct [:subscriber, :options, :stream, :held, follow: Follow.new(), wait_ms: @again_ms]

  @doc "Starts one for a process of this node."
  @spec start(pid, keyword) :: {:ok, pid} | {:error, Error.t()}
  def start(subscriber, options) do
    start = {GenServer, :start_link, [__MODULE__, {subscriber, options}]}
    spec = %{id: {__MODULE__, make_ref()}, start: start, restart: :temporary}
    Debug.Supervisor.ensure(:language, spec)
  end

  @spec stop(pid) :: :ok
  def stop(relay), do: GenServer.cast(relay, :stop)

  @impl true
  def init({subscriber, options}) do
    Process.monitor(subscriber)
    state = %__MODULE__{subscriber: subscriber, options: options}
    {:ok, state, {:continue, :ask}}
  end

  @impl true
  def handle_continue(:ask, state), do: ask(state)

  @impl true
  def handle_cast(:stop, state), do: {:stop, :normal, state}

  @impl true
  def handle_info({:DOWN, _ref, :process, subscriber, _why}, %{subscriber: subscriber} = state),
    do: {:stop, :normal, state}

  def handle_info({:DOWN, ref, :process, _stream, _why}, %{stream: {ref, _pid}} = state),
    do: {:noreply, later(%{state | stream: nil})}

  def handle_info({:tracer_update, _kind, _version, _what} = update, state) do
    case Follow.take(state.follow, update) do
      {:deliver, follow} -> deliver(%{state | follow: follow, held: update})
      :ask -> ask(state)
      :ignore -> {:noreply, state}
    end
  end

  def handle_info(:look, %{held: nil} = state), do: {:noreply, state}
  def handle_info(:look, state), do: deliver(state)
  def handle_info(:ask, %{stream: nil} = state), do: ask(state)
  def handle_info(_other, state), do: {:noreply, state}

  # Nothing more is asked for before this is delivered.
  defp deliver(%{held: update, options: options} = state) do
    limit = options[:queue]

    case Process.info(state.subscriber, :message_queue_len) do
      {:message_queue_len, waiting} when waiting <= limit ->
        send(state.subscriber, update)
        ask(%{state | held: nil})

      _too_many_or_gone ->
        Process.send_after(self(), :look, @look_ms)
        {:noreply, state}
    end
  end

  defp ask(%{held: nil} = state) do
    case asked(state.options, Follow.position(state.follow)) do
      {:ok, stream} -> {:noreply, monitored(%{state | wait_ms: @again_ms}, stream)}
      {:error, _reason} -> {:noreply, later(state)}
    end
  end

  defp ask(state), do: {:noreply, state}

  defp asked(options, position) do
    call = [scope: options[:scope], node: options[:node], retries: 0]

    if options[:node] == node() do
      TracerStream.Served.subscribe(self(), position)
    else
      with {:ok, stream, _about} <-
             Services.call(:tracer_data_access, :subscribe, [self(), position], call),
           do: {:ok, stream}
    end
  end

  defp monitored(%{stream: {_ref, stream}} = state, stream), do: state

  defp monitored(%{stream: {ref, _other}} = state, stream) do
    Process.demonitor(ref, [:flush])
    monitored(%{state | stream: nil}, stream)
  end

  defp monitored(state, stream), do: %{state | stream: {Process.monitor(stream), stream}}

  defp later(state) do
    Process.send_after(self(), :ask, state.wait_ms)
    %{state | wait_ms: min(state.wait_ms * 2, @longest_ms)}
  end
end
