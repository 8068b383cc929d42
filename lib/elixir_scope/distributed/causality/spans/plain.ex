defmodule ElixirScope.Distributed.Causality.Spans.Plain do
  @moduledoc false
  # What an event says, without what is different in any two runs: processes, references, ports,
  # functions and nodes are all alike, and a number that a clock showed then is a time. The same
  # rules stand in `content.rs`, for what never becomes a term. Pure.

  alias ElixirScope.Distributed.{Event, Opaque}

  # A number is a time if it is so near to that of the event.
  @near_ns 60 * 60 * 1_000_000_000

  # The monotonic time of a runtime counts from here; none is older than a year.
  @monotonic -0x800000000000000
  @longest_life_ns 365 * 24 * @near_ns

  # In which time is told: nanoseconds to seconds.
  @units [1, 1_000, 1_000_000, 1_000_000_000]

  @hashes 0x100000000

  @doc "A hash of what an event says."
  @spec hash(Event.t()) :: non_neg_integer
  def hash(%Event{subject: subject, data: data} = event),
    do: :erlang.phash2({named(subject), term(data, event)}, @hashes)

  # A function is compared by itself, and a process is like any other.
  defp named({m, f, a}) when is_atom(m) and is_atom(f) and is_integer(a), do: nil
  defp named(subject), do: term(subject, %Event{})

  @doc "A term of an event."
  @spec term(term, Event.t()) :: term
  def term(pid, _event) when is_pid(pid), do: :"$pid"
  def term(reference, _event) when is_reference(reference), do: :"$reference"
  def term(port, _event) when is_port(port), do: :"$port"
  def term(fun, _event) when is_function(fun), do: :"$fun"
  def term(%Opaque{type: :pid}, _event), do: :"$pid"
  def term(%Opaque{type: :reference}, _event), do: :"$reference"
  def term(%Opaque{type: :port}, _event), do: :"$port"
  def term([head | tail], event), do: [term(head, event) | term(tail, event)]

  def term(atom, _event) when is_atom(atom) do
    # Only the name of a node has a host.
    if atom |> Atom.to_string() |> String.contains?("@"), do: :"$node", else: atom
  end

  def term(tuple, event) when is_tuple(tuple),
    do: tuple |> Tuple.to_list() |> Enum.map(&term(&1, event)) |> List.to_tuple()

  def term(map, event) when is_map(map),
    do:
      for(
        {key, value} <- :maps.to_list(map),
        into: %{},
        do: {term(key, event), term(value, event)}
      )

  def term(number, event) when is_integer(number),
    do: if(time?(number, event), do: :"$time", else: number)

  def term(other, _event), do: other

  defp time?(number, %{at: {_logical, now, _node}}),
    do: Enum.any?(@units, &(near?(number * &1, now) or monotonic?(number * &1 + &1)))

  defp time?(_number, _event), do: false

  defp near?(ns, now), do: now > 0 and abs(ns - now) < @near_ns
  defp monotonic?(ns), do: ns in @monotonic..(@monotonic + @longest_life_ns)

  @doc "Where two terms of two events differ first: the way there, and what stands there."
  @spec first_difference({term, Event.t()}, {term, Event.t()}) :: {[term], term, term} | nil
  def first_difference({one, event}, {other, another}),
    do: differ(one, other, [], {event, another})

  defp differ(one, other, way, {event, another} = events) do
    cond do
      term(one, event) == term(other, another) ->
        nil

      both?(&is_tuple/1, one, other) ->
        parts(Tuple.to_list(one), Tuple.to_list(other), way, events, {one, other})

      both?(&proper?/1, one, other) ->
        parts(one, other, way, events, {one, other})

      both?(&is_map/1, one, other) ->
        maps(one, other, way, events)

      true ->
        {Enum.reverse(way), one, other}
    end
  end

  defp both?(what, one, other), do: what.(one) and what.(other)
  defp proper?(list), do: is_list(list) and List.improper?(list) == false

  # Of another size, the two are told as they are.
  defp parts(one, other, way, events, wholes) do
    if length(one) == length(other),
      do: in_order(Enum.zip(one, other), way, events, 0),
      else: {Enum.reverse(way), elem(wholes, 0), elem(wholes, 1)}
  end

  defp in_order([], _way, _events, _at), do: nil

  defp in_order([{one, other} | rest], way, events, at),
    do: differ(one, other, [at | way], events) || in_order(rest, way, events, at + 1)

  defp maps(one, other, way, events) do
    keys = (Map.keys(one) ++ Map.keys(other)) |> Enum.uniq() |> Enum.sort()

    Enum.find_value(keys, {Enum.reverse(way), one, other}, fn key ->
      case {one, other} do
        {%{^key => left}, %{^key => right}} -> differ(left, right, [key | way], events)
        _only_one -> nil
      end
    end)
  end
end
