defmodule ElixirScope.Distributed.Transport do
  @moduledoc """
  How the scopes of two nodes talk: the only way event bytes travel.

  A transport is one process per scope. It is started with

    * `:name` - under which `send/3` reaches it,
    * `:node` - what this member is called,
    * `:scope` - the scope it belongs to, the same on every member,
    * `:deliver` - `fun.(message)`, called in the transport's process for each
      message received and for each change of who can be reached.

  What it delivers is one of

    * `{:transport, :message, from, message}`,
    * `{:transport, :stray, from}`: something came that is no message; `from` is `nil` where nobody
      says who sent it,
    * `{:transport, :up, node}`,
    * `{:transport, :down, node, reason}`,
    * `{:transport, :named, node}`: what this member is called from now on.

  A transport says who sent a message as far as it knows; it does not look into it. What a message
  may be is the table of `ElixirScope.Distributed.Operations`, and every one is checked against it
  before a process of the scope sees it.

  Messages are the structs of `ElixirScope.Distributed.Types`, each with the moment it was
  sent in `sent_at`; between two members they arrive in order or not at all. A transport never blocks its caller and never
  buffers without bound: a connection that is busy answers `{:error, :busy}` and
  the caller, whose protocol pulls, tries again later.

  Implementations: `ElixirScope.Distributed.Transports.ErlDist` over Erlang
  distribution, `ElixirScope.Distributed.Transports.Isolated` over a simulated network.
  """

  alias ElixirScope.Distributed.Cluster.Reason
  alias ElixirScope.Distributed.{Error, EventSynchronizer, GlobalClock, NodeCoordinator, Part}
  alias ElixirScope.Distributed.{Scope, Transport.Inbox, Types}

  @type message ::
          Types.EventSyncMessage.t()
          | Types.GlobalClockUpdate.t()
          | Types.ClusterMessage.t()
          | Types.TraceMessage.t()
          | Types.QueryMessage.t()
  @type delivery ::
          {:transport, :message, node, message}
          | {:transport, :stray, node | nil}
          | {:transport, :up, node}
          | {:transport, :down, node, reason :: term}
          | {:transport, :named, node}

  @doc "Starts the transport's process, linked to the caller."
  @callback start_link(keyword) :: GenServer.on_start()

  @doc "Hands `message` over for `to`; never waits for the network."
  @callback send(GenServer.name(), to :: node, message) :: :ok | {:error, :busy | :unreachable}

  @doc "Tries to reach `node`; the outcome is also delivered as `:up`."
  @callback connect(GenServer.name(), node) :: :ok | {:error, Reason.t()}

  @doc "Why `node` is gone, as far as can be told without connecting; may wait for the network."
  @callback diagnose(GenServer.name(), node) :: Reason.t()

  @doc "The members that can be reached now, sorted, without this one."
  @callback peers(GenServer.name()) :: [node]

  @optional_callbacks diagnose: 2

  @doc false
  # A scope's transport: the module, and the name its process has on every member.
  @spec address(module | {module, keyword}, atom) :: {module, GenServer.name()}
  def address({module, _options}, scope), do: address(module, scope)
  def address(module, scope), do: {module, Module.concat(module, scope)}

  @doc false
  @spec child_spec(atom) :: Supervisor.child_spec()
  def child_spec(scope), do: %{id: __MODULE__, start: {__MODULE__, :start_link, [scope]}}

  @doc false
  # The transport that the scope has now.
  @spec start_link(atom) :: GenServer.on_start()
  def start_link(scope) do
    {:ok, %{transport: {module, name}, options: options} = scope} = Scope.fetch(scope)
    start = [name: name, node: scope.node, scope: scope.name, deliver: &route(scope, &1)]
    module.start_link(Keyword.merge(start, extra(options[:transport])))
  end

  @doc false
  @spec send_to(Scope.t(), node, message) :: :ok | {:error, :busy | :unreachable}
  def send_to(%{transport: {module, name}} = scope, to, message),
    do: module.send(name, to, %{message | sent_at: sent_at(scope.name)})

  @doc false
  @spec diagnose(Scope.t(), node) :: Reason.t()
  def diagnose(%{transport: {module, name}}, node) do
    if function_exported?(module, :diagnose, 2),
      do: module.diagnose(name, node),
      else: :unreachable
  end

  @doc false
  @spec peers(Scope.t()) :: [node]
  def peers(%{transport: {module, name}}), do: module.peers(name)

  @doc false
  # Each kind of message has one process that understands it. Nothing comes here unread.
  @spec route(Scope.t(), delivery) :: :ok
  def route(scope, {:transport, :message, from, message}),
    do: hand_on(Inbox.take(scope, from, message), scope.name, from)

  def route(scope, {:transport, :stray, from}) do
    :drop = Inbox.stray(scope, from)
    :ok
  end

  def route(scope, change) do
    with {:transport, :down, node, _reason} <- change, do: Inbox.gone(scope.inbox, node)
    Scope.cast(scope.name, NodeCoordinator, change)
  end

  defp hand_on({:take, %{role: role}, message}, scope, from) do
    GlobalClock.hear(scope, from, message.sent_at)
    pass(role, scope, from, message)
  end

  # Whoever waits for an answer is told.
  defp hand_on({:refuse, %{role: role, needs: needs}, %{ref: ref}}, scope, from) when ref != nil,
    do: refuse(scope, role, from, ref, Error.new(:not_allowed, what: needs))

  defp hand_on({:malformed, role, ref}, scope, from) when ref != nil,
    do: refuse(scope, role, from, ref, Error.new(:malformed))

  # Who cannot be read on membership cannot be a member.
  defp hand_on({:malformed, NodeCoordinator, nil}, scope, from),
    do: Scope.cast(scope, NodeCoordinator, {:transport, :malformed, from})

  defp hand_on(_refused_or_dropped, _scope, _from), do: :ok

  defp refuse(scope, role, from, ref, error),
    do: Scope.cast(scope, role, {:transport, :refused, from, ref, error})

  # Parts that can be replaced say themselves how they take it.
  defp pass(GlobalClock, scope, from, message),
    do: Part.tell(scope, :clock, :deliver, [from, message])

  defp pass(EventSynchronizer, scope, from, message),
    do: Part.tell(scope, :synchronizer, :deliver, [from, message])

  defp pass(role, scope, from, message),
    do: Scope.cast(scope, role, {:transport, :message, from, message})

  # A scope that stops has no clock any more, and may still take its leave.
  defp sent_at(scope), do: with({:error, _not_running} <- GlobalClock.now(scope), do: nil)

  defp extra({_module, options}), do: options
  defp extra(_module), do: []
end
