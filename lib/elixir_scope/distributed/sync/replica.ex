defmodule ElixirScope.Distributed.Sync.Replica do
  @moduledoc false
  # This node's side of the synchronisation protocol. What to ask and what to answer is
  # decided in the native core from what it is told; time is an argument.

  alias ElixirScope.Distributed.{Native, Scope}

  @type out :: {to :: node, batch :: binary}
  @type summary :: %{sent: integer, received: integer, already: integer, bytes: integer}
  @type done :: {node, token :: non_neg_integer, summary | {:error, term}}

  @doc "A peer can be reached, or no longer."
  @spec peer(Scope.t(), node, :up | :down) :: :ok
  def peer(scope, node, state), do: Native.sync_peer(scope.store, node, state == :up)

  @doc "The periodic round: what to send to whom, what ended, whether anything is going on."
  @spec tick(Scope.t(), integer) :: {[out], [done], :busy | :idle}
  def tick(scope, now_ms), do: Native.sync_tick(scope.store, now_ms)

  @doc "Begins an exchange with one peer; it is done when both have the same."
  @spec start(Scope.t(), node, integer) :: {token :: non_neg_integer, [out]}
  def start(scope, node, now_ms), do: Native.sync_start(scope.store, node, now_ms)

  @doc "What a peer's batch asks us to send, and the exchanges it ended."
  @spec handle(Scope.t(), node, binary, integer) :: {:ok, [out], [done]} | {:error, atom}
  def handle(scope, from, batch, now_ms),
    do: Native.sync_receive(scope.store, from, batch, now_ms)

  @doc "What was exchanged with each peer, and every bound with its present value."
  @spec status(Scope.t()) :: map
  def status(scope), do: Native.sync_status(scope.store)
end
