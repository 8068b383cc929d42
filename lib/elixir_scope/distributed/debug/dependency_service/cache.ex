defmodule ElixirScope.Distributed.Debug.DependencyService.Cache do
  @moduledoc false
  # Answers of another node, each with the version of the graph for which it is exact. As the
  # changes of that node are heard, those which no change touches become answers of the newer
  # version, and the others go. Pure.
  #
  # Invariants: there are at most `limit` answers; each is what the node says, or would have
  # said, at its `version`. Where changes are heard, `position` is the last version that was
  # heard of, and no answer is of an older one.

  alias ElixirScope.Distributed.Debug.DependencyService.Result
  alias ElixirScope.Distributed.Debug.TracerStream.{Log, Snapshot}

  @enforce_keys [:limit]
  defstruct [:limit, :position, answers: %{}, used: :gb_trees.empty(), clock: 0]

  @type key :: {operation :: atom, arguments :: [term]}
  @type t :: %__MODULE__{
          limit: pos_integer,
          position: Log.position() | nil,
          answers: %{key => {Result.t(), used :: integer}},
          used: :gb_trees.tree(integer, key),
          clock: non_neg_integer
        }

  @spec new(pos_integer) :: t
  def new(limit), do: %__MODULE__{limit: limit}

  @doc "How many answers there are."
  @spec size(t) :: non_neg_integer
  def size(cache), do: map_size(cache.answers)

  @doc "An answer has come. One that is older than what was heard since may be wrong now."
  @spec put(t, key, Result.t()) :: t
  def put(cache, key, %Result{version: version} = result) do
    if older?(version, cache.position),
      do: cache,
      else: cache |> drop(key) |> insert(key, result) |> fit()
  end

  defp older?({epoch, version}, {epoch, heard}), do: version < heard
  # Of another start of the stream than the one that is heard: nobody knows how they follow.
  defp older?(_version, position), do: position != nil

  @doc "The answer, and that it was used."
  @spec get(t, key) :: {Result.t() | nil, t}
  def get(cache, key) do
    case cache.answers do
      %{^key => {result, _used}} -> {result, cache |> drop(key) |> insert(key, result)}
      %{} -> {nil, cache}
    end
  end

  @doc "The node told of a change, or of everything."
  @spec heard(t, tuple) :: t
  def heard(cache, {:tracer_update, :initial, version, %Snapshot{epoch: epoch}}) do
    stale = for {key, {%{version: of}, _}} <- cache.answers, of != {epoch, version}, do: key
    %{Enum.reduce(stale, cache, &drop(&2, &1)) | position: {epoch, version}}
  end

  def heard(cache, {:tracer_update, :incremental, version, %{epoch: epoch} = diff}) do
    touched = touched(diff.changes)
    position = {epoch, version}
    cache = Enum.reduce(cache.answers, cache, &renewed(&2, &1, position, touched))
    %{cache | position: position}
  end

  defp touched(changes) do
    needed = for {:put, _module, _md5, entries} <- changes, {needed, _, _} <- entries, do: needed
    {MapSet.new(changes, &elem(&1, 1)), MapSet.new(needed)}
  end

  # An answer of a later version has seen the change.
  defp renewed(cache, {key, {%{version: {epoch, of}} = result, used}}, {epoch, version}, touched)
       when of < version do
    if touched?(result.footprint, touched),
      do: drop(cache, key),
      else: put_in(cache.answers[key], {%{result | version: {epoch, version}}, used})
  end

  defp renewed(cache, {_key, {%{version: {epoch, _later}}, _used}}, {epoch, _version}, _touched),
    do: cache

  defp renewed(cache, {key, _of_another_start}, _position, _touched), do: drop(cache, key)

  defp touched?(:all, _touched), do: true

  defp touched?(%{of: of, to: to}, {changed, needed}),
    do: Enum.any?(of, &(&1 in changed)) or Enum.any?(to, &(&1 in needed))

  defp insert(%{clock: clock} = cache, key, result) do
    %{
      cache
      | clock: clock + 1,
        answers: Map.put(cache.answers, key, {result, clock}),
        used: :gb_trees.insert(clock, key, cache.used)
    }
  end

  defp drop(cache, key) do
    case Map.pop(cache.answers, key) do
      {nil, _answers} ->
        cache

      {{_, used}, answers} ->
        %{cache | answers: answers, used: :gb_trees.delete(used, cache.used)}
    end
  end

  # The one that was not used for longest goes.
  defp fit(%{limit: limit} = cache) when map_size(cache.answers) <= limit, do: cache

  defp fit(cache) do
    {_used, key} = :gb_trees.smallest(cache.used)
    drop(cache, key)
  end
end
