defmodule ElixirScope.Distributed.Cluster.Register do
  @moduledoc false
  # Who belongs to the cluster by somebody's decision: for each node the last one, by its
  # stamp. Members tell each other theirs, and the later decision holds, so that one call
  # on one node is enough for all, whichever way the news goes (a last-writer-wins map:
  # Shapiro et al., "A comprehensive study of convergent and commutative replicated data
  # types", 2011).
  #
  # Invariant: at most `limit/0` decisions, the latest; `entries` is sorted by nobody, and
  # equal on two nodes that were told the same, in whatever order.

  alias ElixirScope.Distributed.GlobalClock
  alias ElixirScope.Distributed.Types.GlobalTimestamp

  @limit 256

  defstruct entries: %{}

  @type decision :: {:in | :out, GlobalTimestamp.t()}
  @type t :: %__MODULE__{entries: %{node => decision}}

  @doc "How many decisions are kept."
  @spec limit() :: pos_integer
  def limit, do: @limit

  @doc "Somebody decides now."
  @spec decide(t, [node], :in | :out, GlobalTimestamp.t()) :: t
  def decide(register, nodes, what, stamp),
    do: merge(register, Enum.map(nodes, &{&1, {what, stamp}}), stamp)

  @doc "A configuration names `nodes`: that holds until anybody decides, before or after."
  @spec propose(t, [node]) :: t
  def propose(register, nodes),
    do: merge(register, Enum.map(nodes, &{&1, {:in, {0, 0, &1}}}), {0, 1, node()})

  @doc "What another member was told. A decision from the future would never be overruled: it is none."
  @spec merge(t, [{node, decision}], GlobalTimestamp.t()) :: t
  def merge(register, entries, now) do
    entries
    |> Enum.reject(fn {_node, {_what, stamp}} -> GlobalClock.compare(stamp, now) == :gt end)
    |> Enum.reduce(register.entries, fn {node, decision}, all ->
      Map.update(all, node, decision, &later(&1, decision))
    end)
    |> bounded()
  end

  @doc "Who is wanted in."
  @spec wanted(t) :: [node]
  def wanted(register), do: those(register, :in)

  @doc "Who is to stay out."
  @spec out(t) :: [node]
  def out(register), do: those(register, :out)

  @doc "Whether `node` is wanted in."
  @spec wanted?(t, node) :: boolean
  def wanted?(register, node), do: match?(%{^node => {:in, _}}, register.entries)

  @doc "Whether `node` is to stay out."
  @spec out?(t, node) :: boolean
  def out?(register, node), do: match?(%{^node => {:out, _}}, register.entries)

  @doc "All decisions, as they are sent."
  @spec entries(t) :: [{node, decision}]
  def entries(register), do: Enum.sort(register.entries)

  @doc "Equal where the decisions are."
  @spec digest(t) :: non_neg_integer
  def digest(register), do: register |> entries() |> :erlang.phash2()

  # Of two decisions with one stamp, which no two nodes make, the same one wins everywhere.
  defp later({what, stamp} = one, {other_what, other_stamp} = other) do
    case GlobalClock.compare(stamp, other_stamp) do
      :gt -> one
      :lt -> other
      :eq -> if what == :out or other_what == :in, do: one, else: other
    end
  end

  defp bounded(entries) when map_size(entries) <= @limit, do: %__MODULE__{entries: entries}

  defp bounded(entries) do
    latest = Enum.sort_by(entries, &age/1, :desc)
    %__MODULE__{entries: latest |> Enum.take(@limit) |> Map.new()}
  end

  defp age({node, {_what, {logical, physical_ns, by}}}), do: {physical_ns, logical, by, node}

  defp those(register, what),
    do: for({node, {^what, _stamp}} <- Enum.sort(register.entries), do: node)
end
