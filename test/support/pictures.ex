defmodule ElixirScope.Distributed.Pictures do
  # Pictures as views read them, written down by hand: rows in causal order.

  alias ElixirScope.Distributed.Event
  alias ElixirScope.Distributed.View.Source

  @start_ns 1_763_690_000_000_000_000

  @doc """
  A picture of steps `{node, process, microseconds, kind, subject, data, more}`. `process` is a number of the
  node's, or `nil`; `more` has `causes:` (`{kind, place, sure}`), `behind_ns:`, `meta:`, `id:`.
  """
  def of(steps, about \\ []) do
    rows = steps |> Enum.with_index() |> Enum.map(&row/1) |> numbered()
    nodes = rows |> Enum.map(& &1.event.node) |> Enum.uniq()

    about =
      Enum.into(about, %{
        events: length(rows),
        nodes: nodes,
        missing: %{},
        dropped: 0,
        expired: 0,
        more?: false
      })

    parts = List.to_tuple(rows)
    places = Map.new(rows, &{&1.event.id, &1.place})

    %Source{
      about: about,
      processes: processes(rows),
      size: length(rows),
      place: &Map.get(places, &1),
      rows: fn from, count ->
        for place <- from..(min(from + count, tuple_size(parts)) - 1)//1, do: elem(parts, place)
      end
    }
  end

  defp row({{node, process, us, kind, subject, data, more}, place}) do
    ns = @start_ns + us * 1_000
    pid = process && :c.pid(0, process, 0)

    %{
      place: place,
      event: %Event{
        id: Keyword.get(more, :id, {{node, 1_763}, place + 1}),
        at: {0, ns - Keyword.get(more, :behind_ns, 0), node},
        mono_ns: us * 1_000,
        node: node,
        pid: pid,
        kind: kind,
        subject: subject,
        data: data,
        correlation_id: Keyword.get(more, :correlation) || nil,
        meta: Keyword.get(more, :meta, %{})
      },
      process: pid && {node, pid},
      behind_ns: Keyword.get(more, :behind_ns, 0),
      causes:
        for(
          {kind, place, sure} <- Keyword.get(more, :causes, []),
          do: %{place: place, kind: kind, sure: sure}
        )
    }
  end

  defp numbered(rows) do
    numbers =
      rows
      |> Enum.map(& &1.process)
      |> Enum.reject(&is_nil/1)
      |> Enum.uniq()
      |> Enum.with_index()
      |> Map.new()

    for row <- rows, do: %{row | process: numbers[row.process]}
  end

  defp processes(rows) do
    for {index, of} <- rows |> Enum.reject(&is_nil(&1.process)) |> Enum.group_by(& &1.process) do
      %{
        index: index,
        node: hd(of).event.node,
        pid: hd(of).event.pid,
        events: length(of),
        first: hd(of).place,
        last: List.last(of).place
      }
    end
  end

  @web :"web@127.0.0.1"
  @orders :"orders@127.0.0.1"
  @payment :"payment@127.0.0.1"

  @doc "A request over three nodes which fails, with all that can be drawn."
  def request do
    server = :c.pid(0, 171, 0)
    card = :c.pid(0, 98, 0)
    task = :c.pid(0, 180, 0)

    of(
      [
        {@web, 102, 0, :call, {MyApp.Orders, :place, 2}, [%{id: 7, items: 3}, :ann], []},
        {@web, 102, 40, :send, server, {:"$gen_call", {:from, :tag}, {:take, %{id: 7}}},
         paired(:exact, @orders, 3)},
        {@orders, 171, 328, :receive, nil, {:"$gen_call", {:from, :tag}, {:take, %{id: 7}}},
         causes: [{:message, 1, :exact}]},
        {@orders, 171, 331, :call, {MyApp.Stock, :take, 1}, [%{id: 7, name: "日本の本"}], []},
        {@orders, 171, 340, :spawn, task, {MyApp.Audit, :run, [7]}, []},
        {@orders, 180, 352, :call, {MyApp.Audit, :run, 1}, [7], causes: [{:spawn, 4, :exact}]},
        {@orders, 171, 360, :link, task, nil, []},
        {@orders, 171, 361, :send, card, {:charge, 300}, paired(:likely, @payment, 9)},
        {@payment, 98, 361, :receive, nil, {:charge, 300},
         causes: [{:message, 7, :likely}], behind_ns: 1_300_000},
        {@orders, nil, 400, :gap, nil, 120, []},
        {@payment, 98, 420, :exception, {MyApp.Card, :charge, 1},
         %RuntimeError{message: "card\e[31m declined\n"}, behind_ns: 1_298_000},
        {@payment, 98, 431, :exit, nil, {:error, :declined}, []},
        {@orders, 180, 445, :exit, nil, :normal, []},
        {@orders, 171, 470, :send, :c.pid(0, 102, 0), {:tag, {:error, :declined}},
         paired(:exact, @web, 16)},
        {@orders, 171, 475, :send, MyApp.Log, {:declined, 7}, []},
        {@web, 102, 566, :receive, nil, {:tag, {:error, :declined}},
         causes: [{:message, 13, :exact}]},
        {@web, 102, 570, :receive, nil, {:DOWN, :monitor}, []},
        {@web, 102, 580, :mark, :checkout_failed, %{order: 7}, []},
        {@web, 102, 590, :return, {MyApp.Orders, :place, 2}, {:error, :declined}, []}
      ],
      dropped: 120,
      nodes: [@web, @orders, @payment, :"stock@127.0.0.1"],
      missing: %{"stock@127.0.0.1": :distributed_timeout}
    )
  end

  defp paired(how, node, seq), do: [meta: %{pairing: how, pair: {{node, 1_763}, seq}}]

  @doc "So many processes of three nodes, each with some events and messages to the next."
  def crowd(count) do
    steps =
      for n <- 0..(count * 3 - 1) do
        process = rem(n * 7, count)
        node = Enum.at([@web, @orders, @payment], rem(process, 3))
        causes = if n > 0 and rem(n, 2) == 1, do: [{:message, n - 1, :exact}], else: []
        kind = if causes == [], do: :send, else: :receive
        subject = if kind == :send, do: :next
        {node, 100 + process, n * 10, kind, subject, {:step, n}, [causes: causes]}
      end

    of(steps)
  end
end

defmodule ElixirScope.Distributed.Pictures.Random do
  # Pictures of anything, in which only the order makes sense.

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.{Event, NastyText, Pictures}

  @nodes [
    :"web@127.0.0.1",
    :日本@ホスト,
    :"\e[2J@h",
    :"a/b#1@h",
    String.to_atom(String.duplicate("n", 240) <> "@h")
  ]
  @subjects [
    nil,
    {Enum, :map, 2},
    :name,
    :"\e]0;x\a",
    "text\n",
    String.to_atom(String.duplicate("M", 250))
  ]
  @gaps [
    7,
    %{thinned: 3, refused: 1, of: %{trace: 1}},
    %{expired: 2},
    %{missing: :busy},
    :what,
    %{restarted: 1}
  ]

  @doc "Generates pictures."
  def picture do
    map(tuple([list(step()), list(NastyText.text()), integer(0..9)]), fn {steps, texts, n} ->
      texts = if texts == [], do: ["x"], else: texts

      steps
      |> Enum.with_index()
      |> Enum.map(fn {step, place} ->
        step(step, place, Enum.at(texts, rem(place, length(texts))))
      end)
      |> Pictures.of(
        dropped: n,
        more?: n > 5,
        missing: Map.new(Enum.take(@nodes, rem(n, 4)), &{&1, :busy})
      )
    end)
  end

  defp step do
    tuple([
      one_of(Enum.map(@nodes, &constant/1)),
      integer(0..210),
      one_of(Enum.map(Event.kinds(), &constant/1)),
      one_of(Enum.map(@subjects, &constant/1)),
      integer(0..1_000),
      one_of(Enum.map([:message, :spawn, :link, :exit], &constant/1)),
      one_of(Enum.map([:exact, :likely, :ambiguous], &constant/1))
    ])
  end

  defp step({node, process, kind, subject, n, cause, sure}, place, text) do
    causes = if place > 0 and rem(n, 3) == 0, do: [{cause, rem(n * 7, place), sure}], else: []
    data = if kind == :gap, do: Enum.at(@gaps, rem(n, length(@gaps))), else: [text, n]
    behind_ns = if rem(n, 5) == 0, do: n * 1_000, else: 0
    id = if rem(n, 50) == 49, do: nil, else: {{node, 1}, place + 1}
    more = [causes: causes, behind_ns: behind_ns, id: id, correlation: rem(n, 4) == 0 && text]
    {node, if(process < 200, do: process), place * 10, kind, subject, data, more}
  end
end
