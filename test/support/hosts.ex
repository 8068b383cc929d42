defmodule ElixirScope.Distributed.Hosts do
  @moduledoc false
  # Hosts of their own for test nodes: a network namespace for each, and between them a wire that
  # loses, delays and cuts in each direction (`wire.c`). This finds what cutting Erlang's connections
  # cannot: packets that nobody answers, half-open connections, net ticks.
  #
  # The wire stands in for `tc netem`, whose module many kernels do not have, and needs root,
  # /dev/net/tun, a C compiler and nsenter (util-linux). Hosts have no name on this machine and end with
  # the process that started them, however that ends.

  use GenServer

  import ElixirScope.Distributed.Case, only: [start_nodes: 2]

  alias ElixirScope.Distributed.Case.{Epmd, Run}

  @source Path.join(__DIR__, "wire.c")
  @external_resource @source
  @wire File.read!(@source)
  @everything 1_000_000

  @doc "What is missing for hosts of their own, `nil` if they can be had."
  @spec missing :: String.t() | nil
  def missing do
    cond do
      :os.type() != {:unix, :linux} -> "hosts of their own need Linux"
      System.find_executable("cc") == nil -> "hosts of their own need cc: apt-get install gcc"
      System.find_executable("nsenter") == nil -> "hosts of their own need nsenter (util-linux)"
      not File.exists?("/dev/net/tun") -> "hosts of their own need /dev/net/tun"
      not root?() -> "hosts of their own need root (CAP_SYS_ADMIN, CAP_NET_ADMIN)"
      true -> nil
    end
  end

  @doc "Starts `number` hosts, numbered from one, linked to the caller; the wire is built in `folder`."
  @spec start_link({pos_integer, Path.t(), seed :: pos_integer}) :: GenServer.on_start()
  def start_link(start), do: GenServer.start_link(__MODULE__, start)

  @doc "Starts a node on each host, from the first to the last, and connects them."
  @spec nodes(pid, keyword) :: [node]
  def nodes(hosts, options \\ []) do
    nodes = for n <- 1..number(hosts), do: hd(node(hosts, n, options))
    ElixirScope.Distributed.Case.connect(nodes)
    nodes
  end

  @doc "Starts a node on host `n`."
  def node(hosts, n, options) do
    start_nodes([:"host#{n}"], [connect: false] ++ options ++ GenServer.call(hosts, {:place, n}))
  end

  @doc "How many hosts there are."
  def number(hosts), do: GenServer.call(hosts, :number)

  @doc "Nothing gets from one side to the other any more, and nobody is told."
  def cut(hosts, left, right) do
    cut_one_way(hosts, left, right)
    cut_one_way(hosts, right, left)
  end

  @doc "Nothing gets from `from` to `to`; the other way is as it was."
  def cut_one_way(hosts, from, to), do: each(hosts, from, to, 0, @everything)

  @doc "What is sent in either direction takes `ms` longer, and `loss` of it (0.0 to 1.0) is lost."
  def slow(hosts, left, right, ms, loss) do
    each(hosts, left, right, ms, round(loss * @everything))
    each(hosts, right, left, ms, round(loss * @everything))
  end

  @doc "Every packet gets everywhere at once again."
  def mend(hosts) do
    all = Enum.to_list(1..number(hosts))
    each(hosts, all, all, 0, 0)
  end

  defp each(hosts, from, to, ms, ppm) do
    for one <- List.wrap(from), other <- List.wrap(to), one != other do
      :ok = GenServer.call(hosts, {:tell, "#{one} #{other} #{ms * 1_000} #{ppm}\n"})
    end

    :ok
  end

  @impl true
  def init({number, folder, seed}) do
    Run.ensure_started()
    epmd = System.find_executable("epmd") || raise "epmd, a part of Erlang, is not on the PATH"
    arguments = Enum.map([number, seed, epmd, Epmd.port()], &to_string/1)
    wire = {:spawn_executable, build!(folder)}
    port = Port.open(wire, [:binary, :exit_status, line: 4_096, args: arguments])
    ["ready", pid | files] = port |> heard() |> String.split()
    {:ok, %{port: port, places: Enum.map(files, &"--net=/proc/#{pid}/fd/#{&1}")}}
  end

  @impl true
  def handle_call(:number, _from, state), do: {:reply, length(state.places), state}

  def handle_call({:place, n}, _from, state) do
    exec = {System.find_executable("nsenter"), [Enum.at(state.places, n - 1), "erl"]}
    {:reply, [host: "10.231.0.#{n}", exec: exec], state}
  end

  def handle_call({:tell, line}, _from, state) do
    Port.command(state.port, line)
    "ok" = heard(state.port)
    {:reply, :ok, state}
  end

  defp heard(port) do
    receive do
      {^port, {:data, {:eol, line}}} -> line
      {^port, {:exit_status, status}} -> raise "the wire between hosts ended with #{status}"
    after
      10_000 -> raise "the wire between hosts says nothing"
    end
  end

  defp build!(folder) do
    File.write!(Path.join(folder, "wire.c"), @wire)
    {_output, 0} = System.cmd("cc", ~w(-O1 -o wire wire.c), cd: folder, stderr_to_stdout: true)
    Path.join(folder, "wire")
  end

  # Whether it may make a namespace, which in a container also root may not.
  defp root? do
    match?({_output, 0}, System.cmd("unshare", ["--net", "true"], stderr_to_stdout: true))
  rescue
    ErlangError -> false
  end
end
