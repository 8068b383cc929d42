defmodule ElixirScope.Distributed.Cluster.Versions do
  @moduledoc false
  # Which members run other code than this node, and where it differs.
  #
  # The handshake carries a digest of what each has loaded. Where two differ, they tell each
  # other of their applications in short (`:apps`), and of those that differ the modules
  # (`:modules`). Modules come and go while a node runs: it looks once a minute, and tells of it
  # if something has changed.

  use GenServer

  alias ElixirScope.Distributed.Cluster.{Drift, Inventory}
  alias ElixirScope.Distributed.{Error, NodeCoordinator, Scope, Transport}
  alias ElixirScope.Distributed.Types.ClusterMessage

  @look_ms 60_000

  # A member is answered once in this time, whatever it asks.
  @answer_ms 1_000

  defstruct [:scope, :digest, apps: [], members: [], digests: %{}, drift: %{}, asked: %{}]

  @doc false
  @spec start_link(Scope.t()) :: GenServer.on_start()
  def start_link(scope),
    do: GenServer.start_link(__MODULE__, scope, name: Scope.via(scope.name, __MODULE__))

  @doc "Where members run other code: by node, then by application."
  @spec drift(atom) :: {:ok, %{node => Drift.drift()}} | {:error, Error.t()}
  def drift(scope), do: Scope.call(scope, __MODULE__, :drift)

  @doc "What stands for all code that this VM has loaded; waits until it was looked at."
  @spec digest(atom) :: binary | nil
  def digest(scope) do
    case Scope.call(scope, __MODULE__, :digest) do
      {:ok, digest} -> digest
      {:error, _not_running} -> nil
    end
  catch
    # Nobody waits for that: the first ones to be greeted are told later.
    :exit, _too_busy -> nil
  end

  @doc "Who is a member, what one introduced itself with, and what one says of its code."
  @spec tell(atom, tuple) :: :ok
  def tell(scope, what), do: Scope.cast(scope, __MODULE__, what)

  @impl true
  def init(scope) do
    {:ok, scope} = Scope.fetch(scope.name)
    {:ok, %__MODULE__{scope: scope}, {:continue, :look}}
  end

  @impl true
  def handle_continue(:look, state), do: {:noreply, look(state)}

  @impl true
  def handle_call(:drift, _from, state), do: {:reply, {:ok, state.drift}, state}

  def handle_call(:digest, _from, state), do: {:reply, {:ok, state.digest}, state}

  @impl true
  def handle_cast({:members, members}, state) do
    kept =
      for key <- [:digests, :drift, :asked], do: {key, Map.take(Map.fetch!(state, key), members)}

    {:noreply, struct!(state, [members: members] ++ kept)}
  end

  def handle_cast({:digest, node, digest}, state) do
    state = put_in(state.digests[node], digest)

    {:noreply, if(digest == state.digest, do: same(state, node), else: introduce(state, node))}
  end

  def handle_cast({:message, node, %{kind: :apps} = message}, state) do
    state = put_in(state.digests[node], message.digest)

    {:noreply,
     if(message.digest == state.digest,
       do: same(state, node),
       else: ask(state, node, message.code)
     )}
  end

  def handle_cast({:message, node, %{kind: :modules, code: theirs}}, state) do
    ours = Inventory.full(for {app, _, _, _} <- theirs, do: app)
    drift = Drift.compare(ours, theirs)
    {:noreply, if(drift == %{}, do: same(state, node), else: put_in(state.drift[node], drift))}
  end

  @impl true
  def handle_info(:look, state), do: {:noreply, look(state)}

  def handle_info({:answer, node}, state) do
    {theirs, asked} = Map.pop(state.asked, node)
    state = %{state | asked: asked}
    if theirs && node in state.members, do: answer(state, node, theirs)
    {:noreply, state}
  end

  defp look(state) do
    Process.send_after(self(), :look, @look_ms)
    apps = Inventory.brief()
    digest = Inventory.digest(apps)
    changed? = digest != state.digest
    state = %{state | apps: apps, digest: digest}
    if changed?, do: NodeCoordinator.loaded(state.scope.name, digest)
    Enum.reduce(untold(state, changed?), state, &introduce(&2, &1))
  end

  # All, where something changed; else those of whom the answer was lost.
  defp untold(state, true), do: state.members

  defp untold(state, false) do
    for node <- state.members,
        state.digests[node] not in [nil, state.digest] and not is_map_key(state.drift, node),
        do: node
  end

  defp introduce(state, node) do
    send_to(state, node, :apps, Enum.take(state.apps, Inventory.most_apps()))
    state
  end

  # Only the last question counts.
  defp ask(state, node, apps) do
    if not is_map_key(state.asked, node),
      do: Process.send_after(self(), {:answer, node}, @answer_ms)

    put_in(state.asked[node], apps)
  end

  defp answer(state, node, theirs),
    do: send_to(state, node, :modules, Inventory.full(Drift.suspects(state.apps, theirs)))

  defp same(state, node), do: %{state | drift: Map.delete(state.drift, node)}

  defp send_to(%{scope: scope} = state, node, kind, code) do
    message = %ClusterMessage{
      source_node: scope.node,
      kind: kind,
      digest: state.digest,
      code: code
    }

    Transport.send_to(scope, node, message)
  end
end
