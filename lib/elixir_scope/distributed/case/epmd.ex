defmodule ElixirScope.Distributed.Case.Epmd do
  @moduledoc false
  # The port mapper of one test run. It has a port of its own, so that two runs on
  # one machine never see each other's nodes, unless ERL_EPMD_PORT names one. What
  # answers there already belongs to somebody else and is left running; what is
  # started here ends with this process, and with the VM however that ends: its
  # shell waits on a pipe that the operating system closes.

  use GenServer

  @attempts 5
  @answers_within_ms 5_000
  @names_request <<0, 1, ?n>>
  @until_closed ~S("$0" "$@" & while read -r _; do :; done; kill $!)

  @doc "Starts or finds the run's epmd and returns when it answers."
  @spec start_link(keyword) :: GenServer.on_start()
  def start_link(_options), do: GenServer.start_link(__MODULE__, :ok, name: __MODULE__)

  @doc "The port at which the run's epmd answers."
  @spec port :: :inet.port_number()
  def port, do: GenServer.call(__MODULE__, :port, 60_000)

  @doc "Whether an epmd answers at `port`."
  @spec answers?(:inet.port_number()) :: boolean
  def answers?(port) do
    case :gen_tcp.connect({127, 0, 0, 1}, port, [:binary, active: false], 1_000) do
      {:ok, socket} -> names_port(socket) == {:ok, <<port::32>>}
      {:error, _reason} -> false
    end
  end

  @impl true
  def init(:ok), do: {:ok, open(System.get_env("ERL_EPMD_PORT"))}

  @impl true
  def handle_call(:port, _from, state), do: {:reply, state.port, state}

  # What the shell says after its epmd answered is of no interest.
  @impl true
  def handle_info({_shell, _what}, state), do: {:noreply, state}

  defp open(nil),
    do: Enum.find_value(1..@attempts, &on_free_port/1) || raise(no_epmd("a free port"))

  defp open(given) do
    port = String.to_integer(given)
    if answers?(port), do: %{port: port}, else: own(port) || raise(no_epmd("port #{given}"))
  end

  defp on_free_port(_attempt), do: own(free_port())

  defp own(port) do
    shell = run(port)
    if answers_soon?(port, shell, deadline()), do: %{port: port, shell: shell}
  end

  defp run(port) do
    arguments = ["-c", @until_closed, executable(), "-port", "#{port}", "-address", "127.0.0.1"]
    Port.open({:spawn_executable, System.find_executable("sh")}, [:exit_status, args: arguments])
  end

  defp answers_soon?(port, shell, deadline) do
    answers?(port) || (waited?(shell, deadline) && answers_soon?(port, shell, deadline))
  end

  defp waited?(shell, deadline) do
    receive do
      {^shell, {:exit_status, _status}} -> false
    after
      20 -> System.monotonic_time(:millisecond) < deadline
    end
  end

  defp names_port(socket) do
    :ok = :gen_tcp.send(socket, @names_request)
    :gen_tcp.recv(socket, 4, 1_000)
  after
    :gen_tcp.close(socket)
  end

  # Another program may take the port before epmd does; then the next one is tried.
  defp free_port do
    {:ok, socket} = :gen_tcp.listen(0, ip: {127, 0, 0, 1})
    {:ok, port} = :inet.port(socket)
    :gen_tcp.close(socket)
    port
  end

  defp executable do
    bundled =
      Path.join([:code.root_dir(), "erts-#{:erlang.system_info(:version)}", "bin", "epmd"])

    if File.exists?(bundled),
      do: bundled,
      else: System.find_executable("epmd") || raise(missing())
  end

  defp deadline, do: System.monotonic_time(:millisecond) + @answers_within_ms
  defp no_epmd(where), do: "epmd does not answer on #{where} within #{@answers_within_ms} ms"
  defp missing, do: "epmd, a part of Erlang, is not on the PATH: test nodes need it"
end
