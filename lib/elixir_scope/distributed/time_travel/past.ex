defmodule ElixirScope.Distributed.TimeTravel.Past do
  @moduledoc false
  # The events of one process in a stretch of time, as turns, with what is known to be missing. What was
  # received just before the stretch may have been handled in it, and which state a machine was in was
  # said before: so a little more is read than is told of.

  alias ElixirScope.Distributed.{Error, Event, Query}
  alias ElixirScope.Distributed.Query.{Reading, Show}
  alias ElixirScope.Distributed.TimeTravel.{History, Moment, Turn}

  @kinds [:call, :receive, :state, :exit]

  @typedoc "Besides the kinds that make turns."
  @type more :: [:send]

  # How long a message may have waited before it was handled.
  @waited_ns 5_000_000_000

  @enforce_keys [:pid, :turns, :events, :about]
  defstruct [:pid, :turns, :events, :about, :first]

  @type t :: %__MODULE__{
          pid: pid,
          turns: [Turn.t()],
          events: [Event.t()],
          about: map,
          first: Moment.t() | nil
        }

  @doc "The past of a process, by checked options (`from:`, `to:`, `limit:`)."
  @spec read(pid, keyword, more) :: {:ok, t} | Query.failure()
  def read(pid, options, more \\ []) do
    {from, options} = Keyword.pop(options, :from)
    {to, options} = Keyword.pop(options, :to)

    asked =
      [pids: [pid], kinds: @kinds ++ more] ++ Keyword.take(options, [:limit, :scope, :timeout_ms])

    with {:ok, result} <- Query.run(asked, &answer(&1, &2, from, to || :now)),
         {:ok, found} <- result.events,
         do: {:ok, past(pid, found, result)}
  end

  # What is asked depends on events that only this question finds.
  defp answer(reading, options, from, to) do
    with {:ok, first} <- first(from, reading.survey),
         {:ok, last} <- Moment.resolve(to, reading.survey) do
      read(reading, options, first, last)
    else
      {:error, error} -> {%{events: {:error, error}, count: 0, more?: false}, reading}
    end
  end

  defp first(nil, _survey), do: {:ok, nil}
  defp first(from, survey), do: Moment.resolve(from, survey)

  defp read(reading, options, first, last) do
    Reading.close(reading)
    asked = Keyword.merge(options, earlier(first) ++ Moment.up_to(last))
    {:ok, reading} = Query.open(reading.survey, asked, [])
    {%{events: events} = page, reading} = Show.events(reading, asked)
    events = Enum.filter(events, &Moment.covers?(last, &1))
    {%{page | events: {:ok, {events, first}}}, reading}
  end

  defp earlier(nil), do: []
  defp earlier(first), do: [from: max((Moment.ns(first) || 0) - @waited_ns, 0)]

  defp past(pid, {events, first}, result) do
    turns = events |> History.turns() |> Enum.filter(&from?(Turn.event(&1), first))
    about = Map.take(result, [:nodes, :missing, :dropped, :expired, :more?])
    told = Enum.filter(events, &from?(&1, first))

    %__MODULE__{
      pid: pid,
      first: first,
      turns: turns,
      events: told,
      about: Map.put(about, :events, length(told))
    }
  end

  @doc "The same without the turn in which it begins."
  @spec begun(t) :: t
  def begun(past),
    do: %{past | turns: Enum.filter(past.turns, &from?(&1.call || &1.state, past.first))}

  defp from?(_event, nil), do: true

  defp from?(event, {:time, _time} = first) do
    {_logical, ns, _node} = event.at
    ns >= Moment.ns(first)
  end

  defp from?(_event, :now), do: false
  defp from?(event, first), do: Moment.begins?(first, event)

  @doc "Why there is nothing to tell."
  @spec nothing(t) :: Error.t()
  def nothing(past) do
    message =
      "no state of #{inspect(past.pid)} was captured there: trace its module with state: true"

    Error.new(:no_state_captured, pid: past.pid, missing: past.about.missing, message: message)
  end
end
