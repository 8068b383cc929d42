defmodule ElixirScope.Distributed.Debug.Session.Distribution do
  @moduledoc false
  # Names, cookies and connections of Erlang's distribution, as debugging uses them: a VM that was started
  # takes its name at one interface; the VM that debugs takes one at which nobody can reach it, connects
  # hidden, and so is no member of anything.
  #
  # Why there is a port mapper: whoever connects finds the other's port by what it was told when *it* was
  # started (`-erl_epmd_port`, `-epmd_module`: flags that OTP 25 to 29 read from the command line alone), and
  # the VM that debugs is one that was started long ago by somebody else. `-dist_listen false`
  # has an equal that can be said later, and is what that one uses. So nodes are registered at the port
  # mapper; where none runs one is started, at the same interface alone.

  alias ElixirScope.Distributed.Cluster.Probe

  @loopback {127, 0, 0, 1}

  @mapper_ms 5_000
  @look_ms 20
  @ask_ms 5_000

  @type orders :: %{
          name: String.t(),
          domain: :longnames | :shortnames,
          interface: :inet.ip4_address(),
          hidden: boolean,
          cookie: String.t() | nil,
          cookies: [{String.t(), String.t()}]
        }

  @doc "This VM becomes a node, at one interface, with a cookie that nobody else reads."
  @spec start(orders) :: :ok | {:error, String.t()}
  def start(orders) do
    Application.put_env(:kernel, :inet_dist_use_interface, orders.interface, persistent: true)
    options = %{name_domain: orders.domain, hidden: orders.hidden}

    with :ok <- mapper(orders.interface),
         {:ok, _pid} <- :net_kernel.start(String.to_atom(orders.name), options) do
      secret(orders)
    else
      {:error, reason} -> {:error, because(reason, orders.name)}
    end
  end

  defp secret(orders) do
    if orders.cookie, do: :erlang.set_cookie(String.to_atom(orders.cookie))
    for {node, cookie} <- orders.cookies, do: show(String.to_atom(node), cookie)
    :ok
  end

  defp because(why, _name) when is_binary(why), do: why

  defp because(reason, name) do
    if inspect(reason) =~ "duplicate_name",
      do: "another node is called #{name}",
      else: "this VM cannot be called #{name}: #{inspect(reason)}"
  end

  @doc "The cookie by which this VM connects to a node."
  @spec show(node, String.t()) :: true
  def show(node, cookie), do: :erlang.set_cookie(node, String.to_atom(cookie))

  @doc "A port mapper answers; one is started where none does, at that interface and at loopback."
  @spec mapper(:inet.ip4_address()) :: :ok | {:error, String.t()}
  def mapper(interface \\ @loopback) do
    if mapper?(), do: :ok, else: start_mapper(interface)
  end

  defp mapper?, do: match?({:ok, _names}, :erl_epmd.names(@loopback))

  # It stays, as one does that Erlang starts: others may have come to use it.
  defp start_mapper(interface) do
    address = interface |> :inet.ntoa() |> to_string()

    case System.cmd(program(), ["-daemon", "-address", address], stderr_to_stdout: true) do
      {_said, 0} -> answers(now() + @mapper_ms)
      {said, _status} -> {:error, "epmd: #{said}"}
    end
  rescue
    ErlangError -> {:error, "epmd, a part of Erlang, cannot be started"}
  end

  defp answers(deadline) do
    cond do
      mapper?() -> :ok
      now() > deadline -> {:error, "epmd does not answer at port #{Probe.epmd_port()}"}
      true -> again(deadline)
    end
  end

  defp again(deadline) do
    receive do
      :never -> :ok
    after
      @look_ms -> answers(deadline)
    end
  end

  @doc "Nothing more: the VM is there until it is ended."
  @spec rest() :: no_return
  def rest, do: receive(do: (:never -> :ok))

  defp program do
    own = Path.join([:code.root_dir(), "erts-#{:erlang.system_info(:version)}", "bin", "epmd"])
    if File.exists?(own), do: own, else: "epmd"
  end

  @doc "Opens a hidden connection to a node; `true` where there is one."
  @spec connect(node) :: boolean
  def connect(node), do: :net_kernel.hidden_connect_node(node) == true

  @doc "The same, of a node by its name as text that was checked."
  @spec reach(String.t()) :: boolean
  def reach(name), do: name |> String.to_atom() |> connect()

  @doc "Closes it."
  @spec disconnect(node) :: :ok
  def disconnect(node) do
    _ignored = :erlang.disconnect_node(node)
    :ok
  end

  @doc "The calling process is told of connections that begin and end."
  @spec watch() :: :ok
  def watch do
    :ok = :net_kernel.monitor_nodes(true, [:nodedown_reason, node_type: :all])
  end

  @doc "Whether a node that is connected answers: OTP's own question, of `net_adm:ping/1`."
  @spec answers?(node) :: boolean
  def answers?(node) do
    GenServer.call({:net_kernel, node}, {:is_auth, node()}, @ask_ms) == :yes
  catch
    :exit, _reason -> false
  end

  defp now, do: System.monotonic_time(:millisecond)
end
