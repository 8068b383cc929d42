defmodule ElixirScope.Distributed.CLI.Join do
  @moduledoc false
  # How a tool gets to a cluster without becoming a part of it. Its VM is hidden, so that it stands in
  # nobody's `Node.list/0`, connects nobody to each other and is connected to nobody but the node that
  # it asks. It listens at no port and is written down at no port mapper; its name is made once.
  #
  # Only a VM that is the tool's own takes a name here; where a scope runs, none does.

  alias ElixirScope.Distributed.CLI.{Cookie, Failure, Job, Request}
  alias ElixirScope.Distributed.Cluster.Probe

  # Of one question before there is an answer to wait for.
  @answer_ms 5_000
  @knock_ms 2_000

  @doc """
  Connects to the first of the named nodes that answers, and can be asked: that has the library or, where
  that will do, is `:bare`.
  """
  @spec first([String.t()], Cookie.t(), boolean) ::
          {:ok, {node, :library | :bare}} | {:error, Failure.t()}
  def first(names, cookie, bare?) do
    quietly(fn ->
      Enum.reduce_while(names, nil, fn name, failure ->
        case name |> full() |> join(cookie) |> enough(bare?) do
          {:ok, found} -> {:halt, {:ok, found}}
          {:error, next} -> {:cont, {:error, worse(failure, next)}}
        end
      end)
    end)
  end

  defp enough({:error, %{exit: :no_library, node: node}}, true), do: {:ok, {node, :bare}}
  defp enough({:ok, node}, _bare?), do: {:ok, {node, :library}}
  defp enough(failure, _bare?), do: failure

  # Of several that failed all are named; the exit code is that of the first.
  defp worse(nil, failure), do: failure

  defp worse({:error, before}, failure),
    do: %{before | message: before.message <> "\n" <> failure.message}

  @doc "Leaves; the VM has no name any more."
  @spec leave() :: :ok
  def leave do
    _stopped = :net_kernel.stop()
    :ok
  end

  # What fails is said once, by us.
  defp quietly(fun) do
    %{level: level} = :logger.get_primary_config()
    :logger.set_primary_config(:level, :none)

    try do
      fun.()
    after
      :logger.set_primary_config(:level, level)
    end
  end

  defp full(name), do: if(String.contains?(name, "@"), do: name, else: name <> "@" <> here())

  defp here do
    {:ok, host} = :inet.gethostname()
    to_string(host)
  end

  defp join(name, cookie) do
    [_name, host] = String.split(name, "@")

    with :ok <- be_named(domain(host)) do
      node = String.to_atom(name)
      show(node, cookie)
      connect(node, host)
    end
  end

  @doc """
  Which names a host has: with a dot or a colon they are long ones.

      iex> ElixirScope.Distributed.CLI.Join.domain("10.0.0.2")
      :longnames
      iex> ElixirScope.Distributed.CLI.Join.domain("web")
      :shortnames
  """
  @spec domain(String.t()) :: :longnames | :shortnames
  def domain(host), do: if(String.contains?(host, [".", ":"]), do: :longnames, else: :shortnames)

  @doc "This VM has a name of the kind, taken now if it has none."
  @spec be_named(:longnames | :shortnames) :: :ok | {:error, Failure.t()}
  def be_named(domain) do
    if Node.alive?() and named() != domain, do: leave()
    if Node.alive?(), do: :ok, else: start(domain)
  end

  @doc "Which kind of name this VM has."
  @spec named() :: :longnames | :shortnames
  def named do
    [_name, host] = node() |> Atom.to_string() |> String.split("@")
    domain(host)
  end

  defp start(domain) do
    options = %{name_domain: domain, hidden: true, dist_listen: false}

    case :net_kernel.start(own_name(domain), options) do
      {:ok, _pid} -> :ok
      {:error, reason} -> {:error, not_started(inspect(reason))}
    end
  end

  # Nobody ever looks this host up; it says to people whence the tool came.
  defp own_name(domain) do
    unique = "#{System.pid()}-" <> Base.encode16(:rand.bytes(4), case: :lower)
    host = String.replace(here(), ".", "-")
    String.to_atom("scope-#{unique}@#{host}" <> if(domain == :longnames, do: ".tool", else: ""))
  end

  defp not_started(reason) do
    if reason =~ "ookie",
      do: Failure.new(:cookie, "Erlang cannot use its file of the cookie: #{reason}"),
      else: Failure.new(:unreachable, "this VM cannot take a name: #{reason}")
  end

  defp show(_node, :file), do: :ok
  defp show(node, {:given, cookie}), do: :erlang.set_cookie(node, String.to_atom(cookie))

  defp connect(node, host) do
    began = now()

    case :net_kernel.hidden_connect_node(node) do
      true -> greet(node)
      _no -> {:error, why(node, host, now() - began)}
    end
  end

  # Why not, as far as that can be told without another attempt.
  defp why(node, host, ms) do
    with {:ok, address} <- address(host),
         :ok <- mapper(address, host) do
      because(Probe.reason(Probe.look(node, :erl_epmd), ms), node, host)
    else
      {:error, failure} -> failure
    end
  end

  defp address(host) do
    name = to_charlist(host)

    with {:error, _} <- :inet.getaddr(name, :inet),
         {:error, _} <- :inet.getaddr(name, :inet6),
         do: {:error, Failure.new(:unreachable, "the host #{host} is not known here")}
  end

  defp mapper(address, host) do
    case :gen_tcp.connect(address, Probe.epmd_port(), [family(address)], @knock_ms) do
      {:ok, socket} ->
        :gen_tcp.close(socket)

      {:error, :econnrefused} ->
        {:error, no_epmd(host)}

      {:error, reason} ->
        {:error, Failure.new(:unreachable, "#{host} does not answer: #{reason}")}
    end
  end

  defp family(address), do: if(tuple_size(address) == 8, do: :inet6, else: :inet)

  defp no_epmd(host) do
    message =
      "no port mapper (epmd) answers on #{host} at port #{Probe.epmd_port()}: no distributed node runs " <>
        "there, or its epmd has another port (ERL_EPMD_PORT)"

    Failure.new(:no_epmd, message)
  end

  defp because(:not_running, node, host),
    do:
      Failure.new(
        :not_running,
        "#{host} runs no node called #{node}; `epmd -names` there lists them"
      )

  defp because(:cookie, node, _host) do
    message =
      "#{node} refuses this cookie: set SCOPE_COOKIE to that of the cluster, or let --ask-cookie ask for " <>
        "it; if it is the same, look whether the cluster uses TLS (see the guide on mix tasks)"

    Failure.new(:cookie, message)
  end

  defp because(_unreachable, node, _host),
    do: Failure.new(:unreachable, "#{node} does not answer: look for a firewall between")

  # Whether it can be asked

  defp greet(node) do
    case ask(node, Job, :hello, []) do
      {:ok, %{protocol: protocol} = hello} ->
        understood(node, protocol, hello[:version])

      :undefined ->
        {:error, without(node, ask(node, :code, :which, [ElixirScope.Distributed]))}

      {:error, reason} ->
        {:error, Failure.new(:lost, "#{node} does not answer: #{inspect(reason)}")}
    end
  end

  defp understood(node, protocol, version) do
    if protocol == Request.protocol(),
      do: {:ok, node},
      else: {:error, other_version(node, "has version #{version} of the library")}
  end

  defp without(node, {:ok, :non_existing}) do
    message =
      "#{node} does not have the library: add :elixir_scope_distributed to its release" <>
        ", or trace it with --inject"

    %{Failure.new(:no_library, message) | node: node}
  end

  defp without(node, _there),
    do: other_version(node, "has a version of the library that is too old")

  defp other_version(node, what) do
    message =
      "#{node} #{what}, and these tasks speak another one: take them from the same version"

    Failure.new(:version, message)
  end

  defp ask(node, module, function, arguments) do
    {:ok, :erpc.call(node, module, function, arguments, @answer_ms)}
  rescue
    error in ErlangError -> refused(error.original)
  catch
    :exit, reason -> {:error, reason}
  end

  defp refused({:exception, :undef, _stack}), do: :undefined
  defp refused(reason), do: {:error, reason}

  defp now, do: System.monotonic_time(:millisecond)
end
