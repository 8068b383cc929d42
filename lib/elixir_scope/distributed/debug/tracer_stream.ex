defmodule ElixirScope.Distributed.Debug.TracerStream do
  @moduledoc """
  Which module needs which, as it changes: everything once, then each change alone.

      {:ok, subscription} = TracerStream.subscribe_to_tracer_updates(node: language_node)

      receive do
        {:tracer_update, :initial, version, %TracerStream.Snapshot{} = snapshot} -> ...
        {:tracer_update, :incremental, version, %{from: before, changes: changes}} -> ...
      end

  The stream runs on a node that knows the code, and begins with the modules of the project, out of their
  BEAM files. Who compiles tells it (`put/3`), or it looks itself (`refresh/0`). A change is
  `{:put, module, md5, entries}`, with all that the module needs now, or `{:removed, module}`;
  `ElixirScope.Distributed.Debug.TracerStream.Held` follows them.

  A subscription is a process beside its subscriber. It asks for what comes after the version that the subscriber
  has, and for more when that was delivered: so what was lost on the way comes again, and nothing waits on
  the language node for those who are slow. To a subscriber with more than `:queue` messages waiting nothing is
  delivered; later it gets what it missed as one change of each module, or, where that is no longer remembered
  (`:history`), a new snapshot. When the language node is gone the subscription tries to reach it, and goes on where it
  was. It ends with the subscriber.

  ## Options of `start_link/1`

  #{ElixirScope.Distributed.Options.docs(:debug_stream)}
  """

  alias ElixirScope.Distributed.{Debug, Error, Options}
  alias ElixirScope.Distributed.Debug.Graph
  alias ElixirScope.Distributed.Debug.TracerStream.{Log, Relay, Server, Snapshot, Source}

  @type version :: non_neg_integer
  @type update ::
          {:tracer_update, :initial, version, Snapshot.t()}
          | {:tracer_update, :incremental, version, diff}
  @type diff :: %{epoch: integer, from: version, changes: [Log.change()]}

  @doc """
  Starts the stream of this VM. There is one; it also starts by itself when it is first asked.

      {:ok, _pid} = TracerStream.start_link(modules: ["_build/dev/lib/shop/ebin"])
  """
  @spec start_link(keyword) :: GenServer.on_start()
  defdelegate start_link(options), to: Server

  @doc false
  def child_spec(options), do: %{id: __MODULE__, start: {__MODULE__, :start_link, [options]}}

  @doc false
  @spec ensure() :: {:ok, pid} | {:error, term}
  def ensure, do: Debug.Supervisor.ensure(:language, {__MODULE__, []})

  @doc """
  All that is known, with its version.

      {:ok, snapshot} = TracerStream.get_trace()
  """
  @spec get_trace() :: {:ok, Snapshot.t()} | {:error, Error.t()}
  def get_trace, do: with({:ok, _pid} <- ensure(), do: Server.snapshot())

  @doc """
  Tells the calling process of the present state and of every change, until it ends or unsubscribes.

  Options:

  #{Options.docs(:debug_subscribe)}

      {:ok, subscription} = TracerStream.subscribe_to_tracer_updates(node: :"language@10.0.0.1")
  """
  @spec subscribe_to_tracer_updates(keyword) :: {:ok, pid} | {:error, Error.t()}
  def subscribe_to_tracer_updates(options \\ []) do
    options = Options.validate!(:debug_subscribe, options)
    Relay.start(self(), options)
  end

  @doc """
  Ends a subscription.

      :ok = TracerStream.unsubscribe(subscription)
  """
  @spec unsubscribe(pid) :: :ok
  defdelegate unsubscribe(subscription), to: Relay, as: :stop

  @doc """
  A module was compiled and needs this now. What was observed of it stays.

      {:ok, _position} = TracerStream.put(Shop.Cart, md5, [{Shop.Price, :runtime, [{"lib/cart.ex", 7}]}])
  """
  @spec put(module, binary | nil, [Graph.entry()]) :: {:ok, Log.position()} | {:error, Error.t()}
  def put(module, md5, entries), do: put([{module, md5, entries}])

  @doc """
  The same for several modules, as one version.

      {:ok, _position} = TracerStream.put(Enum.map(modules, &Beams.listed/1))
  """
  @spec put([{module, binary | nil, [Graph.entry()]}]) ::
          {:ok, Log.position()} | {:error, Error.t()}
  def put(modules),
    do: Server.put(for {module, md5, entries} <- modules, do: {:put, module, md5, entries})

  @doc """
  Modules are gone.

      {:ok, _position} = TracerStream.remove([Shop.Old])
  """
  @spec remove([module]) :: {:ok, Log.position()} | {:error, Error.t()}
  def remove(modules), do: Server.put(Enum.map(modules, &{:removed, &1}))

  @doc """
  What modules were seen to need at run time, as `ElixirScope.Distributed.Debug.Observed` finds it.

      {:ok, _position} = TracerStream.observed(Observed.entries(correlation_id: id))
  """
  @spec observed([{module, [Graph.entry()]}]) :: {:ok, Log.position()} | {:error, Error.t()}
  def observed(modules),
    do: Server.put(for {module, entries} <- modules, do: {:observed, module, entries})

  @doc """
  Looks which modules' files changed, by their md5, and makes that known; also which are new.

      {:ok, _position} = TracerStream.refresh()
      {:ok, _position} = TracerStream.refresh([Shop.Cart])
  """
  @spec refresh(:all | [module]) :: {:ok, Log.position()} | {:error, Error.t()}
  def refresh(modules \\ :all)

  def refresh(:all) do
    with {:ok, known} <- Server.modules(),
         do: Server.found(Source.changed(known) ++ Source.new(known))
  end

  def refresh(modules), do: Server.found(Source.changed(modules))
end
