defmodule ElixirScope.Distributed.Live.Follow do
  @moduledoc false
  # How far one member's own events were read for a subscription, and what to ask it next.
  #
  # A member numbers its events without holes, so that what was read is one number, `covered`. A round
  # begins with its head: up to which number it has events, and before which moment (`promise`) it will
  # have no others. The round reads what matches among them, page by page; when it is over, they are
  # covered and the promise holds. While there is nothing new the question waits at the member.
  #
  # A member that began anew is followed from the first number of its new start, after what it still has
  # of the old one. Pure; the time, in milliseconds, is an argument.

  alias ElixirScope.Distributed.Query.Wire

  # Behind all that a member may hold: its head alone is asked for.
  @nowhere {<<255>>, 0, 0}

  # How long a question waits at the member, and how long an answer may be on its way besides.
  @wait_ms 2_000
  @patience_ms 500

  # How often a member that holds others back is asked for its promise, and one that refused again.
  @hurry_ms 40
  @refused_ms 250

  @page_bytes 128 * 1024

  defstruct [
    :node,
    :origin,
    :promise,
    :round,
    :ref,
    :asked_ms,
    :hurried_ms,
    :since_ms,
    :not_before_ms,
    covered: 0,
    waits?: false
  ]

  @type stamp :: {logical :: non_neg_integer, physical_ns :: non_neg_integer}
  @type head :: {node :: String.t(), incarnation :: non_neg_integer, non_neg_integer, stamp}
  @type question :: {:holdings?, map} | {:ask, map}
  @type news ::
          {:page, %{page: binary, count: non_neg_integer}, Wire.range()}
          | {:gap, map}
          | {:lost, non_neg_integer}

  @type t :: %__MODULE__{
          node: node,
          origin: {String.t(), non_neg_integer} | nil,
          promise: stamp | nil,
          round: map | nil,
          ref: reference | nil,
          asked_ms: integer | nil,
          hurried_ms: integer | nil,
          since_ms: integer | nil,
          covered: non_neg_integer,
          waits?: boolean,
          not_before_ms: integer | nil
        }

  @doc "A member that nothing is known of yet."
  @spec new(node) :: t
  def new(node), do: %__MODULE__{node: node}

  @doc "Whether it was ever heard."
  @spec known?(t) :: boolean
  def known?(follow), do: follow.origin != nil

  @doc """
  What to ask now, if anything. `held_back` is the stamp of the event that waits for promises; a
  question that waits at the member is asked again, without waiting, where that is what is missing.
  """
  @spec ask(t, stamp | nil, reference, integer) :: {reference, question, t} | nil
  def ask(%{not_before_ms: at}, _held_back, _ref, now) when at != nil and now < at, do: nil

  def ask(%{ref: nil, round: nil} = follow, held_back, ref, now) do
    cond do
      not holds_back?(follow, held_back) -> asked(follow, ref, true, now)
      rested?(follow, now) -> hurry(follow, ref, now)
      true -> nil
    end
  end

  def ask(%{ref: nil} = follow, _held_back, ref, now), do: asked(follow, ref, false, now)

  def ask(%{ref: ref} = follow, held_back, _ref, now) do
    cond do
      follow.waits? and holds_back?(follow, held_back) -> hurry(follow, ref, now)
      now >= follow.asked_ms + patience(follow) -> asked(follow, ref, false, now)
      true -> nil
    end
  end

  defp rested?(%{hurried_ms: nil}, _now), do: true
  defp rested?(%{hurried_ms: at}, now), do: now >= at + @hurry_ms

  defp hurry(follow, ref, now), do: asked(%{follow | hurried_ms: now}, ref, false, now)

  defp patience(%{waits?: true}), do: @wait_ms + @patience_ms
  defp patience(_in_haste), do: @patience_ms

  defp asked(follow, ref, wait?, now) do
    waits? = wait? and known?(follow)
    follow = if waits?, do: follow, else: since(follow, now)
    asked = %{follow | ref: ref, asked_ms: now, waits?: waits?, not_before_ms: nil}
    {ref, question(follow, waits?), asked}
  end

  @doc "The question as it is asked; a member of this node never waits."
  @spec question(t, boolean) :: question
  def question(follow, waits? \\ false)
  def question(%{origin: nil}, _waits?), do: {:holdings?, %{after: @nowhere, nodes: []}}

  def question(%{round: round} = follow, waits?) do
    {last, cursor} = if round, do: {round.last, round.cursor}, else: {:infinity, nil}

    {:ask,
     %{
       ranges: [range(follow, last)],
       cursor: cursor,
       max_bytes: @page_bytes,
       wait_ms: if(waits?, do: @wait_ms, else: 0)
     }}
  end

  defp range(%{origin: {node, incarnation}, covered: covered}, last),
    do: {node, incarnation, covered + 1, last}

  @doc "What the member answers; `:error` where it makes no sense."
  @spec heard(t, atom, map, integer) :: {[news], t} | :error
  def heard(%{origin: nil} = follow, :holdings, %{head: {node, incarnation, seq, promise}}, _now) do
    {[], answered(%{follow | origin: {node, incarnation}, covered: seq, promise: promise})}
  end

  def heard(%{origin: {_, _}} = follow, :page, %{head: {_, _, _, _}} = page, _now) do
    round = follow.round || round(follow, page.head)
    range = range(follow, round.last)
    news = lost(page.dropped) ++ gap(follow, page.expired) ++ [{:page, page, range}]
    follow = answered(follow)

    if page.more,
      do: {news, %{follow | round: %{round | cursor: page.cursor}}},
      else: finish(news, %{follow | round: nil}, round)
  end

  def heard(_follow, _kind, _body, _now), do: :error

  @doc "The member refused, or what it said could not be read: it is asked again after a while."
  @spec refused(t, integer) :: t
  def refused(follow, now),
    do:
      since(
        %{follow | ref: nil, round: nil, waits?: false, not_before_ms: now + @refused_ms},
        now
      )

  defp since(follow, now), do: %{follow | since_ms: follow.since_ms || now}

  @doc "The member cannot be reached; it is followed on from here when it is back."
  @spec gone(t) :: t
  def gone(follow), do: answered(%{follow | round: nil})

  @doc "Whether the event waits for this member's promise."
  @spec holds_back?(t, stamp | nil) :: boolean
  def holds_back?(_follow, nil), do: false
  def holds_back?(%{promise: nil}, _stamp), do: false
  def holds_back?(%{promise: {l1, p1}}, {l2, p2}), do: {p1, l1} <= {p2, l2}

  @doc "Whether it has not answered for longer than events wait."
  @spec silent?(t, non_neg_integer, integer) :: boolean
  def silent?(%{since_ms: nil}, _lateness_ms, _now), do: false
  def silent?(%{since_ms: since}, lateness_ms, now), do: now > since + lateness_ms

  # What was asked is answered.
  defp answered(follow),
    do: %{follow | ref: nil, waits?: false, since_ms: nil, not_before_ms: nil}

  # Of the start that it was followed in, up to its head; of an earlier one, all that it has.
  defp round(%{origin: {_, incarnation}}, {_node, incarnation, seq, promise}),
    do: %{last: seq, promise: promise, cursor: nil, next: nil}

  defp round(_follow, {node, incarnation, _seq, _promise}),
    do: %{last: :infinity, promise: nil, cursor: nil, next: {node, incarnation}}

  defp finish(news, follow, %{next: nil} = round) do
    {news, %{follow | covered: max(follow.covered, round.last), promise: round.promise}}
  end

  # What it had not told when it ended, nobody knows.
  defp finish(news, follow, %{next: origin}) do
    about = about(follow, :restarted, incarnation(follow), follow.promise)
    {news ++ [{:gap, about}], %{follow | origin: origin, covered: 0}}
  end

  defp lost(0), do: []
  defp lost(count), do: [{:lost, count}]

  defp gap(_follow, nil), do: []
  defp gap(_follow, %{events: 0}), do: []

  defp gap(follow, %{events: events, newest: at}),
    do: [{:gap, about(follow, :expired, events, at)}]

  # From which number on, and when at the earliest.
  defp about(follow, what, value, at), do: %{what => value, from: follow.covered + 1, at: at}

  defp incarnation(%{origin: {_node, incarnation}}), do: incarnation

  @doc "Every bound of following, in milliseconds and bytes."
  @spec limits() :: map
  def limits,
    do: %{
      wait_ms: @wait_ms,
      patience_ms: @patience_ms,
      hurry_ms: @hurry_ms,
      page_bytes: @page_bytes
    }
end
