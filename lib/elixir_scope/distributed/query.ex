defmodule ElixirScope.Distributed.Query do
  @moduledoc false
  # Questions about events. Each runs in a worker of its own: the native core reads in
  # slices of a dirty scheduler, where no process of the application should ever be.

  require Logger

  alias ElixirScope.Distributed.{ClusterStateManager, Error, Event, EventSynchronizer}
  alias ElixirScope.Distributed.{NodeCoordinator, Options}
  alias ElixirScope.Distributed.Capture.Correlation.Token
  alias ElixirScope.Distributed.{Query.Names, Query.Result, Query.Traces, Scope, Telemetry}
  alias ElixirScope.Distributed.Storages.Native, as: Storage
  alias ElixirScope.Distributed.Types.ClusterNodeInfo

  @typedoc "How the matching events are read from the store of a scope, by a checked filter."
  @type read(found) ::
          (Storage.t(), filter :: keyword ->
             {:ok, ElixirScope.Distributed.Storage.matches(found)} | {:error, term})

  @typedoc "Why a question has no answer; the last where a majority was asked for."
  @type failure :: {:error, Error.t()} | {:error, atom, message :: String.t()}

  @doc "The matching events; what is missing is warned of."
  @spec events(keyword | map) :: {:ok, [Event.t()]} | failure
  def events(filters) do
    with {:ok, result} <- run(filters) do
      if Result.partial?(result), do: warn(result)
      {:ok, result.events}
    end
  end

  @doc "Says that a result is not everything, and what is missing."
  @spec warn(Result.t(term)) :: :ok
  def warn(result) do
    more = if result.more?, do: ", more than the limit", else: ""

    Logger.warning(
      "this is not everything: missing #{inspect(result.missing)}, #{result.dropped} dropped#{more}",
      domain: [:elixir_scope]
    )
  end

  @doc """
  The matching events of all members, and what is known to be missing from them.
  `read` takes them from the store, in whichever form they are wanted.
  """
  @spec run(keyword | map, read(found)) :: {:ok, Result.t(found)} | failure
        when found: term
  def run(filters, read \\ &named/2) do
    with {:ok, options} <- check(filters),
         {:ok, scope} <- Scope.fetch(options[:scope]) do
      Token.aside(fn -> ask(scope, options, read) end)
    end
  catch
    :exit, reason -> failed(reason)
  end

  defp check(filters) do
    case Options.validate(:query, filters) do
      {:ok, options} -> {:ok, options}
      {:error, message} -> {:error, Error.new(:bad_filter, message: message)}
    end
  end

  defp ask(scope, options, read) do
    Scope.via(scope.name, Task.Supervisor)
    |> Task.Supervisor.async_nolink(fn -> answer(scope, options, read) end)
    |> Task.await(:infinity)
  end

  # The events as structs, with correlation ids as their users call them.
  defp named(store, filter) do
    with {:ok, matches} <- Traces.query(store, filter),
         do: {:ok, %{matches | events: Names.show(matches.events, &marks(store, &1))}}
  end

  defp marks(store, key) do
    filter = [kinds: [:mark], correlation_id: key, contains: "correlation", limit: 10]
    {:ok, %{events: events}} = Storage.query(store, Options.validate!(:filter, filter))
    events
  end

  defp answer(scope, options, read) do
    Scope.hide()
    began = System.monotonic_time()

    with :ok <- majority(scope, options[:require]),
         {:ok, infos} <- NodeCoordinator.nodes(scope.name),
         {:ok, missing} <- gather(scope, asked(infos, options[:nodes]), options[:timeout_ms]),
         {:ok, matches} <- read.(scope.store, options) do
      result = Result.new(scope.node, Map.keys(infos), missing, matches)
      duration = System.monotonic_time() - began
      Telemetry.emit(:query, scope.node, Result.measure(result, matches.count, duration))
      Result.require(result, options[:require])
    end
  catch
    # A scope that stops under a question is no crash.
    :exit, reason -> failed(reason)
  end

  defp failed(reason), do: {:error, Error.new(:query_failed, reason: reason)}

  # Whose side is too small says so at once, rather than after asking nodes that are not there.
  defp majority(scope, :majority), do: ClusterStateManager.require_majority(scope)
  defp majority(_scope, _all_or_any), do: :ok

  # What others have that is not here yet is pulled first; who does not answer is missing.
  defp gather(scope, infos, timeout_ms) do
    {up, out} = Enum.split_with(infos, fn {_node, info} -> info.status == :up end)

    with {:ok, results} <- pull(scope, Enum.map(up, &elem(&1, 0)), timeout_ms) do
      failed = for {node, {:error, reason}} <- results, into: %{}, do: {node, reason}
      {:ok, for({node, _info} <- out, into: failed, do: {node, {:node_unavailable, node}})}
    end
  end

  defp pull(_scope, [], _timeout_ms), do: {:ok, %{}}

  defp pull(scope, nodes, timeout_ms),
    do: EventSynchronizer.synchronise(scope.name, nodes, timeout_ms)

  # A node without the library, or put out on purpose, has nothing to be missed.
  defp asked(infos, nodes) do
    Enum.filter(infos, fn {node, %ClusterNodeInfo{reason: reason}} ->
      reason not in [:no_library, :hidden, :unregistered] and (nodes == [] or node in nodes)
    end)
  end
end
