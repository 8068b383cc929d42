defmodule ElixirScope.Distributed.View.Recall do
  @moduledoc false
  # What rows that went by were about, by their places: causes are mostly near. How far back is
  # bounded, so that a long picture takes no more memory than a short one; whoever needs an older one
  # reads it again. Pure but for that.

  alias ElixirScope.Distributed.View.Source

  # Rows.
  @most 10_000

  @enforce_keys [:source, :of]
  defstruct [:source, :of, known: %{}]

  @type t :: %__MODULE__{
          source: Source.t(),
          of: (Source.row() -> term),
          known: %{(place :: non_neg_integer) => term}
        }

  @doc "Nothing yet; `of` says what of a row is remembered."
  @spec new(Source.t(), (Source.row() -> term)) :: t
  def new(source, of \\ & &1.process), do: %__MODULE__{source: source, of: of}

  @doc "With one row more."
  @spec put(t, Source.row(), term) :: t
  def put(recall, row, value) do
    known = recall.known |> Map.put(row.place, value) |> Map.delete(row.place - @most)
    %{recall | known: known}
  end

  @doc "With one row more, and what it is about by itself."
  @spec put(t, Source.row()) :: t
  def put(recall, row), do: put(recall, row, recall.of.(row))

  @doc "What the row in a place was about; `nil` where there is no such row."
  @spec get(t, non_neg_integer) :: term
  def get(recall, place) do
    case recall.known do
      %{^place => value} -> value
      _long_ago -> with %{} = row <- Source.at(recall.source, place), do: recall.of.(row)
    end
  end
end
