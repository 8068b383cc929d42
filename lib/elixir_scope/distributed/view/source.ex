defmodule ElixirScope.Distributed.View.Source do
  @moduledoc false
  # What a view reads: the processes of a picture, and its rows in causal order, a part at a time.
  # Only what is shown is decoded, so that a million events stream.

  alias ElixirScope.Distributed.{Causality, Event}
  alias ElixirScope.Distributed.Causality.Named
  alias ElixirScope.Distributed.Event.Id

  # Rows that are decoded at once.
  @part 500

  # Processes whose node is looked for where their pid does not say it: those of virtual nodes.
  @looked_for 64

  @enforce_keys [:about, :processes, :size, :rows, :place]
  defstruct [:short | @enforce_keys]

  @type row :: %{
          required(:place) => non_neg_integer,
          required(:event) => Event.t(),
          required(:process) => non_neg_integer | nil,
          required(:behind_ns) => non_neg_integer,
          required(:causes) => [%{place: non_neg_integer, kind: atom, sure: atom}],
          optional(atom) => term
        }

  @typedoc "`short` has the nodes of which one start is all there is, so that their ids need not name it."
  @type t :: %__MODULE__{
          about: map,
          processes: [map],
          size: non_neg_integer,
          rows: (non_neg_integer, pos_integer -> [row]),
          place: (Id.id() -> non_neg_integer | nil),
          short: [node]
        }

  @doc "Of a picture."
  @spec of(Causality.t() | t) :: t
  def of(%__MODULE__{short: nil} = source), do: source |> at_home() |> once()
  def of(%__MODULE__{} = source), do: source

  def of(causality) do
    of(%__MODULE__{
      about: causality.about,
      # Others are only spoken of.
      processes:
        for(%{events: n} = process when n > 0 <- Causality.processes(causality), do: process),
      size: Causality.size(causality),
      rows: &Causality.rows(causality, &1, &2),
      place: &Causality.place(causality, &1)
    })
  end

  # A virtual node has its processes on the node that simulates it.
  defp at_home(source) do
    {known, others} = Enum.split_with(source.processes, &(&1.node in source.about.nodes))
    {busiest, quiet} = others |> Enum.sort_by(&{-&1.events, &1.first}) |> Enum.split(@looked_for)
    found = for process <- busiest, do: %{process | node: home(source, process)}
    %{source | processes: known ++ found ++ quiet}
  end

  defp home(source, %{first: first, node: node}) do
    case at(source, first) do
      %{event: event} -> event.node
      nil -> node
    end
  end

  defp once(source) do
    starts = source |> Named.origins() |> Enum.map(&elem(&1, 0)) |> Enum.frequencies()
    %{source | short: for({node, 1} <- starts, do: node)}
  end

  @doc "The id of an event as text that can be copied, as short as it may be."
  @spec id(t, Id.id() | nil) :: String.t()
  def id(_source, nil), do: ""

  def id(source, {{node, _incarnation}, _seq} = id),
    do: Id.text(id, if(node in source.short, do: :short, else: :whole))

  @doc "When an event happened, by what is known: no earlier than its causes."
  @spec ns(row) :: integer
  def ns(%{event: %{at: {_logical, ns, _node}}, behind_ns: behind_ns}), do: ns + behind_ns

  @doc "All rows, as they are taken."
  @spec stream(t) :: Enumerable.t()
  def stream(source), do: Stream.resource(fn -> 0 end, &part(source, &1), fn _place -> :ok end)

  defp part(%{size: size}, place) when place >= size, do: {:halt, place}
  defp part(source, place), do: {source.rows.(place, @part), place + @part}

  @doc "The first and the last row that can be read, `nil` where there is none."
  @spec ends(t) :: {row, row} | nil
  def ends(source) do
    case at(source, 0) || source |> stream() |> Enum.at(0) do
      nil -> nil
      first -> {first, at(source, source.size - 1) || first}
    end
  end

  @doc "One row."
  @spec at(t, non_neg_integer) :: row | nil
  def at(%{size: size} = source, place) when place in 0..(size - 1)//1,
    do: source.rows.(place, 1) |> List.first()

  def at(_source, _place), do: nil
end
