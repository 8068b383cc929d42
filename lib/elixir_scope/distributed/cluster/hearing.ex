defmodule ElixirScope.Distributed.Cluster.Hearing do
  @moduledoc false
  # Whom of the members this node hears, and what they say of whom they hear.
  #
  # Each member tells each other its view, numbered, until that one said that it has it;
  # from then on a message of a few bytes per interval says that it is still there. Of a
  # member that was not heard for a while answers are asked for, sixteen in the next interval
  # (as in SWIM: Das et al., 2002); only one that leaves all of them unanswered is silent. So
  # a fifth of all messages may be lost and nobody is taken for silent, and a node that was
  # itself stopped for a while suspects nobody before it asked. Who was never heard may still be
  # joining, which takes several messages of which each can be lost or late: it is asked four times as
  # long. What is said between two steps is no question of its own, as no answer could have come.
  #
  # Invariant: `peers` are the members; `told <= number`, the last view they have of ours;
  # `row` is the body of their view number `theirs`.

  @steps 16
  @joining 4 * @steps
  @tries 32

  @typedoc "A view: `body` is left out for who has it already."
  @type view :: %{number: pos_integer, seen: non_neg_integer, ask: boolean, body: term | nil}
  @type send :: {node, view}
  @type t :: %__MODULE__{
          interval: pos_integer,
          number: pos_integer,
          body: term,
          peers: %{node => map}
        }

  defstruct [:interval, number: 1, body: nil, peers: %{}]

  @doc "A node that hears nobody yet; `interval` is in milliseconds."
  @spec new(pos_integer, term) :: t
  def new(interval, body), do: %__MODULE__{interval: interval, body: body}

  @doc "These are the members now."
  @spec members(t, [node], integer) :: t
  def members(hearing, nodes, now) do
    new = Map.new(nodes, &{&1, new_peer(now)})
    %{hearing | peers: Map.merge(new, Map.take(hearing.peers, nodes))}
  end

  @doc "A member introduced itself: it knows nothing of ours, and numbers its views anew."
  @spec greeted(t, node, integer) :: t
  def greeted(%{peers: peers} = hearing, node, now) when is_map_key(peers, node),
    do: put_in(hearing.peers[node], new_peer(now))

  def greeted(hearing, _stranger, _now), do: hearing

  @doc "What this node sees from now on; whoever has another view of it is told."
  @spec say(t, term, integer) :: {[send], t}
  def say(%{body: body} = hearing, body, _now), do: {[], hearing}

  def say(hearing, body, now) do
    peers = Map.new(hearing.peers, fn {node, peer} -> {node, %{peer | tries: 0}} end)

    send_all(%{hearing | body: body, number: hearing.number + 1, peers: peers}, now, fn _ ->
      true
    end)
  end

  @doc "A view of `from`, and what to answer."
  @spec heard(t, node, view, integer) :: {[send], t}
  def heard(%{peers: peers} = hearing, from, view, now) when is_map_key(peers, from) do
    peer = peers[from]
    news? = view.body != nil and view.number > peer.theirs
    told = min(max(peer.told, view.seen), hearing.number)
    peer = %{peer | heard: now, probes: 0, told: told}
    peer = if news?, do: %{peer | theirs: view.number, row: view.body}, else: peer
    hearing = put_in(hearing.peers[from], peer)
    if view.ask, do: send_one(hearing, from, now, false), else: {[], hearing}
  end

  def heard(hearing, _stranger, _view, _now), do: {[], hearing}

  @doc "Sends what is due."
  @spec tick(t, integer) :: {[send], t}
  def tick(hearing, now), do: send_all(hearing, now, &(due(hearing, &1, now) <= now))

  @doc "When to tick again."
  @spec next(t, integer) :: integer
  def next(hearing, now) do
    times =
      for {_node, peer} <- hearing.peers,
          do: min(due(hearing, peer, now), doubt_at(hearing, peer, now))

    Enum.min(times, fn -> now + hearing.interval end)
  end

  @doc "The members that are silent."
  @spec silent(t) :: [node]
  def silent(hearing),
    do: for({node, peer} <- hearing.peers, silent?(peer), do: node)

  @doc "What the members that are heard said last."
  @spec rows(t) :: %{node => term}
  def rows(hearing) do
    for {node, %{row: row} = peer} <- hearing.peers,
        row != nil and not silent?(peer),
        into: %{},
        do: {node, row}
  end

  defp silent?(%{row: nil, probes: probes}), do: probes > @joining
  defp silent?(%{probes: probes}), do: probes > @steps

  # When the next message goes to a peer: soon where an answer is waited for.
  defp due(_hearing, %{sent: nil}, now), do: now
  defp due(hearing, peer, now), do: peer.sent + gap(hearing, peer, now)

  defp gap(hearing, peer, now) do
    if asking?(hearing, peer, now), do: step(hearing), else: hearing.interval
  end

  defp asking?(hearing, peer, now), do: untold?(hearing, peer) or doubtful?(hearing, peer, now)

  defp untold?(hearing, peer), do: peer.told < hearing.number and peer.tries < @tries

  defp doubtful?(hearing, peer, now),
    do: now >= peer.heard + patience(hearing) and not silent?(peer)

  defp doubt_at(hearing, peer, now) do
    at = peer.heard + patience(hearing)
    if at > now, do: at, else: due(hearing, peer, now)
  end

  defp patience(hearing), do: div(hearing.interval * 5, 4)
  defp step(hearing), do: max(div(hearing.interval, @steps), 1)

  defp send_all(hearing, now, wanted) do
    nodes = for {node, peer} <- hearing.peers, wanted.(peer), do: node

    Enum.flat_map_reduce(nodes, hearing, fn node, hearing ->
      send_one(hearing, node, now, asking?(hearing, hearing.peers[node], now))
    end)
  end

  defp send_one(hearing, node, now, ask?) do
    peer = hearing.peers[node]
    untold? = peer.told < hearing.number

    view = %{
      number: hearing.number,
      seen: peer.theirs,
      ask: ask?,
      body: (untold? && hearing.body) || nil
    }

    peer = if ask? and doubtful?(hearing, peer, now), do: probed(hearing, peer, now), else: peer
    tries = peer.tries + if(untold?, do: 1, else: 0)
    {[{node, view}], put_in(hearing.peers[node], %{peer | sent: now, tries: tries})}
  end

  defp probed(hearing, %{probed: at} = peer, now) do
    if at == nil or now - at >= step(hearing),
      do: %{peer | probed: now, probes: peer.probes + 1},
      else: peer
  end

  defp new_peer(now),
    do: %{heard: now, sent: nil, probed: nil, told: 0, theirs: 0, row: nil, probes: 0, tries: 0}
end
