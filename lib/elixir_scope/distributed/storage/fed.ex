defmodule ElixirScope.Distributed.Storage.Fed do
  @moduledoc false
  # What of the spool a plugged storage was given, by the numbers that events have in their origins:
  # they are dense, so that what is still to come, what is behind and what is lost for good can be
  # counted exactly. It is also the progress that the storage keeps for us. Pure.

  defstruct origins: %{}, lost: 0

  @typedoc "A start of a node; its name in text, as the native core has it."
  @type origin :: {node :: String.t(), incarnation :: non_neg_integer}
  @type range :: {origin, first :: pos_integer, last :: pos_integer}
  @type holdings :: [{String.t(), non_neg_integer, first :: pos_integer, last :: pos_integer}]

  @typedoc """
  Up to `base` all is settled: given, lost, or never here. `given` are ranges of what the spool
  still has, and `seen` is the last number that was ever there.
  """
  @type progress :: %{base: non_neg_integer, given: [{pos_integer, pos_integer}], seen: integer}
  @type t :: %__MODULE__{origins: %{origin => progress}, lost: non_neg_integer}

  @doc """
  Compares with what the spool has now. What is not there any more, and was not given, is lost, and
  said once. Of a node's own origin that holds from its first event on, of another from the first that
  was ever here.

      iex> {[], fed} = Fed.look(%Fed{}, [{"a@h", 1, 1, 9}], {"a@h", 1})
      iex> {losses, fed} = Fed.look(Fed.put(fed, [{{"a@h", 1}, 1, 3}]), [{"a@h", 1, 7, 9}], {"a@h", 1})
      iex> {losses, fed.lost}
      {[{{"a@h", 1}, 4, 6}], 3}
  """
  @spec look(t, holdings, origin) :: {[range], t}
  def look(fed, holdings, own) do
    held = held(holdings)
    known = Enum.uniq(Map.keys(held) ++ Map.keys(fed.origins) ++ [own])
    Enum.flat_map_reduce(Enum.sort(known), fed, &look_at(&1, Map.get(held, &1, []), &2, own))
  end

  defp look_at(origin, runs, fed, own) do
    progress = fed.origins[origin] || new(runs, origin == own)
    floor = floor(runs, progress)
    missed = subtract([{progress.base + 1, floor}], progress.given)
    losses = for {first, last} <- missed, do: {origin, first, last}
    fed = %{fed | lost: fed.lost + size(missed)}
    {losses, keep(fed, origin, runs, raise_to(progress, floor, runs), own)}
  end

  defp new(_runs, true), do: %{base: 0, given: [], seen: 0}
  defp new([{first, _last} | _], false), do: %{base: first - 1, given: [], seen: 0}

  # The last number that is not in the spool any more.
  defp floor([{first, _last} | _], _progress), do: first - 1
  defp floor([], progress), do: progress.seen

  defp raise_to(progress, floor, runs) do
    seen = runs |> Enum.map(&elem(&1, 1)) |> Enum.max(fn -> progress.seen end)
    given = for {a, b} <- progress.given, b > floor, do: {max(a, floor + 1), b}
    %{base: max(progress.base, floor), given: given, seen: max(seen, progress.seen)}
  end

  # What the spool has forgotten is forgotten here.
  defp keep(fed, origin, [], _progress, own) when origin != own,
    do: %{fed | origins: Map.delete(fed.origins, origin)}

  defp keep(fed, origin, _runs, progress, _own), do: put_in(fed.origins[origin], progress)

  @doc """
  What is to be given next, at most so many numbers of one origin.

      iex> Fed.next(%Fed{}, [{"a@h", 1, 1, 9}], 4)
      {{"a@h", 1}, 1, 4}
      iex> Fed.next(Fed.put(%Fed{}, [{{"a@h", 1}, 1, 9}]), [{"a@h", 1, 1, 9}], 4)
      nil
  """
  @spec next(t, holdings, pos_integer) :: range | nil
  def next(fed, holdings, most) do
    with [{origin, first, last} | _] <- waiting(fed, holdings),
         do: {origin, first, min(last, first + most - 1)},
         else: ([] -> nil)
  end

  @doc "All that is here and not given yet."
  @spec waiting(t, holdings) :: [range]
  def waiting(fed, holdings) do
    for {origin, runs} <- Enum.sort(held(holdings)),
        {first, last} <- subtract(runs, given(fed, origin)),
        do: {origin, first, last}
  end

  @doc "How many events that is."
  @spec lag(t, holdings) :: non_neg_integer
  def lag(fed, holdings),
    do: fed |> waiting(holdings) |> Enum.map(fn {_origin, a, b} -> b - a + 1 end) |> Enum.sum()

  @doc """
  Ranges were given.

      iex> Fed.put(%Fed{}, [{{"a@h", 1}, 4, 5}, {{"a@h", 1}, 1, 3}]).origins[{"a@h", 1}].given
      [{1, 5}]
  """
  @spec put(t, [range]) :: t
  def put(fed, ranges) do
    ranges
    |> Enum.group_by(&elem(&1, 0), fn {_origin, first, last} -> {first, last} end)
    |> Enum.reduce(fed, &put_runs/2)
  end

  defp put_runs({origin, runs}, fed) do
    runs = union(runs)
    {first, _last} = hd(runs)
    {_first, last} = List.last(runs)
    progress = fed.origins[origin] || %{base: first - 1, given: [], seen: last}
    given = union(runs ++ progress.given)
    put_in(fed.origins[origin], %{progress | given: given, seen: max(progress.seen, last)})
  end

  @doc """
  What of a range is held.

      iex> Fed.within({{"a@h", 1}, 3, 9}, [{"a@h", 1, 1, 4}, {"a@h", 1, 7, 12}, {"b@h", 1, 1, 9}])
      [{{"a@h", 1}, 3, 4}, {{"a@h", 1}, 7, 9}]
  """
  @spec within(range, holdings) :: [range]
  def within({origin, first, last}, holdings) do
    for {a, b} <- Map.get(held(holdings), origin, []),
        a <= last and b >= first,
        do: {origin, max(a, first), min(b, last)}
  end

  defp given(fed, origin), do: get_in(fed.origins, [origin, :given]) || []

  defp held(holdings) do
    holdings
    |> Enum.group_by(fn {node, start, _, _} -> {node, start} end, fn {_, _, a, b} -> {a, b} end)
    |> Map.new(fn {origin, runs} -> {origin, union(runs)} end)
  end

  # Ranges: sorted, disjoint, not adjacent

  defp union(runs), do: runs |> Enum.sort() |> join()

  defp join([{a, b}, {c, d} | rest]) when c <= b + 1, do: join([{a, max(b, d)} | rest])
  defp join([run | rest]), do: [run | join(rest)]
  defp join([]), do: []

  defp subtract([{a, b} | rest], others) when a > b, do: subtract(rest, others)

  defp subtract([{_a, b} = run | rest], [{c, _d} | _] = others) when b < c,
    do: [run | subtract(rest, others)]

  defp subtract([{a, _b} | _] = runs, [{_c, d} | others]) when d < a, do: subtract(runs, others)

  defp subtract([{a, b} | rest], [{c, d} | _] = others),
    do: subtract([{a, c - 1}], []) ++ subtract([{max(a, d + 1), b} | rest], others)

  defp subtract(runs, []), do: runs
  defp subtract([], _others), do: []

  defp size(runs), do: runs |> Enum.map(fn {a, b} -> b - a + 1 end) |> Enum.sum()
end
