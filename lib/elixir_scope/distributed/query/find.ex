defmodule ElixirScope.Distributed.Query.Find do
  @moduledoc false
  # Events that are looked for to understand others: those that say whose an id is, which traces a number
  # stands for. They are looked for where the question itself is read. Who did not answer such a
  # look-up is not asked by the next one of the same question: that is remembered in the process.

  alias ElixirScope.Distributed.{Event, Options}
  alias ElixirScope.Distributed.Query.{Reading, Survey, Wire}
  alias ElixirScope.Distributed.Storages.Native, as: Storage

  @doc "The events that match, as they are, up to the filter's limit."
  @spec all(Survey.t(), keyword) :: [Event.t()]
  def all(survey, filter),
    do: native(survey, :filter |> Options.validate!(filter) |> Storage.native_filter())

  @doc "The same by a filter in its native form."
  @spec native(Survey.t(), Wire.filter()) :: [Event.t()]
  def native(survey, filter) do
    {events, reading} = survey |> open(filter) |> Reading.take(filter.limit)
    close(reading)
    events
  end

  @doc "Begins such a look-up."
  @spec open(Survey.t(), Wire.filter()) :: Reading.t()
  def open(survey, filter) do
    failed = Map.keys(missing())
    failed |> Enum.reduce(survey, &Survey.fail(&2, &1)) |> Reading.open(filter, nil)
  end

  @doc "Ends it."
  @spec close(Reading.t()) :: :ok
  def close(reading) do
    Process.put(__MODULE__, Map.merge(missing(), reading.survey.missing))
    Reading.close(reading)
  end

  @doc "Who did not answer a look-up, and why."
  @spec missing() :: %{node => term}
  def missing, do: Process.get(__MODULE__, %{})
end
