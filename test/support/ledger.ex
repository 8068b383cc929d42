defmodule ElixirScope.Distributed.Ledger do
  @moduledoc false
  # What was recorded, kept outside of who recorded it. A *start* is one run of one node, with a number.
  # It records `{start, 1}`, `{start, 2}` and so on, and writes into a file how far it has begun and how far
  # it has come: what a killed node did is known from there. `show/0` is what a node shows of all starts.

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{Options, Storages.Native}

  # So often in a second some are recorded.
  @rounds 100
  # So much more than its share at most in one round.
  @most_rounds 10
  @page 20_000

  @type start :: pos_integer
  @typedoc """
  `starts`: of each how many there are, and the first that is not the next number, with what should have
  been there; `twice`: origins of which two events have one id; `digest`: of all events, with their ids
  and stamps, in the order in which they are shown.
  """
  @type shown :: %{
          count: non_neg_integer,
          digest: binary,
          starts: %{start => %{count: pos_integer, wrong: nil | {pos_integer, struct}}},
          twice: [{node, non_neg_integer}]
        }

  @doc "On a node: records so many a second from now on."
  @spec begin(Path.t(), start, pos_integer) :: true
  def begin(folder, start, per_second) do
    Process.register(spawn(fn -> load(folder, start, per_second) end), __MODULE__)
  end

  @doc "On a node: ends that, and says how many it recorded."
  @spec stop :: {start, non_neg_integer}
  def stop do
    send(__MODULE__, {:stop, self()})
    receive do: ({:recorded, start, n} -> {start, n})
  end

  @doc "How many a start has recorded at least, and at most, and in how many ms, however it ended."
  @spec written(Path.t(), start) :: {non_neg_integer, non_neg_integer, non_neg_integer}
  def written(folder, start) do
    case File.read(file(folder, start)) do
      {:ok, <<most::64, least::64, ms::64>>} -> {least, most, ms}
      _nothing_yet -> {0, 0, 0}
    end
  end

  @doc "On a node: how many events of a start its own store has."
  @spec held(node) :: %{start => pos_integer}
  def held(of) do
    {:ok, scope} = ElixirScope.Distributed.Scope.fetch(Scope)
    {:ok, found} = page(scope, nodes: [of], kinds: [:mark], order: :desc, limit: 1_000)
    newest = for %{data: {start, n}} <- found, do: {start, n}
    Enum.reduce(newest, %{}, fn {start, n}, held -> Map.update(held, start, n, &max(&1, n)) end)
  end

  @doc "On a node: everything that it has, without asking others."
  @spec show :: shown
  def show do
    {:ok, %{dropped: 0}} = Scope.query(kinds: [:mark], limit: 1)
    {:ok, scope} = ElixirScope.Distributed.Scope.fetch(Scope)
    {:ok, events} = page(scope, kinds: [:mark], limit: @page)
    show(events, %{count: 0, digest: :erlang.md5_init(), starts: %{}, seqs: %{}})
  end

  defp load(folder, start, per_second) do
    {:ok, file} = :file.open(file(folder, start), [:write, :read, :raw, :binary])
    load(%{file: file, start: start, per_second: per_second, began: now()}, 0)
  end

  defp load(run, n) do
    receive do
      {:stop, to} -> send(to, {:recorded, run.start, n})
    after
      div(1_000, @rounds) -> load(run, record(run, n))
    end
  end

  # What was left undone while the node stood still is made up for, not all at once.
  defp record(run, from) do
    ms = now() - run.began
    most = from + div(@most_rounds * run.per_second, @rounds)
    to = min(div(ms * run.per_second, 1_000), most)
    :ok = :file.pwrite(run.file, 0, <<to::64, from::64, ms::64>>)
    for n <- (from + 1)..to//1, do: Scope.record(:load, {run.start, n})
    :ok = :file.pwrite(run.file, 0, <<to::64, to::64, ms::64>>)
    to
  end

  defp now, do: System.monotonic_time(:millisecond)

  defp file(folder, start), do: Path.join(folder, "start#{start}")

  defp show([], shown) do
    {seqs, shown} = Map.pop!(shown, :seqs)
    twice = for {origin, seqs} <- seqs, not once?(seqs), do: origin
    shown |> Map.put(:twice, twice) |> Map.update!(:digest, &:erlang.md5_final/1)
  end

  defp show(events, shown) do
    shown = Enum.reduce(events, shown, &add/2)
    {:ok, scope} = ElixirScope.Distributed.Scope.fetch(Scope)
    last = List.last(events)
    {:ok, more} = page(scope, kinds: [:mark], from: last.at, limit: @page)
    more |> behind(last) |> show(shown)
  end

  defp page(scope, filter) do
    filter = Options.validate!(:filter, filter)
    with {:ok, found} <- Native.query(scope.store, filter), do: {:ok, found.events}
  end

  # A page begins with those of the stamp at which the last one ended.
  defp behind(events, last) do
    case Enum.find_index(events, &(&1.id == last.id)) do
      nil -> events
      at -> Enum.drop(events, at + 1)
    end
  end

  # A number within an origin is an identity: it says nothing of the order, and comes once.
  defp add(%{data: {start, n}, id: {origin, seq}} = event, shown) do
    known = Map.get(shown.starts, start, %{count: 0, wrong: nil})
    wrong = known.wrong || if(n != known.count + 1, do: {known.count + 1, event})

    %{
      count: shown.count + 1,
      digest: :erlang.md5_update(shown.digest, text(event)),
      starts: Map.put(shown.starts, start, %{count: known.count + 1, wrong: wrong}),
      seqs: Map.update(shown.seqs, origin, [seq], &[seq | &1])
    }
  end

  defp once?(seqs), do: length(:lists.usort(seqs)) == length(seqs)

  # The same on every version of Erlang, which the external format is not.
  defp text(%{id: {{node, incarnation}, seq}, at: {logical, physical_ns, _node}} = event) do
    {start, n} = event.data
    Enum.map_join([node, incarnation, seq, logical, physical_ns, start, n], " ", &to_string/1)
  end
end
