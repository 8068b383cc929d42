defmodule ElixirScope.Distributed.Debug.Services.Peers do
  @moduledoc false
  # What other nodes said when this one first spoke to them: their desk, what they speak and offer,
  # and how their clock stands to this one's.
  #
  # It is asked for again after a minute, so that clocks which run apart by a ten-thousandth are wrong
  # by a few milliseconds; and at once where the desk it names is gone, as another incarnation
  # of a node has another clock.
  #
  # Invariant: at most `limit/0` are known.

  alias ElixirScope.Distributed.Capture.Correlation.Token
  alias ElixirScope.Distributed.{Debug, Error}
  alias ElixirScope.Distributed.Debug.{Desk, Table}
  alias ElixirScope.Distributed.Debug.Services.{Introduced, Versions}

  @limit 512
  @known_ms 60_000
  @unknown_ms 5_000
  @hello_ms 2_000
  # Hidden nodes that are looked through for a service.
  @hidden 64

  @doc "How many nodes are known at most."
  @spec limit() :: pos_integer
  def limit, do: @limit

  @doc "Those of whom something is known."
  @spec count() :: non_neg_integer
  def count, do: length(Table.all(:peer))

  @doc "What a node said, asked for where it is not known; the time that this may take is bounded."
  @spec meet(node, until_ms :: integer) ::
          {:ok, Introduced.t()} | {:refused | :unreachable | :late, reason :: term}
  def meet(node, _until) when node == node(), do: ourselves()

  def meet(node, until) do
    case known(node) do
      %Introduced{} = peer -> agreed(peer)
      _not_known -> introduce(node, until)
    end
  end

  @doc "What it said holds no longer."
  @spec forget(node) :: true
  def forget(node), do: Table.delete({:peer, node})

  @doc "The hidden nodes that offer a service: they are in no group, so each is asked once in a while."
  @spec hidden(atom, atom) :: [{node, pid}]
  def hidden(scope, service) do
    nodes = Enum.take(Enum.sort(Node.list(:hidden)), @hidden)
    greet(Enum.reject(nodes, &told?(&1, {scope, service})))

    for node <- nodes,
        %Introduced{} = peer <- [known(node)],
        {scope, service} in peer.services,
        do: {node, peer.desk}
  end

  # Who did not offer it may do so by now.
  defp told?(node, offer) do
    case known(node) do
      nil -> false
      %Introduced{services: services} -> offer in services or fresh?(node, @unknown_ms)
      :none -> true
    end
  end

  defp greet([]), do: :ok

  defp greet(nodes) do
    sent = Desk.now_ms()

    {answers, silent} =
      aside(fn -> GenServer.multi_call(nodes, Desk, Desk.hello(), @hello_ms) end)

    for {node, answer} <- answers, do: keep(node, Introduced.read(node, answer, sent))
    for node <- silent, do: keep(node, :none)
    :ok
  end

  defp introduce(node, until) do
    sent = Desk.now_ms()
    wait_ms = max(min(until - sent, @hello_ms), 1)
    answer = aside(fn -> GenServer.call({Desk, node}, Desk.hello(), wait_ms) end)

    with %Introduced{} = peer <- keep(node, Introduced.read(node, answer, sent)),
         do: agreed(peer),
         else: (:none -> {:refused, no_common_version(node, nil)})
  catch
    :exit, {:timeout, _call} -> {:late, Error.new(:too_late, node: node)}
    :exit, _not_there -> {:unreachable, {:connection_failed, node}}
  end

  defp agreed(%{version: nil} = peer),
    do: {:refused, no_common_version(peer.node, peer.versions)}

  defp agreed(peer), do: {:ok, peer}

  defp no_common_version(node, theirs),
    do: Error.new(:no_common_version, node: node, ours: Versions.own(), theirs: theirs)

  defp ourselves do
    {_lowest, highest} = Versions.own()

    case Process.whereis(Desk) do
      nil -> {:unreachable, Error.new(:disabled)}
      desk -> {:ok, %Introduced{node: node(), desk: desk, version: highest, ahead_ms: 0}}
    end
  end

  defp known(node) do
    {_at, known} = Table.get({:peer, node}, {nil, nil})
    if fresh?(node, if(known == :none, do: @unknown_ms, else: @known_ms)), do: known
  end

  defp fresh?(node, lasts_ms) do
    {at, _known} = Table.get({:peer, node}, {nil, nil})
    at != nil and Desk.now_ms() - at < lasts_ms
  end

  defp keep(node, known) do
    if Table.get({:peer, node}) == nil, do: make_room()
    Table.put({:peer, node}, {Desk.now_ms(), known})
    known
  end

  # Who was asked longest ago is asked again soon in any case.
  defp make_room do
    peers = Table.all(:peer)

    if length(peers) >= @limit do
      {node, _known} = Enum.min_by(peers, fn {_node, {at, _known}} -> at end)
      forget(node)
    end
  end

  defp aside(fun), do: Token.aside(fun)

  @doc "Who is in the group of a service, this node first, the others in an order of this node's own."
  @spec members(atom, atom) :: [{node, pid}]
  def members(scope, service) do
    pids = :pg.get_members(Debug, Desk.Register.group(scope, service))

    Enum.sort_by(
      for(pid <- pids, do: {node(pid), pid}),
      fn {node, _pid} -> {node != node(), :erlang.phash2({node(), node})} end
    )
  rescue
    # `:pg` is not there.
    ArgumentError -> []
  end
end
