defmodule ElixirScope.Distributed.Scope do
  @moduledoc false
  # One scope on one node: its supervision tree, its names, and the handle by which
  # every other module finds the native core. Several scopes live in one VM; nothing
  # below is shared between them but the rings.

  use Supervisor

  alias ElixirScope.Distributed.Capture.Conductor

  alias ElixirScope.Distributed.{
    ClusterStateManager,
    Debug,
    Error,
    EventSynchronizer,
    GlobalClock,
    Live,
    NodeCoordinator,
    Options,
    Part,
    Transport
  }

  alias ElixirScope.Distributed.Capture.Correlation.Token
  alias ElixirScope.Distributed.Cluster.{Memory, Versions}
  alias ElixirScope.Distributed.Query.Host
  alias ElixirScope.Distributed.Recording.Opened
  alias ElixirScope.Distributed.Simulation.Wanted
  alias ElixirScope.Distributed.Storage.{Feeder, Plugged}
  alias ElixirScope.Distributed.Storages.Native, as: Storage

  @registry ElixirScope.Distributed.Registry
  @supervisor ElixirScope.Distributed.Scopes

  # `also` is another name under which the scope is found. `recording` is what a scope is of that only
  # reads a file: at first its path and how it is opened, then what it says of itself.
  defstruct [:name, :also, :node, :incarnation, :store, :index, :inbox, :memory, :options] ++
              [:transport, :clock, :synchronizer, :storage, :recording]

  @type t :: %__MODULE__{
          name: atom,
          also: atom,
          node: node,
          incarnation: non_neg_integer | nil,
          store: Storage.t(),
          index: non_neg_integer,
          transport: {module, GenServer.name()},
          inbox: Transport.Inbox.t(),
          clock: {module, GenServer.name()},
          synchronizer: {module, GenServer.name()},
          storage: {module, GenServer.name()},
          recording: Opened.t() | {Path.t(), salvage :: boolean} | nil,
          memory: Memory.t(),
          options: keyword
        }

  @doc "The registry of the processes of all scopes."
  def registry, do: {Registry, keys: :unique, name: @registry}

  @doc "Its name."
  @spec names() :: atom
  def names, do: @registry

  @doc "The supervisor of the scopes started by `ElixirScope.Distributed.start/1`."
  def supervisor, do: {DynamicSupervisor, name: @supervisor, strategy: :one_for_one}

  @doc "Whether this node may have scopes at all: see the key `enabled` of the configuration."
  @spec enabled?() :: boolean
  def enabled?, do: Process.whereis(@supervisor) != nil

  @doc "Starts a scope's tree, linked to the caller."
  @spec start_link(keyword) :: Supervisor.on_start()
  def start_link(options) do
    options = Options.validate!(:start, options)
    Supervisor.start_link(__MODULE__, options, name: via(options[:name], __MODULE__))
  end

  @doc "Starts a scope under the application; a running one is returned."
  @spec start(keyword) :: {:ok, pid} | {:error, Error.t() | term}
  def start(options) do
    options = Options.validate!(:start, options)

    with {:ok, _started} <- Application.ensure_all_started(:elixir_scope_distributed),
         pid when is_pid(pid) <- Process.whereis(@supervisor) do
      @supervisor
      |> DynamicSupervisor.start_child(child_spec(options))
      |> Wanted.with_nodes(options)
    else
      nil -> {:error, Error.new(:disabled)}
      {:error, reason} -> {:error, reason}
    end
  end

  @doc "Stops a scope, wherever it was started."
  @spec stop(atom) :: :ok | {:error, Error.t()}
  def stop(name) do
    case whereis(name, __MODULE__) do
      nil -> {:error, Error.new(:not_running, scope: name)}
      pid -> Supervisor.stop(pid)
    end
  catch
    # It ended by itself meanwhile.
    :exit, _reason -> {:error, Error.new(:not_running, scope: name)}
  end

  @doc "The child specification of a scope; a scope that was stopped on purpose stays stopped."
  def child_spec(options) do
    name = Keyword.get(options, :name, Options.default_scope())
    %{super(options) | id: {__MODULE__, name}} |> Map.put(:restart, :transient)
  end

  @doc "The running scope of that name."
  @spec fetch(atom) :: {:ok, t} | {:error, Error.t()}
  def fetch(name) do
    case :persistent_term.get({__MODULE__, name}, nil) do
      nil -> {:error, Error.new(:not_running, scope: name)}
      scope -> {:ok, scope}
    end
  end

  @doc "The place of the running scope of that name in the native core, or -1."
  @spec index(atom) :: integer
  def index(name) do
    case :persistent_term.get({__MODULE__, name}, nil) do
      %{index: index} -> index
      nil -> -1
    end
  end

  @doc "The name under which the process of `role` in a scope is registered."
  @spec via(atom, module) :: GenServer.name()
  def via(name, role), do: {:via, Registry, {@registry, {name, role}}}

  @doc "The process of `role` in a scope, if it runs."
  @spec whereis(atom, module) :: pid | nil
  def whereis(name, role) do
    case Process.whereis(@registry) && Registry.lookup(@registry, {name, role}) do
      [{pid, _value}] -> pid
      _none -> nil
    end
  end

  @doc "The processes of `role` in all scopes of this VM."
  @spec all(module) :: [pid]
  def all(role) do
    if Process.whereis(@registry),
      do: Registry.select(@registry, [{{{:_, role}, :"$1", :_}, [], [:"$1"]}]),
      else: []
  end

  @doc "The scopes of this VM that run."
  @spec running() :: [t]
  def running do
    pattern = [{{{:"$1", Storage}, :_, :_}, [], [:"$1"]}]
    names = if enabled?(), do: Registry.select(@registry, pattern), else: []
    for name <- names, {:ok, scope} <- [fetch(name)], do: scope
  end

  @doc "Every process that scopes of this VM depend on, and those of the library itself."
  @spec processes() :: [pid]
  def processes do
    named = [ElixirScope.Distributed.Application, @registry, @supervisor]
    scopes = Registry.select(@registry, [{{{:"$1", :_}, :"$2", :_}, [], [{{:"$1", :"$2"}}]}])
    transports = for {name, _pid} <- scopes, {:ok, scope} <- [fetch(name)], do: transport(scope)
    pids = Enum.map(named ++ transports, &Process.whereis/1)
    all = Enum.map(scopes, &elem(&1, 1)) ++ pids ++ Debug.Supervisor.processes()
    for pid <- all, is_pid(pid), uniq: true, do: pid
  end

  defp transport(%{transport: {_module, name}}), do: name

  @doc """
  Hides the calling process, a worker of ours, from every trace: in the dirty part of the native
  core nobody may be traced, and what a trace itself needs is none of its events.
  """
  @spec hide() :: boolean
  def hide, do: Process.flag(:sensitive, true)

  @doc "Asks the process of `role`; where it is not there, or ends meanwhile, the scope does not run."
  @spec call(atom, module, term, timeout) :: term | {:error, Error.t()}
  def call(name, role, request, timeout \\ 5_000) do
    with {:ok, scope} <- fetch(name),
         do: Token.aside(fn -> GenServer.call(via(scope.name, role), request, timeout) end)
  catch
    :exit, {:timeout, _call} ->
      {:error, Error.new(:no_time, scope: name, role: role, ms: timeout)}

    :exit, {_ended, _call} ->
      {:error, not_there(name)}
  end

  @doc "Why a process of a scope is not there: it does not run, or only reads a recording."
  @spec not_there(atom) :: Error.t()
  def not_there(name) do
    case fetch(name) do
      {:ok, %{recording: %Opened{}}} -> Error.new(:recording, recording: name)
      _not_running -> Error.new(:not_running, scope: name)
    end
  end

  @doc "Sends `message` to the process of `role`, if it runs."
  @spec cast(atom, module, term) :: :ok
  def cast(name, role, message) do
    if pid = whereis(name, role), do: GenServer.cast(pid, message)
    :ok
  end

  @impl true
  def init(options) do
    memory = Memory.new()
    own = %__MODULE__{name: options[:name], memory: memory, inbox: Transport.Inbox.new()}
    scope = describe(own, options)
    workers = via(scope.name, Task.Supervisor)

    Supervisor.init(
      [
        {Storage, scope},
        Supervisor.child_spec({Task.Supervisor, name: workers}, id: Task.Supervisor),
        {Live, scope},
        {GlobalClock, scope},
        {EventSynchronizer, scope},
        {Conductor, scope},
        {Host, scope},
        {ClusterStateManager, {scope, memory}},
        {Versions, scope},
        {Transport, scope.name},
        {NodeCoordinator, {:member, scope, memory}}
        | Plugged.children(scope) ++ Wanted.children(options) ++ Debug.Services.children(options)
      ],
      strategy: :rest_for_one,
      # A scope that keeps crashing gives up: observing must not take the application down.
      max_restarts: 15,
      max_seconds: 10
    )
  end

  @doc "Makes the scope findable once its store is open."
  @spec publish(t) :: :ok
  def publish(scope),
    do: Enum.each(names(scope), &:persistent_term.put({__MODULE__, &1}, scope))

  @doc "The scope is another member; under its own name it is found all the time."
  @spec replace(t, t) :: :ok
  def replace(old, new) do
    publish(new)
    Enum.each(names(old) -- names(new), &:persistent_term.erase({__MODULE__, &1}))
  end

  @doc "Takes the scope away from those who look for it."
  @spec retract(t) :: :ok
  def retract(scope), do: Enum.each(names(scope), &:persistent_term.erase({__MODULE__, &1}))

  @doc "Ends what runs above the store, in order; what is recorded meanwhile is kept."
  @spec halt(atom) :: :ok
  def halt(name) do
    running = for {id, pid} <- above(name), is_pid(pid), do: id
    for id <- running, do: Supervisor.terminate_child(via(name, __MODULE__), id)
    # One that fell over meanwhile took those above it along, and they were started again.
    if running == [], do: :ok, else: halt(name)
  catch
    # The scope itself has ended.
    :exit, _reason -> :ok
  end

  @doc "Begins again what `halt/1` ended."
  @spec resume(atom) :: :ok
  def resume(name) do
    for {id, _none} <- Enum.reverse(above(name)),
        do: Supervisor.restart_child(via(name, __MODULE__), id)

    :ok
  catch
    :exit, _reason -> :ok
  end

  @doc "The same scope with other options: as another member, of another network perhaps."
  @spec describe(t, keyword) :: t
  def describe(%{name: name} = scope, options) do
    %{
      scope
      | node: options[:node] || Node.self(),
        transport: Transport.address(options[:transport], name),
        clock: Part.address(options[:clock], name, GlobalClock),
        synchronizer: Part.address(options[:synchronizer], name, EventSynchronizer),
        storage: Part.address(options[:storage], name, ElixirScope.Distributed.Storage),
        options: options
    }
  end

  # Last started first. Questions and subscriptions run beside, and end by themselves; a plugged storage
  # is as little concerned as the native one.
  defp above(name) do
    children = Supervisor.which_children(via(name, __MODULE__))

    for {id, pid, _type, _modules} <- children,
        id not in [Storage, Task.Supervisor, Live, Feeder, Task],
        do: {id, pid}
  end

  defp names(scope), do: [scope.name | List.wrap(scope.also)]
end
