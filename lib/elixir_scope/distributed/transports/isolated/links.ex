defmodule ElixirScope.Distributed.Transports.Isolated.Links do
  @moduledoc false
  # A simulated network as a value: who is there, who is connected with whom, which
  # ways are cut, what is under way. Every function takes the time and returns the
  # new state; what members are to be told collects in `out` until `take/1`.
  #
  # A member is a node in a scope; a cut is between nodes and so hits every scope.
  # A connection has a number, and a message belongs to the connection on which it
  # was sent: it arrives between that one's `:up` and its `:down` or never. It holds a
  # place on its way until the receiver has taken it, so a slow receiver is felt by
  # the sender and nothing piles up in between.

  alias ElixirScope.Distributed.Transports.Isolated.{Faults, Flight}

  @counters %{sent: 0, delivered: 0, lost: 0, duplicated: 0, held_back: 0, refused: 0}

  @enforce_keys [:faults, :detect_ms, :capacity, :reconnect]
  defstruct @enforce_keys ++
              [
                flight: %Flight{},
                members: MapSet.new(),
                connections: %{},
                cuts: %{},
                severed: MapSet.new(),
                places: %{},
                serial: 0,
                counters: @counters,
                out: []
              ]

  @type member :: {scope :: term, node}
  @type out :: {member, {:up, node} | {:down, node, term} | {:message, node, receipt, term}}
  @type receipt :: {member, member, connection :: pos_integer}
  @type t :: %__MODULE__{}

  @doc "Takes out what members are to be told, in order."
  @spec take(t) :: {[out], t}
  def take(links), do: {Enum.reverse(links.out), %{links | out: []}}

  @doc "When something happens by itself next."
  @spec next(t) :: integer | nil
  def next(links), do: Flight.next(links.flight)

  @doc "Adds a member; one of its name must not be there."
  @spec attach(t, member) :: {:ok | {:error, :taken}, t}
  def attach(links, member) do
    if member in links.members,
      do: {{:error, :taken}, links},
      else: {:ok, %{links | members: MapSet.put(links.members, member)}}
  end

  @doc "Removes a member: its connections close at once, what it had sent is lost."
  @spec detach(t, member) :: t
  def detach(links, member) do
    severed = links.severed |> Enum.reject(&(member in Tuple.to_list(&1))) |> MapSet.new()
    members = MapSet.delete(links.members, member)

    links
    |> peers(member)
    |> Enum.reduce(%{links | members: members, severed: severed}, fn peer, links ->
      close(links, pair(member, peer), :connection_closed)
    end)
  end

  @doc "The members connected with `member`."
  @spec peers(t, member) :: [member]
  def peers(links, member) do
    for {{one, other}, _number} <- links.connections, member in [one, other] do
      if one == member, do: other, else: one
    end
  end

  @doc "Connects two members, which takes an open way in both directions."
  @spec connect(t, member, member) :: {:ok | {:error, :unreachable | :not_running}, t}
  def connect(links, from, to) do
    cond do
      connected?(links, from, to) -> {:ok, links}
      reachable?(links, from, to) -> {:ok, join(links, from, to)}
      true -> {{:error, obstacle(links, from, to)}, links}
    end
  end

  @doc "Why a member cannot be connected: its host says that it is not there, or says nothing."
  @spec obstacle(t, member, member) :: :unreachable | :not_running
  def obstacle(links, from, to) do
    open? = not cut?(links, from, to) and not cut?(links, to, from)
    if open? and to not in links.members, do: :not_running, else: :unreachable
  end

  @doc "Sends a message on its way, at `now`."
  @spec send(t, member, member, term, integer) :: {:ok | {:error, :busy | :unreachable}, t}
  def send(links, from, to, message, now) do
    receipt = {from, to, links.connections[pair(from, to)]}

    cond do
      not connected?(links, from, to) ->
        {{:error, :unreachable}, links}

      Map.get(links.places, receipt, 0) >= links.capacity ->
        {{:error, :busy}, count(links, :refused)}

      true ->
        {:ok, links |> count(:sent) |> dispatch(receipt, message, now)}
    end
  end

  @doc "Notes that a delivered message was taken: its place is free again."
  @spec settle(t, receipt) :: t
  def settle(%{places: places} = links, receipt) do
    case places do
      %{^receipt => 1} -> %{links | places: Map.delete(places, receipt)}
      %{^receipt => taken} -> %{links | places: %{places | receipt => taken - 1}}
      %{} -> links
    end
  end

  @doc "Cuts ways; connections over them are found broken after the detection time."
  @spec cut(t, [{node, node}], integer) :: t
  def cut(links, ways, now) do
    serial = links.serial + 1
    new = for way <- ways, not is_map_key(links.cuts, way), into: %{}, do: {way, serial}
    links = %{links | serial: serial, cuts: Map.merge(links.cuts, new)}
    Enum.reduce(connected_over(links, new), links, &suspect(&2, &1, serial, now))
  end

  @doc "Opens ways again (`:all` of them); what a cut had parted comes back if asked for."
  @spec open(t, [{node, node}] | :all, integer) :: t
  def open(links, :all, now), do: open(links, Map.keys(links.cuts), now)

  def open(links, ways, now) do
    links = %{links | cuts: Map.drop(links.cuts, ways)}
    Enum.reduce(links.severed, links, &later(&2, &1, {:rejoin, &1}, now))
  end

  @doc "Lets everything happen that is due at `now`."
  @spec advance(t, integer) :: t
  def advance(links, now) do
    {events, flight} = Flight.arrived(links.flight, now)
    Enum.reduce(events, %{links | flight: flight}, &happen(&2, &1))
  end

  @doc "What was sent and what became of it."
  @spec stats(t) :: %{atom => non_neg_integer}
  def stats(%{counters: counters}) do
    under_way = counters.sent + counters.duplicated - counters.delivered - counters.lost
    Map.put(counters, :in_flight, under_way)
  end

  # What happens when its time has come

  defp happen(links, {:message, {from, to, _connection} = receipt, message}) do
    if current?(links, receipt) and not cut?(links, from, to) do
      {_scope, node} = from
      links |> count(:delivered) |> tell(to, {:message, node, receipt, message})
    else
      links |> count(:lost) |> settle(receipt)
    end
  end

  # Whoever was cut off and is not any more by now has not noticed.
  defp happen(links, {:verdict, pair, connection, serial}) do
    if links.connections[pair] == connection and cut_since?(links, pair, serial),
      do: part(links, pair),
      else: links
  end

  defp happen(links, {:rejoin, {one, other} = pair}) do
    if pair in links.severed and reachable?(links, one, other),
      do: join(links, one, other),
      else: links
  end

  # Helpers

  defp dispatch(links, {{_scope, from}, {_same, to}, _connection} = receipt, message, now) do
    {copies, faults} = Faults.fate(links.faults, from, to)
    links = %{links | faults: faults} |> count(:lost, if(copies == [], do: 1, else: 0))
    links = count(links, :duplicated, max(length(copies) - 1, 0))
    Enum.reduce(copies, links, &depart(&2, receipt, message, &1, now))
  end

  defp depart(links, {from, to, _connection} = receipt, message, {delay, order}, now) do
    event = {:message, receipt, message}
    flight = Flight.put(links.flight, {from, to}, now + delay, order, event)
    places = Map.update(links.places, receipt, 1, &(&1 + 1))
    links = %{links | flight: flight, places: places}
    if order == :held_back, do: count(links, :held_back), else: links
  end

  defp suspect(links, pair, serial, now) do
    later(links, pair, {:verdict, pair, links.connections[pair], serial}, now)
  end

  # Detection is no traffic: it waits behind no message.
  defp later(links, pair, event, now) do
    flight = Flight.put(links.flight, pair, now + links.detect_ms, :held_back, event)
    %{links | flight: flight}
  end

  defp join(links, {_scope, one_node} = one, {_same, other_node} = other) do
    number = links.serial + 1
    connections = Map.put(links.connections, pair(one, other), number)
    severed = MapSet.delete(links.severed, pair(one, other))

    %{links | serial: number, connections: connections, severed: severed}
    |> tell(one, {:up, other_node})
    |> tell(other, {:up, one_node})
  end

  defp part(links, pair) do
    links = close(links, pair, :net_tick_timeout)
    if links.reconnect, do: %{links | severed: MapSet.put(links.severed, pair)}, else: links
  end

  defp close(links, {{_scope, one_node} = one, {_same, other_node} = other} = pair, reason) do
    {number, connections} = Map.pop(links.connections, pair)
    places = Map.drop(links.places, [{one, other, number}, {other, one, number}])

    %{links | connections: connections, places: places}
    |> tell(one, {:down, other_node, reason})
    |> tell(other, {:down, one_node, reason})
  end

  defp tell(links, member, what) do
    if member in links.members, do: %{links | out: [{member, what} | links.out]}, else: links
  end

  defp connected_over(links, ways) do
    for {{{_scope, one}, {_same, other}} = pair, _number} <- links.connections,
        is_map_key(ways, {one, other}) or is_map_key(ways, {other, one}),
        do: pair
  end

  defp cut_since?(links, {{_scope, one}, {_same, other}}, serial) do
    serial in [links.cuts[{one, other}], links.cuts[{other, one}]]
  end

  defp reachable?(links, {scope, _node} = from, {other_scope, _other} = to) do
    scope == other_scope and from != to and from in links.members and to in links.members and
      not cut?(links, from, to) and not cut?(links, to, from)
  end

  defp current?(links, {from, to, number}), do: links.connections[pair(from, to)] == number
  defp connected?(links, from, to), do: is_map_key(links.connections, pair(from, to))
  defp cut?(links, {_scope, from}, {_same, to}), do: is_map_key(links.cuts, {from, to})
  defp pair(one, other), do: {min(one, other), max(one, other)}
  defp count(links, name, by \\ 1), do: update_in(links.counters[name], &(&1 + by))
end
