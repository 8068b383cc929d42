defmodule ElixirScope.Distributed.Case.StorageContract.Events do
  @moduledoc false
  # Random events of several nodes and starts, and random questions about them. Stamps are few,
  # so that many events have the same.

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.{Event, Opaque}

  @began_ns 1_790_000_000_000_000_000
  @nodes [:a@contract, :b@contract, :c@contract]
  @functions [{Enum, :map, 2}, {Enum, :sort, 1}, {String, :split, 2}]
  @ids [7, "order-1", <<1::128>>, {:order, 2}]
  @texts ["", "or", "order", "17", "-3", "Elixir.Enum", "map", "nothing"]

  @doc "So many events, by a seed that is printed where they matter."
  @spec some(pos_integer) :: [Event.t()]
  def some(number) do
    seed = System.get_env("SCOPE_SEED", "17") |> String.to_integer()
    for n <- 1..number, do: pick(event(n), seed: seed * 100_003 + n, size: 6)
  end

  @doc "Filters as a user writes them: of what is there, and of what is not."
  @spec filters([Event.t()]) :: Gen.t(keyword)
  def filters(events) do
    map(tuple(Enum.map(parts(events), &maybe/1)), fn parts ->
      parts |> Tuple.to_list() |> Enum.concat()
    end)
  end

  defp parts(events) do
    values = fn key -> events |> Enum.map(&Map.fetch!(&1, key)) |> Enum.uniq() end
    kinds = Event.families() ++ values.(:kind)
    functions = for {_m, _f, _a} = mfa <- values.(:subject), do: mfa

    [
      nodes: list_of([:nobody@contract | values.(:node)]),
      kinds: list_of(kinds),
      pids: list_of([self() | Enum.filter(values.(:pid), &is_pid/1)]),
      modules: list_of([Elsewhere | Enum.map(functions, &elem(&1, 0))]),
      mfa: among([nil, {Elsewhere, :_, :_} | Enum.flat_map(functions, &patterns/1)]),
      correlation_id: among([:unknown | values.(:correlation_id)]),
      from: among(values.(:at) ++ Enum.map(values.(:at), &elem(&1, 1))),
      to: among(values.(:at) ++ Enum.map(values.(:at), &elem(&1, 1))),
      contains: among(@texts),
      limit: among([1, 2, 5, 20, length(events), 10_000]),
      order: among([:asc, :desc])
    ]
  end

  # A third of the filters at a time, so that something passes them.
  defp maybe({key, value}),
    do: one_of([constant([]), constant([]), map(value, &[{key, &1}])])

  defp among(values), do: one_of(values |> Enum.uniq() |> Enum.map(&constant/1))

  defp list_of(values),
    do: map(tuple([among(values), among(values)]), &Enum.uniq(Tuple.to_list(&1)))

  defp patterns({m, f, a}), do: [{m, f, a}, {m, :_, :_}, {:_, f, :_}, {:_, :_, a}]

  defp event(n) do
    parts = [among(@nodes), integer(1..2), integer(0..40), integer(0..3), among(Event.kinds())]
    map(tuple(parts ++ [about(), among([nil | @ids]), data()]), &event(&1, n))
  end

  defp event({node, start, ns, logical, kind, subject, id, data}, n) do
    %Event{
      id: {{node, start}, n},
      at: {logical, @began_ns + ns, node},
      mono_ns: n,
      node: node,
      pid: Enum.at([nil, self(), Process.group_leader()], rem(n, 3)),
      kind: kind,
      subject: subject,
      correlation_id: id,
      data: if(kind == :gap, do: lost(n), else: data)
    }
  end

  defp lost(n), do: Enum.at([nil, n, %{ring: n, budget: 2, why: :full}, %{}], rem(n, 4))

  defp about, do: among([nil, :paid, self(), "an order", {:order, 3} | @functions])

  defp data do
    cut = %Opaque{type: :binary, size: 900, kept: "an order that is"}
    one_of([term(), among([cut, [1 | 17], %{order: -3}, {17.0, "17"}, nil])])
  end
end
