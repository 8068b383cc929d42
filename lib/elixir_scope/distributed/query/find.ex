defmodule ElixirScope.Distributed.Query.Find do
  @moduledoc false
  # Events that are looked for to understand others: those that say whose an id is, which traces a number
  # stands for. They are looked for where the question itself is read. Who did not answer such a
  # look-up is not asked by the next one of the same question: that is remembered in the process.

  alias ElixirScope.Distributed.{Event, Options}
  alias ElixirScope.Distributed.Query.{Reading, Survey}
  alias ElixirScope.Distributed.Storages.Native, as: Storage

  @doc "The events that match, as they are, up to the filter's limit."
  @spec all(Survey.t(), keyword) :: [Event.t()]
  def all(survey, filter),
    do: native(survey, :filter |> Options.validate!(filter) |> Storage.native_filter())

  @doc "The same by a filter in its native form."
  @spec native(Survey.t(), map) :: [Event.t()]
  def native(survey, filter) do
    {events, reading} =
      survey |> forget() |> Reading.open(filter, nil) |> Reading.take(filter.limit)

    Reading.close(reading)
    Process.put(__MODULE__, Map.merge(missing(), reading.survey.missing))
    events
  end

  @doc "Who did not answer a look-up, and why."
  @spec missing() :: %{node => term}
  def missing, do: Process.get(__MODULE__, %{})

  defp forget(survey), do: Enum.reduce(Map.keys(missing()), survey, &Survey.fail(&2, &1))
end
