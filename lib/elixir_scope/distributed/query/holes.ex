defmodule ElixirScope.Distributed.Query.Holes do
  @moduledoc false
  # Events that are gone for good though others of their node before and after them are there:
  # retention took them everywhere before they could come to who still has the others. When they
  # happened, their neighbours say.

  alias ElixirScope.Distributed.{Event, Options}
  alias ElixirScope.Distributed.Query.{Cover, Find, Survey, Wire}
  alias ElixirScope.Distributed.Storages.Native, as: Storage

  # Holes of whose time is asked; more are counted as if they were in the time of the question.
  @most 20

  @doc "How many events at most a question lacks for that."
  @spec count(Survey.t(), Wire.filter()) :: non_neg_integer
  def count(survey, filter) do
    holes =
      survey.holdings |> Cover.holes() |> Cover.of(Enum.map(filter.nodes, &Atom.to_string/1))

    {asked, others} = Enum.split(holes, @most)
    size(Enum.filter(asked, &touches?(&1, survey, filter))) + size(others)
  end

  defp size(holes), do: Enum.sum(for {_, _, first, last} <- holes, do: last - first + 1)

  defp touches?(_hole, _survey, %{from: nil, to: nil}), do: true

  defp touches?({node, incarnation, first, last}, survey, filter) do
    before = moment({node, incarnation, first - 1, first - 1}, survey)
    behind = moment({node, incarnation, last + 1, last + 1}, survey)

    (filter.to == nil or before == nil or number(before) < number(filter.to)) and
      (filter.from == nil or behind == nil or number(filter.from) <= number(behind))
  end

  # Where a neighbour cannot be read, the hole may be anywhere.
  defp moment(range, survey) do
    survey = %{survey | holdings: Cover.only(survey.holdings, [range])}
    filter = Storage.native_filter(Options.validate!(:filter, limit: 1))

    case Find.native(survey, filter) do
      [%Event{at: {logical, ns, _node}} | _] -> {logical, ns}
      [] -> nil
    end
  end

  # Moments in the order of time.
  defp number({logical, ns}), do: {ns, logical}
end
