defmodule ElixirScope.Distributed.Case.Cluster do
  @moduledoc """
  Real nodes on this machine, and what can happen to them.

  The verbs of `ElixirScope.Distributed.Case` without ExUnit, for scripts and
  benchmarks: nodes end with the process that started them.

      [a, b] = Cluster.start_nodes(2, apps: [])
      Cluster.partition([a], [b])
      Cluster.on(a, &Node.list/0)
      #=> []

  Each node is an operating system process, driven over its standard input and
  output. That channel is outside Erlang distribution: it stays open in a
  partition, works between versions of OTP, and leaves the starting node as it
  is, distributed or not.
  """

  alias ElixirScope.Distributed.Case.{Boot, Modules, Peer, Run}

  @call_ms 60_000

  @doc """
  Starts nodes: a number of them, or one for each name.

  Returns their full names in that order. A name is a prefix, made unique in the
  machine. See `ElixirScope.Distributed.Case` for the options.

      [web, orders] = Cluster.start_nodes([:web, :orders], apps: [:shop])
  """
  @spec start_nodes(pos_integer | [atom], keyword, (Peer.spec() -> GenServer.on_start())) ::
          [node]
  def start_nodes(number_or_names, options \\ [], starter \\ &Peer.start_link/1) do
    settings = Boot.settings(options)
    Run.ensure_started()
    nodes = number_or_names |> names() |> Enum.map(&name(&1, settings))
    for node <- nodes, do: {:ok, _} = starter.({node, nodes -- [node], settings})
    Enum.each(nodes, &up!(&1, Peer.await(&1)))
    if settings.connect, do: connect(nodes)
    nodes
  end

  @doc """
  Connects nodes with each other, as far as nothing is cut.

      Cluster.connect([a, b, c])
  """
  @spec connect([node]) :: :ok
  def connect([]), do: :ok

  def connect([node | others]) do
    Enum.each(others, &link(node, &1))
    connect(others)
  end

  # The end that was asked learns of the connection a moment later.
  defp link(node, other) do
    with true <- on(node, :net_kernel, :connect_node, [other]),
         do: on(other, :net_kernel, :connect_node, [node])
  end

  @doc """
  Cuts the network between two sides, or in one direction.

      partition([a], [b, c])    # no connection between a and the others, whoever tries
      partition(a, to: b)       # a cannot open a connection to b; b can to a

  Existing connections between them are closed before it returns.

  Erlang distribution has one connection for both directions of messages, so what
  a one-way cut takes away is not the messages of one direction but who can bring
  the connection back: after `partition(a, to: b)` the two are apart until `b`
  connects to `a`; from then on both can send. It is what a firewall or an address
  translation between two sites does.
  """
  @spec partition(node | [node], node | [node] | [to: node | [node]]) :: :ok
  def partition(from, to: to), do: cut(List.wrap(from), List.wrap(to))

  def partition(left, right) do
    {left, right} = {List.wrap(left), List.wrap(right)}
    for {from, to} <- [{left, right}, {right, left}], node <- from, do: Peer.close(node, to)
    for one <- left, other <- right, do: sever(one, other)
    :ok
  end

  @doc """
  Takes back every cut among `nodes` and connects them.

      Cluster.heal([a, b, c])

  With `connect: false` the way is open again but nobody is made to take it.
  """
  @spec heal([node], connect: boolean) :: :ok
  def heal(nodes, options \\ []) do
    Enum.each(nodes, &Peer.close(&1, [], nodes))
    if Keyword.get(options, :connect, true), do: nodes |> Enum.filter(&answers?/1) |> connect()
    :ok
  end

  @doc """
  Kills the operating system process of `node` with SIGKILL; returns when it is gone.

      Cluster.kill(b)
  """
  @spec kill(node) :: :ok
  defdelegate kill(node), to: Peer

  @doc """
  Stops `node` in order, with all its applications; returns when it is gone.

      Cluster.stop(b)
  """
  @spec stop(node) :: :ok
  defdelegate stop(node), to: Peer

  @doc """
  Starts `node` again, killing it first where it still runs.

  It has the same name and options and is a new incarnation: nothing of its memory
  is left. What is cut stays cut; it connects to those it was started with.

      Cluster.restart(b)
  """
  @spec restart(node) :: :ok
  def restart(node) do
    up!(node, Peer.boot(node))
    mates = Enum.filter(Peer.mates(node), &answers?/1)
    Enum.each(mates, &on(node, :net_kernel, :connect_node, [&1]))
  end

  @doc """
  Freezes the operating system process of `node`: its connections become half-open.

  Others find out when their ticks stay unanswered; start nodes with
  `net_ticktime: 4` so that this takes seconds. A frozen node answers no `on/2`;
  what is cut while it is frozen is cut for it, too.

      Cluster.freeze(b)
  """
  @spec freeze(node) :: :ok
  defdelegate freeze(node), to: Peer

  @doc """
  Lets a frozen node go on.

      Cluster.thaw(b)
  """
  @spec thaw(node) :: :ok
  defdelegate thaw(node), to: Peer

  @doc """
  Whether the operating system process of `node` runs.

      Cluster.alive?(b)
  """
  @spec alive?(node) :: boolean
  def alive?(node), do: Peer.os_pid(node) != nil

  @doc """
  Runs a function on a node, or on each of several, and returns what it returned.

  What it raises is raised here, failed assertions included. A function written in
  a test module runs there too; modules defined inside a test file do not.

      on(a, fn -> Node.list() end)
      on([a, b], &Node.self/0)
  """
  @spec on(node | [node], (... -> result)) :: result | [result] when result: term
  def on(nodes, fun) when is_list(nodes), do: Enum.map(nodes, &on(&1, fun))

  def on(node, fun) when is_function(fun, 0) do
    call = call(node)
    Modules.hand_over(fun, call)
    call.(:erlang, :apply, [fun, []])
  end

  @doc """
  Applies a function on a node, or on each of several.

      on(a, Node, :list, [])
  """
  @spec on(node | [node], module, atom, [term]) :: term
  def on(nodes, module, function, arguments) when is_list(nodes) do
    Enum.map(nodes, &on(&1, module, function, arguments))
  end

  def on(node, module, function, arguments), do: call(node).(module, function, arguments)

  # Helpers

  defp call(node) do
    case Peer.control(node) do
      {:ok, control} -> &:peer.call(control, &1, &2, &3, @call_ms)
      {:error, :down} -> raise "#{node} is down: restart(#{inspect(node)}) brings it back"
      {:error, :frozen} -> raise "#{node} is frozen: thaw(#{inspect(node)}) lets it go on"
    end
  end

  defp answers?(node), do: match?({:ok, _control}, Peer.control(node))

  defp cut(from, to) do
    Enum.each(from, &Peer.close(&1, to))
    for one <- from, other <- to, answers?(one), do: on(one, :erlang, :disconnect_node, [other])
    :ok
  end

  # An attempt to connect that began before the cut may still succeed after it:
  # only a refused attempt of our own shows that none is under way.
  defp sever(one, other) do
    Enum.each([{one, other}, {other, one}], fn {from, to} ->
      answers?(from) && refuse(from, to)
    end)
  end

  defp refuse(from, to) do
    on(from, :erlang, :disconnect_node, [to])
    if on(from, :net_kernel, :connect_node, [to]), do: refuse(from, to)
  end

  defp up!(_node, :ok), do: :ok
  defp up!(node, {:error, reason}), do: raise("#{node} did not start: #{inspect(reason)}")

  defp names(number) when is_integer(number), do: Enum.map(1..number, &"node#{&1}")
  defp names(names) when is_list(names), do: names

  defp name(name, %{unique: false, host: host}), do: String.to_atom("#{name}@#{host}")

  # The machine's epmd may be shared: the pid keeps runs apart, the integer tests.
  defp name(name, %{host: host}) do
    String.to_atom("#{name}-#{System.pid()}-#{System.unique_integer([:positive])}@#{host}")
  end
end
