defmodule ElixirScope.Distributed.Debug.Breakpoints.Wanted do
  @moduledoc false
  # What owners want, and what there is of it on each node, as far as is known here. Pure: what comes
  # out are jobs, each for one owner on one node; what came of one goes in.
  #
  # A *link* is an owner with a node: `:new` (never reached), `:held` (it has a lease there) or `:down`.
  # Invariants: a link has at most one job at a time; what a node has of an owner (`there`) is forgotten
  # when it says that it does not know the owner, or cannot be reached. So whatever happens to a node, the next
  # jobs set again what is wanted, and nothing is ever missed for a message that was lost.

  defstruct wanted: %{}, links: %{}

  @type owner :: pid
  @type id :: pos_integer
  @type spec :: %{
          owner: owner,
          where: term,
          options: keyword,
          nodes: [node] | :all,
          scope: atom,
          timeout_ms: pos_integer
        }
  @type link :: %{
          state: :new | :held | :down,
          since: reference | nil,
          busy?: boolean,
          there: %{id => {:ok, term} | {:error, term}}
        }
  @type job :: %{
          owner: owner,
          node: node,
          first: :hold | :renew,
          since: reference | nil,
          set: [{id, spec}],
          clear: [id],
          all: [{id, spec}]
        }
  @type done :: %{
          link: :held | {:down, term},
          since: reference | nil,
          afresh?: boolean,
          set: %{id => {:ok, term} | {:error, term}},
          cleared: [id]
        }
  @type event ::
          {:set, id, node, {:ok, term} | {:error, term}}
          | {:cleared, id, node}
          | {:gone, id, node, term}
          | {:back, id, node, term}

  @doc "Nothing is wanted."
  @spec new() :: %__MODULE__{}
  def new, do: %__MODULE__{}

  @doc "Something is wanted."
  def put(w, id, spec), do: %{w | wanted: Map.put(w.wanted, id, spec)}

  @doc "Some of it no longer is."
  def drop(w, ids), do: %{w | wanted: Map.drop(w.wanted, ids)}

  @doc "An owner is gone, and with it all that it wanted: the nodes that have something of it."
  @spec drop_owner(%__MODULE__{}, owner) :: {[node], %__MODULE__{}}
  def drop_owner(w, owner) do
    {links, left} = Enum.split_with(w.links, fn {{who, _node}, _link} -> who == owner end)
    wanted = Map.reject(w.wanted, fn {_id, spec} -> spec.owner == owner end)

    {for({{_owner, node}, %{state: :held}} <- links, do: node),
     %{w | wanted: wanted, links: Map.new(left)}}
  end

  @doc "An owner is to be kept on a node, whatever it wants there."
  def keep(w, owner, node), do: link(w, {owner, node}, %{})

  @doc "The nodes on which something of an owner is wanted, of those that are connected where it is all."
  @spec nodes(spec, [node]) :: [node]
  def nodes(%{nodes: :all}, connected), do: connected
  def nodes(%{nodes: nodes}, _connected), do: nodes

  @doc """
  What is to be done now. `renew?` also asks after every link, and tries again what could not be set.
  """
  @spec jobs(%__MODULE__{}, [node], boolean) :: {[job], %__MODULE__{}}
  def jobs(w, connected, renew?) do
    w = Enum.reduce(pairs(w, connected), w, &link(&2, &1, %{}))

    Enum.reduce(w.links, {[], w}, fn {key, link}, {jobs, w} ->
      job = job(w, key, link, connected, renew?)

      if idle?(link, job, renew?),
        do: {jobs, w},
        else: {[job | jobs], link(w, key, %{busy?: true})}
    end)
  end

  defp idle?(%{busy?: true}, _job, _renew?), do: true
  defp idle?(_link, _job, true), do: false
  defp idle?(_link, job, false), do: job.set == [] and job.clear == []

  defp pairs(w, connected) do
    for {_id, spec} <- w.wanted,
        node <- nodes(spec, connected),
        uniq: true,
        do: {spec.owner, node}
  end

  defp job(w, {owner, node}, link, connected, renew?) do
    all =
      for {id, %{owner: ^owner} = spec} <- w.wanted,
          node in nodes(spec, connected),
          do: {id, spec}

    %{
      owner: owner,
      node: node,
      first: if(link.state == :held, do: :renew, else: :hold),
      since: link.since,
      set: Enum.reject(all, fn {id, _spec} -> set?(link.there[id], renew?) end),
      clear: Map.keys(link.there) -- Enum.map(all, &elem(&1, 0)),
      all: all
    }
  end

  defp set?({:ok, _breakpoint}, _renew?), do: true
  defp set?({:error, _reason}, renew?), do: not renew?
  defp set?(nil, _renew?), do: false

  @doc "What came of a job, and what is to be told of it."
  @spec done(%__MODULE__{}, owner, node, done) :: {[event], %__MODULE__{}}
  def done(w, owner, node, done) do
    case w.links do
      %{{^owner, ^node} => link} -> came(w, {owner, node}, link, done)
      _dropped -> {[], w}
    end
  end

  # What was done before it was down does not count: nobody knows whether it is there.
  defp came(w, {_owner, node} = key, link, %{link: {:down, reason}}) do
    wanted = for {id, _spec} <- wanted(w, key), into: %{}, do: {id, {:error, reason}}
    gone = for {id, {:ok, breakpoint}} <- link.there, do: {:gone, id, node, breakpoint}
    failed = sets(Map.drop(wanted, Enum.map(gone, &elem(&1, 1))), node, link)
    events = gone ++ failed ++ cleared(w, node, link)
    {events, link(w, key, %{state: :down, busy?: false, there: wanted})}
  end

  defp came(w, {_owner, node} = key, link, %{link: :held} = done) do
    before = if done.afresh?, do: %{}, else: Map.drop(link.there, done.cleared)
    events = sets(done.set, node, link) ++ cleared(w, node, link)
    there = Map.merge(before, done.set)
    {events, link(w, key, %{state: :held, since: done.since, busy?: false, there: there})}
  end

  defp cleared(w, node, link),
    do: for(id <- Map.keys(link.there) -- Map.keys(w.wanted), do: {:cleared, id, node})

  # What fails as it did before is no news; what was there before, or could not be reached, is back.
  defp sets(results, node, link) do
    for {id, result} <- results, link.there[id] != result or match?({:ok, _}, result) do
      case {result, link.there[id]} do
        {{:ok, breakpoint}, before} when before != nil -> {:back, id, node, breakpoint}
        _first -> {:set, id, node, result}
      end
    end
  end

  defp wanted(w, {owner, _node}),
    do: for({id, %{owner: ^owner} = spec} <- w.wanted, do: {id, spec})

  defp link(w, key, changes) do
    link = Map.get(w.links, key, %{state: :new, since: nil, busy?: false, there: %{}})
    %{w | links: Map.put(w.links, key, Map.merge(link, changes))}
  end
end
