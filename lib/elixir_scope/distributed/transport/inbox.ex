defmodule ElixirScope.Distributed.Transport.Inbox do
  @moduledoc false
  # Where every message of a peer comes in, before any process of the scope sees it: it is counted,
  # held against what may come, read, and handed on as what it was found to be. All of that is done
  # in the transport's process, so that a flood ends there. The table belongs to the scope's
  # supervisor: what a peer has used up outlives a crash.
  #
  # Invariant: at most `limit/0` peers have an account; others share one.

  require Logger

  alias ElixirScope.Distributed.{Operations, Scope}
  alias ElixirScope.Distributed.Transport.Account

  # As many as a membership knows.
  @limit 512

  @type t :: :ets.table()

  @doc "A new one, of the calling process."
  @spec new() :: t
  def new, do: :ets.new(__MODULE__, [:public, :set])

  @doc "How many peers have an account of their own."
  @spec limit() :: pos_integer
  def limit, do: @limit

  @doc "Who was put out of the cluster: nothing but membership is heard of them."
  @spec put_out(t, [node]) :: true
  def put_out(inbox, nodes), do: :ets.insert(inbox, {{:out}, nodes})

  @doc "They."
  @spec out(t) :: [node]
  def out(inbox) do
    case :ets.lookup(inbox, {:out}) do
      [{_key, nodes}] -> nodes
      [] -> []
    end
  end

  @doc "A message of `from`, judged."
  @spec take(Scope.t(), node, term) :: Account.verdict()
  def take(%{inbox: inbox, options: options} = scope, from, term) do
    rules = %{grants: Operations.grants(options), out: out(inbox)}
    settle(scope, from, &Account.judge(&1, from, term, rules, now_ms()))
  end

  @doc "Something that is no message; `nil` where nobody says who sent it."
  @spec stray(Scope.t(), node | nil) :: :drop
  def stray(scope, from), do: settle(scope, from || :others, &Account.stray/1)

  @doc "A peer cannot be reached: its account makes room where room is needed."
  @spec gone(t, node) :: :ok
  def gone(inbox, node) do
    with [{^node, account}] <- :ets.lookup(inbox, node),
         do: :ets.insert(inbox, {node, %{account | gone?: true}})

    :ok
  end

  @doc "What came of each peer and was not taken in, and every bound, for `status/0`."
  @spec status(Scope.t()) :: map
  def status(%{inbox: inbox, options: options}) do
    now_ms = now_ms()

    %{
      serve: options[:serve],
      grants: Operations.grants(options),
      limits: Map.new(Operations.all(), &{&1.name, &1.rate}),
      peer_limit: @limit,
      peers: Map.new(accounts(inbox), fn {peer, account} -> {peer, told(account, now_ms)} end)
    }
  end

  @doc "How many messages of each peer could not be read."
  @spec malformed(t) :: %{node => pos_integer}
  def malformed(inbox),
    do: for({peer, %{malformed: n}} <- accounts(inbox), n > 0, into: %{}, do: {peer, n})

  defp settle(%{inbox: inbox}, from, judge) do
    peer = room(inbox, from)
    {verdict, news, account} = judge.(account(inbox, peer))
    :ets.insert(inbox, {peer, account})
    if news, do: Logger.warning(say(peer, news), domain: [:elixir_scope])
    verdict
  end

  defp account(inbox, peer) do
    case :ets.lookup(inbox, peer) do
      [{^peer, account}] -> account
      [] -> %Account{}
    end
  end

  # Who cannot be reached any more makes room.
  defp room(inbox, from) do
    cond do
      :ets.member(inbox, from) or :ets.info(inbox, :size) < @limit ->
        from

      gone = Enum.find(accounts(inbox), fn {_peer, account} -> account.gone? end) ->
        give(inbox, gone, from)

      true ->
        :others
    end
  end

  defp give(inbox, {gone, _account}, from) do
    :ets.delete(inbox, gone)
    from
  end

  defp accounts(inbox),
    do: for({peer, %Account{} = account} <- :ets.tab2list(inbox), do: {peer, account})

  defp told(account, now_ms) do
    account
    |> Map.take([:accepted, :malformed, :unknown, :limited, :refused])
    |> Map.put(:left, Account.left(account, now_ms))
  end

  defp say(peer, {:malformed, what}), do: "refused a message of #{peer}: #{what}" <> once()

  defp say(peer, {:unknown, name}),
    do: "refused #{name} of #{peer}, which is no member" <> once()

  defp say(peer, {:limited, name}) do
    {per_s, _burst} = Operations.named(name).rate
    "#{peer} sends more than #{per_s} #{name} a second: the rest is dropped" <> once()
  end

  defp say(peer, {:refused, name}) do
    needs = inspect(Operations.named(name).needs)
    "refused #{name} of #{peer}: it needs #{needs}, see the options allow and serve" <> once()
  end

  defp once, do: "; more of that is counted in status/0"

  defp now_ms, do: System.monotonic_time(:millisecond)
end
