defmodule ElixirScope.Distributed.Capture.Plan.SpecTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.Capture.Pattern
  alias ElixirScope.Distributed.Capture.Plan.Spec
  alias ElixirScope.Distributed.Capture.Targets.Merge

  @arity 2
  @mfa {ScopePlanned, :c, @arity}

  # Heads, guards and what is called with

  defp pattern do
    map(tuple([head(), guards(), one_of([constant(true), constant(false)])]), fn
      {:_, _guards, return} -> pattern(:_, [], return)
      {head, guards, return} -> pattern(head, Enum.filter(guards, &bound?(&1, head)), return)
    end)
  end

  defp pattern(head, guards, return),
    do: %Pattern{
      module: ScopePlanned,
      function: :c,
      arity: 2,
      head: head,
      guards: guards,
      return: return
    }

  # A guard may only ask for what the head names.
  defp bound?(guard, head) do
    names = for "$" <> _ = name <- words(guard), do: name
    names -- words(head) == []
  end

  defp words(term), do: Regex.scan(~r/\$\d/, inspect(term)) |> List.flatten()

  defp head, do: one_of([constant(:_), map(tuple([shape(), shape()]), &Tuple.to_list/1)])

  defp shape do
    fn size, random ->
      inner = fn _size, random -> shape().(div(size, 3), random) end
      leaf = one_of([variable(), variable(), literal()])

      if size < 2,
        do: leaf.(size, random),
        else:
          one_of([
            leaf,
            map(tuple([inner, inner]), & &1),
            map(list(inner), &Enum.take(&1, 3)),
            map(tuple([inner, inner]), fn {a, b} -> [a | b] end),
            map(inner, &%{id: &1}),
            map(tuple([inner, inner]), fn {a, b} -> %{:id => a, "key" => b} end)
          ]).(size, random)
    end
  end

  defp variable, do: one_of(Enum.map([:_, :"$1", :"$2", :"$3"], &constant/1))
  defp literal, do: one_of(Enum.map([1, 2, 1.0, :a, :b, nil, "text", [], {}, %{}], &constant/1))

  defp guards, do: map(list(guard()), &Enum.take(&1, 2))

  defp guard do
    place = one_of(Enum.map([:"$1", :"$2", :"$3"], &constant/1))

    one_of([
      map(place, &{:is_integer, &1}),
      map(tuple([place, integer(0..3)]), fn {place, n} -> {:>, place, n} end),
      map(tuple([place, place]), fn {a, b} -> {:"=:=", a, b} end),
      map(tuple([place, place]), fn {a, b} -> {:orelse, {:is_atom, a}, {:<, {:hd, b}, 2}} end),
      map(tuple([place, literal()]), fn {a, b} -> {:not, {:==, a, {:const, b}}} end),
      map(place, &{:"=:=", {:map_get, {:const, :id}, &1}, 1}),
      # A name in a constant is no variable.
      map(place, &{:"=:=", &1, {:const, :"$1"}})
    ])
  end

  # Arguments: such as a head asks for, or nearly.
  defp arguments(:_), do: map(tuple([term(), term()]), &Tuple.to_list/1)

  defp arguments(head) do
    fn size, random ->
      {names, random} = Enum.map_reduce([1, 2, 3], random, &value(size, &1, &2))
      fill(head, List.to_tuple(names), random)
    end
  end

  defp value(size, _n, random),
    do:
      one_of([literal(), integer(0..3), constant([1, 2]), constant(%{id: 1}), term()]).(
        size,
        random
      )

  defp fill(name, names, random) when name in [:"$1", :"$2", :"$3"] do
    at = name |> Atom.to_string() |> String.last() |> String.to_integer()
    mutated(elem(names, at - 1), random)
  end

  defp fill(:_, _names, random), do: literal().(0, random)

  defp fill([head | tail], names, random) do
    {head, random} = fill(head, names, random)
    {tail, random} = fill(tail, names, random)
    {[head | tail], random}
  end

  defp fill({a, b}, names, random) do
    {a, random} = fill(a, names, random)
    {b, random} = fill(b, names, random)
    {{a, b}, random}
  end

  defp fill(map, names, random) when is_map(map) do
    Enum.map_reduce(map, random, fn {key, value}, random ->
      {value, random} = fill(value, names, random)
      {{key, value}, random}
    end)
    |> then(fn {pairs, random} -> {Map.new(pairs ++ [more: 1]), random} end)
  end

  defp fill(literal, _names, random), do: mutated(literal, random)

  defp mutated(value, random) do
    case :rand.uniform_s(12, random) do
      {1, random} -> literal().(0, random)
      {_most, random} -> {value, random}
    end
  end

  # Traces, each with patterns for the same function, and calls of it.
  defp traces do
    bind(map(list(list(pattern())), &some/1), fn traces ->
      heads = for patterns <- traces, pattern <- patterns, do: pattern.head
      calls = Enum.map(heads ++ heads ++ [:_], &arguments/1)

      map(
        all(calls),
        &{traces, Enum.filter(&1, fn call -> is_list(call) and safe_length(call) == @arity end)}
      )
    end)
  end

  defp small(generator), do: fn size, random -> generator.(rem(size, 7), random) end

  defp some(traces),
    do:
      traces |> Enum.map(&Enum.take(&1, 3)) |> Enum.reject(&(&1 == [])) |> Enum.take(Spec.most())

  defp all(generators),
    do: fn size, random -> Enum.map_reduce(generators, random, & &1.(size, &2)) end

  defp safe_length([_, _]), do: 2
  defp safe_length(_other), do: 0

  defp wanting(traces) do
    for {patterns, seat} <- Enum.with_index(traces) do
      [target] = Merge.functions(for pattern <- patterns, do: {@mfa, pattern})

      # Whether one of them is shown with what came with a message changes nothing for who wants it.
      part = %{
        bit: Bitwise.bsl(1, seat),
        families: [],
        callers: false,
        correlate: rem(seat, 2) == 1
      }

      {part, target}
    end
  end

  defp matches?(pattern, call) do
    spec = [{pattern.head, pattern.guards, [{:message, true}]}]
    {:ok, result, _flags, _warnings} = :erlang.match_spec_test(call, spec, :trace)
    result
  end

  defp verdict(true, _call, all), do: {all, []}

  defp verdict(spec, call, all) do
    case :erlang.match_spec_test(call, spec, :trace) do
      {:ok, true, flags, _warnings} -> {all, flags}
      {:ok, false, flags, _warnings} -> {0, flags}
      {:ok, {bits, _token}, flags, _warnings} -> {bits, flags}
      {:ok, no_token, flags, _warnings} when no_token in [[], nil] -> {all, flags}
      {:ok, bits, flags, _warnings} -> {bits, flags}
      {:error, errors} -> flunk("#{inspect(spec)} is no match specification: #{inspect(errors)}")
    end
  end

  test "the specification for all traces says of each call who of them alone would want it" do
    property(small(traces()), [runs: 1_500], fn {traces, calls} ->
      wanting = wanting(traces)
      all = Enum.reduce(wanting, 0, fn {part, _target}, bits -> Bitwise.bor(bits, part.bit) end)
      spec = if wanting == [], do: [], else: Spec.of(wanting)

      for call <- calls, wanting != [] do
        alone =
          for {patterns, seat} <- Enum.with_index(traces),
              Enum.any?(patterns, &matches?(&1, call)),
              reduce: 0,
              do: (bits -> Bitwise.bor(bits, Bitwise.bsl(1, seat)))

        {bits, flags} = verdict(spec, call, all)

        assert {call, bits} == {call, alone}

        returns? = traces |> Enum.concat() |> Enum.any?(&(&1.return and matches?(&1, call)))
        assert not returns? or :exception_trace in flags
      end
    end)
  end
end
