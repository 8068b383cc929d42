defmodule ElixirScope.Distributed.Query do
  @moduledoc false
  # Questions about events. Each runs in a worker of its own: the native core reads in
  # slices of a dirty scheduler, where no process of the application should ever be.

  require Logger

  alias ElixirScope.Distributed.{ClusterStateManager, Error, Event, EventSynchronizer}
  alias ElixirScope.Distributed.{NodeCoordinator, Options}
  alias ElixirScope.Distributed.Capture.Correlation.Token
  alias ElixirScope.Distributed.Query.{Entries, Names, Pairs, Result, Traces}
  alias ElixirScope.Distributed.{Scope, Telemetry}
  alias ElixirScope.Distributed.Storages.Native, as: Storage
  alias ElixirScope.Distributed.Sync.{Mode, Replica}
  alias ElixirScope.Distributed.Types.ClusterNodeInfo

  @typedoc """
  How the matching events are read from the store of a scope, by a checked filter. In it, `pairing` is
  on what terms messages are paired.
  """
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
      "this is not everything: missing #{inspect(result.missing)}, #{result.dropped} dropped, " <>
        "#{result.expired} expired#{more}",
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

  # The events as structs, with correlation ids as their users call them, and messages in pairs.
  defp named(store, filter) do
    with {:ok, matches} <- Traces.query(store, widen(store, filter)) do
      events = Entries.show(matches.events, &find(store, &1))
      events = Names.show(events, &marks(store, &1))
      {:ok, %{matches | events: Pairs.show(events, store, filter[:pairing])}}
    end
  end

  @doc "The filter with what else belongs to a correlation, though it has another key."
  @spec widen(Storage.t(), keyword) :: keyword
  def widen(store, filter),
    do: filter ++ [spans: Entries.spans(filter[:correlation_id], &find(store, &1))]

  defp marks(store, key),
    do: find(store, kinds: [:mark], correlation_id: key, contains: "correlation", limit: 10)

  defp find(store, filter) do
    {:ok, %{events: events}} = Storage.query(store, Options.validate!(:filter, filter))
    events
  end

  defp answer(scope, options, read) do
    Scope.hide()
    began = System.monotonic_time()

    reach = reach(scope, options)

    with :ok <- majority(scope, options[:require]),
         {:ok, infos} <- NodeCoordinator.nodes(scope.name),
         {:ok, missing} <- gather(scope, known(infos), reach, options[:timeout_ms]),
         terms = pairing(scope, Map.keys(infos), Map.keys(missing), options[:nodes]),
         {:ok, matches} <- read.(scope.store, Keyword.put(options, :pairing, terms)) do
      expired = Replica.expired(scope, reach)
      result = Result.new(scope.node, Map.keys(infos), missing, matches, expired)
      duration = System.monotonic_time() - began
      Telemetry.emit(:query, scope.node, Result.measure(result, matches.count, duration))
      Result.require(result, options[:require])
    end
  catch
    # A scope that stops under a question is no crash.
    :exit, reason -> failed(reason)
  end

  # Of who did not answer, or was not asked, there may be events that are not here.
  defp pairing(scope, members, missing, asked) do
    unasked = if asked == [], do: [], else: members -- asked
    %{unsure: missing ++ unasked, clocks_ms: scope.options[:max_clock_drift_ms]}
  end

  defp failed(reason), do: {:error, Error.new(:query_failed, reason: reason)}

  # Whose side is too small says so at once, rather than after asking nodes that are not there.
  defp majority(scope, :majority), do: ClusterStateManager.require_majority(scope)
  defp majority(_scope, _all_or_any), do: :ok

  # What others have that is not here yet is pulled first; who does not answer is missing.
  defp gather(scope, infos, reach, timeout_ms) do
    {up, out} = Enum.split_with(infos, fn {_node, info} -> info.status == :up end)
    {closed, open} = Enum.split_with(up, &closed?/1)
    asked = asked(Enum.map(open, &elem(&1, 0)), scope, reach)

    with {:ok, results} <- pull(scope, asked, reach, timeout_ms) do
      failed =
        for {node, _info} <- closed, into: %{}, do: {node, {:distributed_exit, :not_allowed}}

      failed = for {node, {:error, reason}} <- results, into: failed, do: {node, reason}
      out = for {node, _info} <- out, into: failed, do: {node, {:node_unavailable, node}}
      {:ok, missed(out, reach.nodes)}
    end
  end

  # What is asked for is pulled.
  defp closed?({_node, info}), do: [:record, :query] -- info.capabilities != []

  defp pull(_scope, [], _reach, _timeout_ms), do: {:ok, %{}}

  defp pull(scope, nodes, reach, timeout_ms),
    do: EventSynchronizer.synchronise(scope.name, nodes, timeout_ms, share(reach, length(nodes)))

  # Who was named has its own events. Others are asked for those of one that is not there, and where
  # not everybody keeps everything, for what they keep of its earlier starts.
  defp asked(up, scope, %{nodes: nodes}) do
    everything? = Mode.keeps(Mode.of(scope.options), length(up) + 1) == :everything
    named = nodes -- [scope.node]
    if nodes != [] and everything? and named -- up == [], do: named, else: up
  end

  # Only who was named, where somebody was, can be missed.
  defp missed(failed, []), do: failed
  defp missed(failed, nodes), do: Map.take(failed, nodes)

  # A node without the library, or put out on purpose, has nothing to be missed.
  defp known(infos) do
    Enum.reject(infos, fn {_node, %ClusterNodeInfo{reason: reason}} ->
      reason in [:no_library, :hidden, :unregistered]
    end)
  end

  # What is kept here must not have to make room for a question: all members together give a quarter
  # of that at most.
  defp reach(scope, options) do
    bytes = div(scope.options[:retention_bytes], 4)
    options |> Storage.native_filter() |> Map.take([:nodes, :from, :to]) |> Map.put(:bytes, bytes)
  end

  defp share(reach, peers), do: %{reach | bytes: max(div(reach.bytes, peers), 1)}
end
