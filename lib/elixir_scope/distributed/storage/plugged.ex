defmodule ElixirScope.Distributed.Storage.Plugged do
  @moduledoc false
  # What a plugged storage answers, beside the native store. It answers for what it was given; what
  # is not with it yet, the native store has: an event that both have is one. Where the storage
  # does not answer, what the native store has is the answer, and this node is missing, as far
  # as it kept more.

  alias ElixirScope.Distributed.{Scope, Storages}
  alias ElixirScope.Distributed.Storage.{Fed, Feeder, Filter, Keeper, Spool}

  # How long the status waits for its numbers.
  @status_ms 1_000

  @type found :: %{
          required(:events) => [ElixirScope.Distributed.Event.t()],
          required(:count) => non_neg_integer,
          required(:dropped) => non_neg_integer,
          required(:more?) => boolean,
          required(:missing) => %{node => term}
        }

  @doc "Whether the scope has a storage besides the native one."
  @spec plugged?(Scope.t()) :: boolean
  def plugged?(%{storage: {module, _name}}), do: module != Storages.Native

  @doc "What belongs into the tree of a scope for its storage."
  @spec children(Scope.t()) :: [Supervisor.child_spec() | {module, term}]
  def children(scope), do: if(plugged?(scope), do: [{Feeder, scope}], else: [])

  @doc "The events on this node that match, wherever they are."
  @spec query(Scope.t(), keyword | Filter.t(), pos_integer) :: found
  def query(scope, filter, timeout_ms) do
    filter = Filter.new(filter)
    {:ok, here} = Storages.Native.query(scope.store, filter)
    here |> Map.put(:missing, %{}) |> beside(scope, filter, timeout_ms)
  end

  @doc "The events on this node that match a question's options."
  @spec all(Scope.t(), keyword) :: [ElixirScope.Distributed.Event.t()]
  def all(scope, options),
    do: query(scope, options, options[:timeout_ms] || scope.options[:query_timeout_ms]).events

  @doc "What was read from native stores, with what the scope's storage has of it and more."
  @spec beside(found, Scope.t(), Filter.t(), pos_integer) :: found
  def beside(found, scope, filter, timeout_ms) do
    if plugged?(scope),
      do: scope |> ask(filter, timeout_ms) |> join(found, scope, filter),
      else: found
  end

  defp ask(%{storage: {module, name}} = scope, filter, timeout_ms) do
    case Feeder.standing(scope.name) do
      %{up?: true} -> within(scope, timeout_ms, fn -> module.query(name, filter) end)
      _down -> {:error, :down}
    end
  end

  defp join({:ok, %{events: kept} = more}, found, _scope, filter) do
    all = (kept ++ found.events) |> Enum.uniq_by(& &1.id) |> Filter.sort(filter.order)
    {events, rest} = all |> up_to(ends([more, found]), filter) |> Enum.split(filter.limit)
    more? = more.more? or found.more? or rest != []
    dropped = max(more.dropped, found.dropped)
    %{found | events: events, count: length(events), more?: more?, dropped: dropped}
  end

  defp join({:ok, other}, found, scope, _filter), do: failed(found, scope, {:bad_return, other})
  defp join({:error, :timeout}, found, scope, _), do: miss(found, scope, :distributed_timeout)
  defp join({:error, reason}, found, scope, _filter), do: failed(found, scope, reason)
  defp join(other, found, scope, _filter), do: failed(found, scope, {:bad_return, other})

  defp failed(found, scope, reason),
    do: miss(found, scope, {:distributed_exit, {:storage, reason}})

  defp miss(found, scope, reason), do: put_in(found.missing[scope.node], reason)

  # Behind the last event of one that has more, the other's may not be all there is.
  defp ends(answers),
    do: for(%{more?: true, events: [_ | _] = events} <- answers, do: List.last(events))

  defp up_to(events, [], _filter), do: events

  defp up_to(events, ends, %{order: :asc}) do
    last = ends |> Enum.map(&Filter.place/1) |> Enum.min()
    Enum.take_while(events, &(Filter.place(&1) <= last))
  end

  defp up_to(events, ends, %{order: :desc}) do
    last = ends |> Enum.map(&Filter.place/1) |> Enum.max()
    Enum.take_while(events, &(Filter.place(&1) >= last))
  end

  @doc """
  What is missing from an answer. One that was read from the native store alone may lack what only
  the storage has.
  """
  @spec missing(map, Scope.t()) :: %{node => term}
  def missing(%{missing: missing}, _scope), do: missing

  def missing(_native, scope) do
    if plugged?(scope) and Storages.Native.status(scope.store).expired > 0,
      do: %{scope.node => {:distributed_exit, {:storage, :not_read}}},
      else: %{}
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
