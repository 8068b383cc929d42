defmodule ElixirScope.Distributed.View.Source do
  @moduledoc false
  # What a view reads: the processes of a picture, and its rows in causal order, a part at a time.
  # Only what is shown is decoded, so that a million events stream.

  alias ElixirScope.Distributed.Causality

  # Built beside this.
  @compile {:no_warn_undefined, Causality}

  # Rows that are decoded at once.
  @part 500

  @enforce_keys [:about, :processes, :size, :rows, :place]
  defstruct @enforce_keys

  @type row :: %{
          place: non_neg_integer,
          event: ElixirScope.Distributed.Event.t(),
          process: non_neg_integer | nil,
          behind_ns: non_neg_integer,
          causes: [%{place: non_neg_integer, kind: atom, sure: atom}]
        }

  @type t :: %__MODULE__{
          about: map,
          processes: [map],
          size: non_neg_integer,
          rows: (non_neg_integer, pos_integer -> [row]),
          place: (ElixirScope.Distributed.Event.Id.id() -> non_neg_integer | nil)
        }

  @doc "Of a picture."
  @spec of(Causality.t() | t) :: t
  def of(%__MODULE__{} = source), do: source

  def of(causality) do
    %__MODULE__{
      about: causality.about,
      # Others are only spoken of.
      processes:
        for(%{events: n} = process when n > 0 <- Causality.processes(causality), do: process),
      size: Causality.size(causality),
      rows: &Causality.rows(causality, &1, &2),
      place: &Causality.place(causality, &1)
    }
  end

  @doc "All rows, as they are taken."
  @spec stream(t) :: Enumerable.t()
  def stream(source), do: Stream.resource(fn -> 0 end, &part(source, &1), fn _place -> :ok end)

  defp part(%{size: size}, place) when place >= size, do: {:halt, place}
  defp part(source, place), do: {source.rows.(place, @part), place + @part}

  @doc "One row."
  @spec at(t, non_neg_integer) :: row | nil
  def at(%{size: size} = source, place) when place in 0..(size - 1)//1,
    do: source.rows.(place, 1) |> List.first()

  def at(_source, _place), do: nil
end
