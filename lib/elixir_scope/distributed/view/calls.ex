defmodule ElixirScope.Distributed.View.Calls do
  @moduledoc false
  # Calls in words, the same in the views that are made of spans. Pure but for reading the events that are
  # shown.

  alias ElixirScope.Distributed.{Causality, Event}
  alias ElixirScope.Distributed.Causality.Spans
  alias ElixirScope.Distributed.View.Words

  # What an exception is told in, where its data has another form: as it is.
  @classes [:error, :exit, :throw]

  @doc "The events at some places, by place. One that cannot be read is not among them."
  @spec events(Causality.t(), [Causality.place() | nil]) :: %{Causality.place() => Event.t()}
  def events(causality, places) do
    places = places |> Enum.reject(&is_nil/1) |> Enum.uniq()
    events = Causality.events(causality, places)

    if length(events) == length(places),
      do: places |> Enum.zip(events) |> Map.new(),
      else: Map.new(events, &{Causality.place(causality, &1.id), &1})
  end

  @doc "The events at which spans begin and end."
  @spec ends(Causality.t(), [Spans.span()]) :: %{Causality.place() => Event.t()}
  def ends(causality, spans), do: events(causality, Enum.flat_map(spans, &[&1.call, &1.end]))

  @doc "A function."
  @spec function(mfa | nil) :: String.t()
  def function(nil), do: "?"
  def function({module, function, arity}), do: Exception.format_mfa(module, function, arity)

  @doc "A function with what it was called with, where that is known, in no more work than columns are worth."
  @spec call(mfa, Event.t() | nil, pos_integer) :: String.t()
  def call({_m, _f, arity} = mfa, %Event{data: arguments, meta: meta}, columns)
      when is_list(arguments) and length(arguments) == arity do
    name = mfa |> function() |> String.replace_suffix("/#{arity}", "")
    cut = if meta[:truncated?], do: " …", else: ""
    "#{name}(#{Enum.map_join(arguments, ", ", &Words.term(&1, columns))}#{cut})"
  end

  def call(mfa, _unknown, _columns), do: function(mfa)

  @doc "What an exception says: `exit :shutdown`, `** (KeyError) key :id not found`."
  @spec raised(term, pos_integer) :: String.t()
  def raised({class, reason}, columns) when class in @classes, do: raised(class, reason, columns)

  def raised({class, reason, _stack}, columns) when class in @classes,
    do: raised(class, reason, columns)

  def raised(data, columns), do: Words.term(data, columns)

  defp raised(:error, reason, columns), do: Words.term(reason, columns)
  defp raised(class, reason, columns), do: "#{class} #{Words.term(reason, columns)}"

  @doc "A stretch of time in the unit that fits it; `ascii?` has no Greek letters."
  @spec duration(non_neg_integer | nil, boolean) :: String.t()
  def duration(nil, _ascii?), do: "?"
  def duration(ns, false), do: Words.duration(ns)
  def duration(ns, true), do: ns |> Words.duration() |> String.replace("µ", "u")
end
