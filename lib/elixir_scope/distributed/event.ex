defmodule ElixirScope.Distributed.Event do
  @moduledoc """
  One thing that happened on one node.

    * `id` - `{origin, seq}`, where `origin` is `{node, incarnation}` and `seq` counts
      that origin's events without a gap: identity, not order;
    * `at` - when, as the cluster orders it (`t:ElixirScope.Distributed.Types.GlobalTimestamp.t/0`);
    * `mono_ns` - when, by the recording node's monotonic clock: for durations;
    * `node`, `pid` - who;
    * `kind` - what, see `kinds/0`;
    * `subject` - what it is about: a function, a peer process, a name;
    * `correlation_id` - what ties it to other events of the same request;
    * `data` - arguments, message, return, state: bounded when it was recorded;
    * `meta` - what is to be known about the event itself, such as `truncated?: true`, or
      `attribution: :inherited` where the correlation came with a message, with `confidence: :likely`
      where it may have been meant for another call; `entry: true` of the call that began an id.

  ## Messages in pairs

  A `:send` and a `:receive` of one message name each other in their meta, as far as that can be
  known: `pair` is the id of the other event, and `pairing` how sure it is.

    * `:exact` - a reference in the message occurs in one captured send and in one captured receive
      of the same shape, which agree in everything else: every `GenServer.call` and its reply, every
      `Task`, whatever else carries a reference of its own. Never a guess: where something that was
      captured is known to be missing, nothing is called exact;
    * `:likely` - content, sender, receiver and time leave one candidate, by the order that the
      VM keeps between two processes. It can be wrong only where two messages are alike, and
      the true one was not captured;
    * `:ambiguous` - more than one is left, or one which may belong elsewhere: `pair` is a list of at
      most eight ids, the nearest in time.

  What is compared is what was captured, when a query asks; tracing costs nothing more for it, under
  no profile. So with `capture: :calls` messages have no content, and no pairs either. Of messages that
  a budget cut the beginning counts. Candidates lie at most five seconds before or after
  the answer, among at most 100,000 messages. A `:DOWN`, an exit signal and what a timer brings are
  received without ever being sent, and have no pair.
  """

  alias ElixirScope.Distributed.Types.GlobalTimestamp

  defstruct [
    :id,
    :at,
    :mono_ns,
    :node,
    :pid,
    :kind,
    :subject,
    :correlation_id,
    :data,
    meta: %{}
  ]

  @type origin :: {node, incarnation :: non_neg_integer}
  @type t :: %__MODULE__{
          id: {origin, seq :: pos_integer},
          at: GlobalTimestamp.t(),
          mono_ns: integer,
          node: node,
          pid: pid | nil,
          kind: atom,
          subject: mfa | pid | term,
          correlation_id: term,
          data: term,
          meta: map
        }

  @families [
    function: [:call, :return, :exception],
    message: [:send, :receive],
    process: [:spawn, :exit, :link, :unlink, :register, :unregister],
    state: [:state],
    memory: [:gc, :memory],
    scheduling: [:in, :out],
    vitals: [:vitals],
    system: [
      :node_up,
      :node_down,
      :partition,
      :heal,
      :gap,
      :clock,
      :trace_started,
      :trace_stopped
    ],
    user: [:mark]
  ]

  @doc """
  Every kind of event.

      iex> :mark in ElixirScope.Distributed.Event.kinds()
      true
  """
  @spec kinds() :: [atom]
  def kinds, do: Enum.flat_map(@families, &elem(&1, 1))

  @doc """
  Every family of kinds; filters take a family wherever they take a kind.

      iex> :message in ElixirScope.Distributed.Event.families()
      true
  """
  @spec families() :: [atom]
  def families, do: Keyword.keys(@families)

  @doc """
  The kinds that a list of kinds and families stands for.

      iex> ElixirScope.Distributed.Event.expand([:message, :mark])
      [:send, :receive, :mark]
  """
  @spec expand([atom]) :: [atom]
  def expand(names), do: Enum.flat_map(names, &Keyword.get(@families, &1, [&1])) |> Enum.uniq()
end
