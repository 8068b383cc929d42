defmodule ElixirScope.Distributed.Sync.Replica do
  @moduledoc false
  # This node's side of the synchronisation protocol. What to ask and what to answer is
  # decided in the native core from what it is told.
  #
  # A step says what is to be done: `out` is sent, `done` are the exchanges that ended,
  # `conflicts` where members hold different events under the same numbers,
  # and `next_ms` is when to tick again at the latest (`nil` when nothing is on the way).

  alias ElixirScope.Distributed.{Native, Scope, Sync.Mode}
  alias ElixirScope.Distributed.Storages.Native, as: Storage

  @type token :: non_neg_integer
  @type summary :: %{sent: integer, received: integer, already: integer, bytes: integer}
  @type step :: %{
          out: [{node, binary}],
          done: [{node, token, summary | {:error, term}}],
          conflicts: [map],
          next_ms: non_neg_integer | nil
        }

  @doc "A peer can be reached, or no longer."
  @spec peer(Scope.t(), node, :up | :down) :: :ok
  def peer(scope, node, state),
    do: Native.sync_peer(scope.store, Atom.to_string(node), state == :up)

  @doc "The periodic round."
  @spec tick(Scope.t()) :: step
  def tick(scope), do: scope.store |> Native.sync_tick() |> named()

  @doc "Who belongs to the cluster, and whose events are kept here."
  @spec keep(Scope.t(), [node], Mode.keeps()) :: :ok
  def keep(scope, members, {:on, nodes}),
    do: Native.sync_keep(scope.store, texts(members), {:on, texts(nodes)})

  def keep(scope, members, keeps), do: Native.sync_keep(scope.store, texts(members), keeps)

  @doc """
  Begins an exchange with one peer; it is done when both have the same. With `:everything` this one has
  then also what it does not keep otherwise.
  """
  @spec start(Scope.t(), node, :kept | :everything) :: {:ok, token, step} | :error
  def start(scope, node, what \\ :kept) do
    case Native.sync_start(scope.store, Atom.to_string(node), what == :everything) do
      {token, step} -> {:ok, token, named(step)}
      nil -> :error
    end
  end

  @doc "Nobody waits any longer for that exchange."
  @spec stop(Scope.t(), node, token) :: :ok
  def stop(scope, node, token), do: Native.sync_stop(scope.store, Atom.to_string(node), token)

  @doc "The stamp below which nothing is kept here any more; `nil` while there is nothing."
  @spec floor(Scope.t()) :: ElixirScope.Distributed.Types.GlobalTimestamp.t() | nil
  def floor(%{store: store, node: node}) do
    with {logical, physical_ns} <- Storage.status(store).floor, do: {logical, physical_ns, node}
  end

  @doc "What a peer's batch asks of us, and the exchanges it ended."
  @spec handle(Scope.t(), node, binary) :: {:ok, step} | {:error, String.t()}
  def handle(scope, from, batch) do
    with {:ok, step} <- Native.sync_receive(scope.store, Atom.to_string(from), batch),
         do: {:ok, named(step)}
  end

  @doc "What was exchanged with each peer."
  @spec status(Scope.t()) :: %{node => map}
  def status(scope),
    do: Map.new(Native.sync_status(scope.store), fn {name, stats} -> {known(name), stats} end)

  @doc "Every bound of the exchange and its present value."
  @spec bounds(Scope.t()) :: map
  def bounds(scope), do: Native.sync_bounds(scope.store)

  # Every peer was an atom when it was handed in.
  defp named(step) do
    %{
      step
      | out: for({name, batch} <- step.out, do: {known(name), batch}),
        done: for({name, token, result} <- step.done, do: {known(name), token, result})
    }
  end

  defp texts(nodes), do: Enum.map(nodes, &Atom.to_string/1)
  defp known(name), do: String.to_existing_atom(name)
end
