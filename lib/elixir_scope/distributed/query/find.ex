defmodule ElixirScope.Distributed.Query.Find do
  @moduledoc false
  # Events that are looked for to understand others: those that say whose an id is, which traces a number
  # stands for. They are looked for where the question itself is read. Who did not answer such a
  # look-up is not asked by the next one of the same question: that is remembered in the process.

  alias ElixirScope.Distributed.{Event, Options}
  alias ElixirScope.Distributed.Query.{Page, Reading, Survey, Wire}
  alias ElixirScope.Distributed.Recording.Opened
  alias ElixirScope.Distributed.Storages.Native, as: Storage

  # Events that are held at once.
  @part 2_048

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

  @doc """
  Gives what matches to `take`, a part at a time as the core holds it, until that has enough; answers of which
  nodes not everything could be read.
  """
  @spec each(Survey.t(), Wire.filter(), (Page.found() -> :more | :done)) :: [node]
  def each(survey, filter, take) do
    survey |> open(filter) |> each_of(take) |> close()
    Map.keys(missing())
  end

  defp each_of(reading, take) do
    {step, reading} = Reading.step(reading, @part, &Page.take/2)
    if take.(step.events) == :done or reading.done?, do: reading, else: each_of(reading, take)
  end

  # A recording keeps what explains its events besides them.
  defp open(survey, filter) do
    filter = %{filter | beside: true}
    failed = Map.keys(missing())
    failed |> Enum.reduce(Opened.widen(survey), &Survey.fail(&2, &1)) |> Reading.open(filter, nil)
  end

  defp close(reading) do
    Process.put(__MODULE__, Map.merge(missing(), reading.survey.missing))
    Reading.close(reading)
  end

  @doc "Who did not answer a look-up, and why."
  @spec missing() :: %{node => term}
  def missing, do: Process.get(__MODULE__, %{})
end
