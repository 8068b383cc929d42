defmodule ElixirScope.Distributed.TimeTravel.Moment do
  @moduledoc false
  # A moment as people name it: a time, or an event, of which then not only the time counts but its
  # place in the order of all events.

  alias ElixirScope.Distributed.{Error, Event, Options}
  alias ElixirScope.Distributed.Event.Id
  alias ElixirScope.Distributed.Query.{Cover, Cursor, Reading, Survey}
  alias ElixirScope.Distributed.Storage.Filter
  alias ElixirScope.Distributed.Storages.Native, as: Storage
  alias ElixirScope.Distributed.Types.GlobalTimestamp

  # Ranges of one event each of which an id in text can be short for.
  @most_origins 16

  @type time :: GlobalTimestamp.t() | DateTime.t() | integer
  @type written :: :now | time | Id.given()

  @typedoc "A time, up to and with which, or an event, with it."
  @type t :: :now | {:time, time} | {:event, Event.t()}

  @doc "Whether this can name a moment."
  @spec valid?(term) :: boolean
  def valid?(:now), do: true
  def valid?(%DateTime{}), do: true
  def valid?(ns) when is_integer(ns), do: ns >= 0

  def valid?({logical, ns, node}) when is_integer(logical),
    do: logical in 0..255 and is_integer(ns) and ns >= 0 and is_atom(node)

  def valid?(%Event{id: id, at: at} = event),
    do: is_tuple(id) and is_tuple(at) and Cursor.valid?(event)

  def valid?(other), do: id?(other)

  @doc "Whether it is an event's id, as a term or as text."
  @spec id?(term) :: boolean
  def id?(given) do
    case Id.read(given) do
      {:ok, {{_node, incarnation}, seq}} -> number?(incarnation || 0) and number?(seq)
      {:error, _error} -> false
    end
  end

  defp number?(n), do: n in 0..0xFFFFFFFFFFFFFFFF

  @doc "The moment, with the event that it names, as the members know it."
  @spec resolve(written, Survey.t()) :: {:ok, t} | {:error, Error.t()}
  def resolve(:now, _survey), do: {:ok, :now}
  def resolve(%Event{} = event, _survey), do: {:ok, {:event, event}}

  def resolve(given, survey) do
    if id?(given), do: named(given, survey), else: {:ok, {:time, given}}
  end

  @doc "The event that an id stands for, from whoever has it."
  @spec event(Id.given(), Survey.t()) :: {:ok, Event.t()} | {:error, Error.t()}
  def event(given, survey) do
    with {:ok, id} <- Id.read(given) do
      case id |> ranges(survey) |> found(survey) do
        [event] -> {:ok, event}
        [] -> {:error, unknown(id, survey)}
        several -> {:error, ambiguous(several)}
      end
    end
  end

  defp named(given, survey),
    do: with({:ok, event} <- event(given, survey), do: {:ok, {:event, event}})

  defp unknown(id, survey) do
    message =
      "no member that answered has an event #{id_text(id)}#{away(Map.keys(survey.missing))}"

    Error.new(:unknown_event, id: id, missing: survey.missing, message: message)
  end

  defp id_text({{_node, nil}, _seq} = id), do: Id.text(id, :short)
  defp id_text(id), do: Id.text(id)

  defp away([]), do: ""
  defp away(nodes), do: "; #{Enum.join(nodes, ", ")} did not answer"

  defp ambiguous(events) do
    candidates = Enum.map(events, &Id.text(&1.id))
    message = "that can be #{Enum.join(candidates, " or ")}: name the one that is meant"
    Error.new(:ambiguous_event, candidates: candidates, message: message)
  end

  # Short ids leave out which start of the node is meant.
  defp ranges({{node, nil}, seq}, survey) do
    text = to_string(node)
    rows = survey.holdings |> Map.values() |> Enum.concat()

    for {^text, incarnation, first, last} <- rows, seq in first..last//1, uniq: true do
      {text, incarnation, seq, seq}
    end
  end

  defp ranges({{node, incarnation}, seq}, _survey),
    do: [{to_string(node), incarnation, seq, seq}]

  defp found(ranges, survey) do
    ranges = Enum.take(ranges, @most_origins)
    only = %{survey | holdings: Cover.only(survey.holdings, ranges)}
    filter = Options.validate!(:filter, limit: @most_origins)

    {events, reading} =
      only |> Reading.open(Storage.native_filter(filter), nil) |> Reading.take(@most_origins)

    Reading.close(reading)
    events
  end

  @doc "Whether it names an event."
  @spec event?(written) :: boolean
  def event?(%Event{}), do: true
  def event?(given), do: given != :now and id?(given)

  @doc "The part of a filter that ends a question with the moment, read backwards."
  @spec up_to(t) :: keyword
  def up_to(:now), do: []
  def up_to({:time, time}), do: [to: time]
  def up_to({:event, event}), do: [to: event.at]

  @doc "The part of a filter that begins a question with the moment."
  @spec from(t) :: keyword
  def from(:now), do: []
  def from({:time, time}), do: [from: time]
  def from({:event, event}), do: [from: event.at]

  @doc "Whether an event is not behind the moment."
  @spec covers?(t, Event.t()) :: boolean
  def covers?({:event, last}, event), do: Filter.place(event) <= Filter.place(last)
  def covers?(_time, _event), do: true

  @doc "Whether an event is not before the moment."
  @spec begins?(t, Event.t()) :: boolean
  def begins?({:event, first}, event), do: Filter.place(event) >= Filter.place(first)
  def begins?(_time, _event), do: true

  @doc "Nanoseconds since 1970 of a moment that is a time; `nil` for now."
  @spec ns(t) :: non_neg_integer | nil
  def ns(:now), do: nil
  def ns({:event, %{at: {_logical, ns, _node}}}), do: ns
  def ns({:time, {_logical, ns, _node}}), do: ns
  def ns({:time, %DateTime{} = time}), do: DateTime.to_unix(time, :nanosecond)
  def ns({:time, ns}), do: ns

  @doc "A time in words."
  @spec text(GlobalTimestamp.t()) :: String.t()
  def text({_logical, ns, _node}),
    do: ns |> DateTime.from_unix!(:nanosecond) |> DateTime.to_iso8601()
end
