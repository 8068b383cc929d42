defmodule ElixirScope.Distributed.Cluster.Outlook do
  @moduledoc false
  # How this node sees the cluster: whom it hears and what those say (`Hearing`), who comes
  # back again and again (`Flaps`), and what that means (`Partition`).
  #
  # Every function takes the time in milliseconds; what is to be sent comes back first.

  alias ElixirScope.Distributed.Cluster.{Flaps, Hearing, Partition}

  @most_pairs 32

  defstruct [
    :me,
    :hearing,
    :flaps,
    :partition,
    members: [],
    missed: [],
    known: [],
    register: 0,
    silent: [],
    finding: nil,
    last: %{}
  ]

  @type t :: %__MODULE__{
          me: node,
          hearing: Hearing.t(),
          flaps: Flaps.t(),
          partition: Partition.t(),
          members: [node],
          missed: [node],
          known: [node],
          register: non_neg_integer,
          silent: [node],
          finding: Partition.finding() | nil,
          last: %{node => [node]}
        }
  @typedoc "What a membership says: who is up, missed and known, and the digest of decisions."
  @type standing :: %{up: [node], missed: [node], known: [node], register: non_neg_integer}

  @doc "How many pairs of nodes a view names at most."
  @spec most_pairs() :: pos_integer
  def most_pairs, do: @most_pairs

  @doc "A node that sees nobody yet."
  @spec new(node, pos_integer) :: t
  def new(me, interval) do
    body = %{hears: [], misses: [], deaf: [], flaps: [], register: 0}

    %__MODULE__{
      me: me,
      hearing: Hearing.new(interval, body),
      flaps: Flaps.new(interval),
      partition: Partition.new(interval),
      known: [me]
    }
  end

  @doc "Who is a member now."
  @spec members(t, standing, integer) :: {[Hearing.send()], t}
  def members(outlook, standing, now) do
    hearing = Hearing.members(outlook.hearing, standing.up, now)

    %{outlook | hearing: hearing, members: standing.up, missed: standing.missed}
    |> Map.merge(Map.take(standing, [:known, :register]))
    |> say(now)
  end

  @doc "A member introduced itself; `again?` if it is one that was lost before."
  @spec greeted(t, node, boolean, integer) :: t
  def greeted(outlook, node, again?, now) do
    hearing = Hearing.greeted(outlook.hearing, node, now)
    # Whoever was silent while it introduced itself did not come back.
    outlook = %{outlook | hearing: hearing, silent: outlook.silent -- [node]}
    if again?, do: returned(outlook, node, now), else: outlook
  end

  @doc "A member's view."
  @spec heard(t, node, Hearing.view(), integer) :: {[Hearing.send()], t}
  def heard(outlook, from, view, now) do
    {answers, hearing} = Hearing.heard(outlook.hearing, from, view, now)
    outlook = remember(%{outlook | hearing: hearing}, from, view.body)

    if view.body == nil and from not in outlook.silent,
      do: {answers, outlook},
      else: outlook |> say(now) |> after_those(answers)
  end

  @doc "Time passes: what to send, and what became of the cluster."
  @spec tick(t, integer) :: {[Hearing.send()], [{:partition | :heal, map}], t}
  def tick(outlook, now) do
    {due, hearing} = Hearing.tick(outlook.hearing, now)
    outlook = %{outlook | hearing: hearing, flaps: Flaps.forget(outlook.flaps, now)}

    {sends, outlook} =
      if quiet?(outlook), do: {due, outlook}, else: outlook |> say(now) |> after_those(due)

    {news, partition} = Partition.settle(outlook.partition, outlook.finding, now)
    {sends, news, %{outlook | partition: partition}}
  end

  @doc "When to tick again at the latest."
  @spec next(t, integer) :: integer
  def next(outlook, now) do
    next = Hearing.next(outlook.hearing, now)
    min(next, Partition.next(outlook.partition) || next)
  end

  @doc "The members that are heard, with this node."
  @spec here(t) :: [node]
  def here(outlook), do: Enum.sort([outlook.me | outlook.members -- outlook.silent])

  @doc "Whom each member hears, as far as it is known; those that are apart, as they said last."
  @spec views(t) :: %{node => [node]}
  def views(outlook), do: Map.put(outlook.last, outlook.me, here(outlook) -- [outlook.me])

  @doc "Whether a member said last that it knows of other decisions than this node."
  @spec decided_otherwise?(t, node) :: boolean
  def decided_otherwise?(outlook, node) do
    case Hearing.rows(outlook.hearing) do
      %{^node => %{register: register}} -> register != outlook.register
      _nothing -> false
    end
  end

  @doc "What is wrong between this node and another one, beside what membership knows."
  @spec reason(t, node) :: :asymmetric | :silent | nil
  def reason(outlook, node) do
    rows = Hearing.rows(outlook.hearing)

    cond do
      one_way?(rows, outlook.me, node) -> :asymmetric
      node not in outlook.missed and node not in outlook.silent -> nil
      Enum.any?(rows, fn {_other, row} -> node in row.hears end) -> :asymmetric
      node in outlook.silent -> :silent
      true -> nil
    end
  end

  @doc "Every bound with its value."
  @spec bounds(t) :: map
  def bounds(outlook), do: Flaps.bounds(outlook.flaps)

  # A member that we hear says that it does not hear us.
  defp one_way?(rows, me, node),
    do: match?(%{^node => %{misses: _}}, rows) and me in rows[node].misses

  defp after_those({sends, outlook}, earlier), do: {earlier ++ sends, outlook}

  # Nothing that a view is made of has changed by itself.
  defp quiet?(%{silent: silent, hearing: hearing, flaps: flaps}),
    do: flaps.returns == %{} and silent == Hearing.silent(hearing)

  # Who is silent, what follows for our view of things, and whether that is a new one.
  defp say(outlook, now) do
    silent = Hearing.silent(outlook.hearing)

    heard_again =
      for node <- outlook.silent, node not in silent, node in outlook.members, do: node

    outlook = Enum.reduce(heard_again, %{outlook | silent: silent}, &returned(&2, &1, now))
    body = body(outlook, now)
    {views, hearing} = Hearing.say(outlook.hearing, body, now)
    {views, consider(%{outlook | hearing: hearing}, body, now)}
  end

  # Notes since when something is so; only a tick makes it news.
  defp consider(outlook, body, now) do
    finding = Partition.judge(outlook.me, rows(outlook, body))

    case Partition.settle(outlook.partition, finding, now) do
      {[], partition} -> %{outlook | finding: finding, partition: partition}
      {_news, _partition} -> %{outlook | finding: finding}
    end
  end

  defp rows(outlook, body), do: Map.put(Hearing.rows(outlook.hearing), outlook.me, body)

  defp body(outlook, now) do
    body = %{
      hears: here(outlook) -- [outlook.me],
      misses: Enum.uniq(Enum.sort(outlook.missed ++ outlook.silent)),
      deaf: [],
      flaps: flaps(outlook, now),
      register: outlook.register
    }

    %{body | deaf: Enum.take(Partition.one_way(rows(outlook, body)), @most_pairs)}
  end

  defp flaps(outlook, now) do
    for node <- Enum.take(Flaps.now(outlook.flaps, now), @most_pairs),
        do: {min(node, outlook.me), max(node, outlook.me)}
  end

  defp returned(outlook, node, now),
    do: %{outlook | flaps: Flaps.returned(outlook.flaps, node, now)}

  defp remember(outlook, _from, nil), do: outlook

  defp remember(outlook, from, body) do
    last = Map.put(outlook.last, from, body.hears)
    %{outlook | last: Map.take(last, [from | outlook.known ++ outlook.members])}
  end
end
