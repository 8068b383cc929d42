defmodule ElixirScope.Distributed.Storage.Plugged do
  @moduledoc false
  # What a plugged storage answers, beside the native store. It answers for what it was given; what
  # is not with it yet, the native store has: an event that both have is one. Where the storage
  # does not answer, what the native store has is the answer, and this node is missing, as far
  # as it kept more.

  alias ElixirScope.Distributed.{Event, Scope, Storage, Storages}
  alias ElixirScope.Distributed.Query.Survey
  alias ElixirScope.Distributed.Storage.{Fed, Feeder, Filter, Keeper, Spool}

  # How long the status waits for its numbers.
  @status_ms 1_000

  @doc "Whether the scope has a storage besides the native one."
  @spec plugged?(Scope.t()) :: boolean
  def plugged?(%{storage: {module, _name}}), do: module != Storages.Native

  @doc "What belongs into the tree of a scope for its storage."
  @spec children(Scope.t()) :: [Supervisor.child_spec() | {module, term}]
  def children(scope), do: if(plugged?(scope), do: [{Feeder, scope}], else: [])

  @doc "The events on this node that match a question's options, wherever they are kept."
  @spec all(Scope.t(), keyword) :: [Event.t()]
  def all(scope, options) do
    filter = Filter.new(options)
    {:ok, here} = Storages.Native.query(scope.store, filter)
    timeout_ms = options[:timeout_ms] || scope.options[:query_timeout_ms]

    (kept(scope, filter, timeout_ms) ++ here.events)
    |> Enum.uniq_by(& &1.id)
    |> Filter.sort(filter.order)
    |> Enum.take(filter.limit)
  end

  defp kept(scope, filter, timeout_ms) do
    with true <- plugged?(scope),
         {:ok, %{events: events}} <- ask(scope, :query, [filter], timeout_ms),
         do: events,
         else: (_none -> [])
  end

  @doc "Asks the storage for events; an error is why this node is missing from an answer."
  @spec ask(Scope.t(), :query | :events_since, [term], pos_integer) ::
          {:ok, Storage.matches()} | {:error, reason :: term}
  def ask(%{storage: {module, name}} = scope, function, arguments, timeout_ms) do
    case Feeder.standing(scope.name) do
      %{up?: true} ->
        scope
        |> within(timeout_ms, fn -> apply(module, function, [name | arguments]) end)
        |> read()

      _down ->
        {:error, {:distributed_exit, {:storage, :down}}}
    end
  end

  defp read({:ok, %{events: events, more?: more?, dropped: dropped}} = answer)
       when is_list(events) and is_boolean(more?) and is_integer(dropped),
       do: answer

  defp read({:error, :timeout}), do: {:error, :distributed_timeout}
  defp read({:error, reason}), do: {:error, {:distributed_exit, {:storage, reason}}}
  defp read(other), do: {:error, {:distributed_exit, {:storage, {:bad_return, other}}}}

  @doc "A survey of who only reads native stores: what the storage alone has is missing."
  @spec unread(Survey.t()) :: Survey.t()
  def unread(%{scope: scope} = survey) do
    if plugged?(scope) and Storages.Native.status(scope.store).expired > 0,
      do: Survey.miss(survey, scope.node, {:distributed_exit, {:storage, :not_read}}),
      else: survey
  end

  @doc "How the storage stands, for `status/0`; `nil` without one."
  @spec status(Scope.t()) :: map | nil
  def status(scope), do: if(plugged?(scope), do: describe(scope, Feeder.standing(scope.name)))

  defp describe(%{storage: {module, _name}}, nil), do: %{module: module, up?: false}

  defp describe(%{storage: {module, name}} = scope, standing) do
    standing
    |> Map.take([:up?, :appended, :failures, :failure])
    |> Map.merge(%{
      module: module,
      batch: Feeder.batch(),
      lag: Fed.lag(standing.fed, Spool.holdings(scope)),
      lost: standing.fed.lost,
      statistics: standing.up? && statistics(scope, module, name)
    })
  end

  defp statistics(scope, module, name) do
    case within(scope, @status_ms, fn -> module.statistics(name) end) do
      statistics when is_map(statistics) -> statistics
      _none -> nil
    end
  end

  # A storage may take its time, or fail: in a process of its own.
  defp within(scope, timeout_ms, fun) do
    supervisor = Scope.via(scope.name, Task.Supervisor)
    task = Task.Supervisor.async_nolink(supervisor, fn -> Keeper.attempt(fun) end)

    case Task.yield(task, timeout_ms) || Task.shutdown(task, :brutal_kill) do
      {:ok, result} -> result
      {:exit, reason} -> {:error, reason}
      nil -> {:error, :timeout}
    end
  end
end
