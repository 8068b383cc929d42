defmodule ElixirScope.Distributed.Debug.Session.Guest do
  @moduledoc false
  # A session's process in a VM that it started: at the other end of the pipe. It takes the VM's name and
  # cookie from there, tells how far the VM is, and ends the VM when the session is gone: at once when the
  # pipe is closed, which the system does however the other side ended, and when nothing came for longer than
  # the lease, as of a VM that stands still.

  use GenServer

  alias ElixirScope.Distributed.Config
  alias ElixirScope.Distributed.Debug.Session.{Distribution, Wire}

  @pipe {:fd, 3, 4}

  # Until the first message: the other side is one that has just started us.
  @first_lease_ms 30_000

  # How long an orderly end may take where nobody is left to end it otherwise.
  @grace_ms 2_000

  # Of a VM that ended because the session is gone.
  @status 1

  defstruct [:port, :lease_ms, :seen, :timer, orders: %{}, done: [], waiting: []]

  @doc "Starts it, under its name."
  @spec start() :: GenServer.on_start()
  def start do
    with {:ok, guest} <- GenServer.start(__MODULE__, :ok, name: __MODULE__) do
      spawn(fn -> watch(guest) end)
      {:ok, guest}
    end
  end

  # A VM that nobody watches over any more is not to stay.
  defp watch(guest) do
    monitor = Process.monitor(guest)
    receive do: ({:DOWN, ^monitor, _, _, _} -> :erlang.halt(@status, flush: false))
  end

  @doc "Whether this VM was started by a session."
  @spec here?() :: boolean
  def here?, do: Process.whereis(__MODULE__) != nil

  @doc "What was ordered at the boot, when `what` has been."
  @spec await(GenServer.server(), :prepare | :run) :: map
  def await(guest \\ __MODULE__, what), do: GenServer.call(guest, {:await, what}, :infinity)

  @doc "Tells that everything can be debugged now."
  @spec ready() :: :ok
  def ready, do: GenServer.call(__MODULE__, {:tell, :ready})

  @doc "Starts what answers a debugger in this VM: the library, from its own folder of code."
  @spec serve() :: :ok
  def serve do
    Enum.each(folders(), &:code.add_patha/1)
    {:ok, _started} = Application.ensure_all_started(:elixir_scope_distributed)
    :ok
  end

  @doc "Where that code is, and that of OTP's debugger."
  @spec folders() :: [charlist]
  def folders do
    own = :code.which(__MODULE__) |> to_string() |> Path.dirname() |> to_charlist()
    [own | for(folder <- [debugger()], File.dir?(folder), do: folder)]
  end

  defp debugger do
    [:code.root_dir(), "lib", "debugger-*", "ebin"]
    |> Enum.map(&to_string/1)
    |> Path.join()
    |> Path.wildcard()
    |> List.first("")
    |> to_charlist()
  end

  @impl true
  def init(:ok) do
    Process.flag(:priority, :high)
    Process.flag(:trap_exit, true)
    port = Port.open(@pipe, [:binary, :eof, packet: 4])
    {:ok, leased(%__MODULE__{port: port, seen: now()}, @first_lease_ms)}
  end

  @impl true
  def handle_call({:await, what}, from, %{done: done} = state) do
    if what in done,
      do: {:reply, state.orders, state},
      else: {:noreply, %{state | waiting: [{what, from} | state.waiting]}}
  end

  def handle_call({:tell, report}, _from, state), do: {:reply, say(state, report), state}

  @impl true
  def handle_info({port, {:data, bytes}}, %{port: port} = state) do
    {:ok, order} = Wire.decode(bytes)
    {:noreply, follow(order, %{state | seen: now()})}
  end

  def handle_info({port, :eof}, %{port: port} = state), do: {:noreply, over(state)}
  # It was written to, and nobody reads.
  def handle_info({:EXIT, port, _reason}, %{port: port} = state), do: {:noreply, over(state)}

  def handle_info(:lease, %{seen: seen, lease_ms: lease} = state),
    do: {:noreply, if(now() - seen > lease, do: over(state), else: leased(state, lease))}

  def handle_info(:halt, _state), do: :erlang.halt(@status, flush: false)
  def handle_info(_other, state), do: {:noreply, state}

  defp follow({:boot, orders}, state), do: booted(%{state | orders: open(orders)}, orders)
  defp follow(:there?, state), do: told(state, :here)
  defp follow(:stop, state), do: tap(state, fn _state -> :init.stop() end)

  defp follow(what, state) when what in [:prepare, :run] do
    {due, waiting} = Enum.split_with(state.waiting, &(elem(&1, 0) == what))
    for {_what, from} <- due, do: GenServer.reply(from, state.orders)
    %{state | done: [what | state.done], waiting: waiting}
  end

  # Whoever asks for the orders learns no cookie.
  defp open(orders), do: Map.drop(orders, [:cookie, :cookies, :env])

  defp booted(state, orders) do
    restore(orders.env)
    Config.grant(orders.grant)

    case Distribution.start(orders) do
      :ok -> told(leased(state, orders.lease_ms), {:up, to_string(node()), os_pid()})
      {:error, why} -> told(state, {:failed, why})
    end
  end

  # What was set to get here is not for the programs that this VM will start.
  defp restore(env) do
    for {name, value} <- env,
        do: if(value, do: System.put_env(name, value), else: System.delete_env(name))
  end

  defp os_pid, do: to_string(:os.getpid())

  defp told(state, report) do
    say(state, report)
    state
  end

  defp say(state, report) do
    Port.command(state.port, Wire.encode(report))
    :ok
  rescue
    # The other side is gone; the pipe's end says so.
    ArgumentError -> :ok
  end

  # Once: nothing is looked at any more.
  defp over(%{lease_ms: :infinity} = state), do: state

  defp over(state) do
    Process.cancel_timer(state.timer)
    Process.send_after(self(), :halt, @grace_ms)
    :init.stop(@status)
    %{state | lease_ms: :infinity}
  end

  defp leased(%{lease_ms: :infinity} = state, _lease), do: state

  defp leased(state, lease) do
    if state.timer, do: Process.cancel_timer(state.timer)
    timer = Process.send_after(self(), :lease, max(div(lease, 4), 100))
    %{state | lease_ms: lease, timer: timer}
  end

  defp now, do: System.monotonic_time(:millisecond)
end
