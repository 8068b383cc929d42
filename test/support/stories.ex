defmodule ElixirScope.Distributed.Stories do
  # Histories as lists of events, written down by hand.

  alias ElixirScope.Distributed.Event

  @start_ns 1_763_690_000_000_000_000

  @doc """
  Events of steps `{node, process, microseconds, kind, subject, data, more}`. `process` is a number of the node's,
  or `nil`; `more` has `message:` (the halves of one have the same name), `sure:`, `correlation:`, `meta:`.
  """
  def events(steps) do
    events = steps |> Enum.with_index(1) |> Enum.map(&event/1)
    halves = Enum.zip(steps, events) |> Enum.reduce(%{}, &half/2)

    for {{_, _, _, _, _, _, more}, event} <- Enum.zip(steps, events),
        do: paired(event, halves[more[:message]], more)
  end

  defp event({{node, process, us, kind, subject, data, more}, seq}) do
    %Event{
      id: {{node, 1_763}, seq},
      at: {0, @start_ns + us * 1_000, node},
      mono_ns: us * 1_000,
      node: node,
      pid: process && pid(node, process),
      kind: kind,
      subject: subject,
      data: data,
      correlation_id: more[:correlation],
      meta: Keyword.get(more, :meta, %{})
    }
  end

  defp half({{_, _, _, _, _, _, more}, event}, halves) do
    case more[:message] do
      nil -> halves
      name -> Map.update(halves, name, [event.id], &[event.id | &1])
    end
  end

  defp paired(event, [_, _] = ids, more) do
    [other] = ids -- [event.id]
    meta = %{pair: other, pairing: Keyword.get(more, :sure, :exact)}
    %{event | meta: Map.merge(event.meta, meta)}
  end

  defp paired(event, _none, _more), do: event

  @doc "The pid of a number on a node: as that node would tell it to others."
  def pid(node, number) do
    name = Atom.to_string(node)
    # NEW_PID_EXT of the external term format, as no function makes a pid of another node.
    binary = <<131, 88, 119, byte_size(name)>> <> name <> <<number::32, 0::32, 1_763::32>>

    :erlang.binary_to_term(binary, [:safe])
  end

  @web :"web@127.0.0.1"
  @orders :"orders@127.0.0.1"
  @payment :"payment@127.0.0.1"

  @doc "A request over three nodes which fails, with all that a tree can draw."
  def request(card \\ :declined) do
    events([
      {@web, 102, 0, :call, {MyApp.Orders, :place, 2}, [%{id: 7, items: 3}, :ann], []},
      {@web, 102, 40, :send, pid(@orders, 171), {:take, %{id: 7}}, message: :take},
      {@orders, 171, 328, :receive, pid(@web, 102), {:take, %{id: 7}}, message: :take},
      {@orders, 171, 331, :call, {MyApp.Stock, :take, 1}, [%{id: 7, name: "日本の本"}], []},
      {@orders, 171, 340, :spawn, pid(@orders, 180), {MyApp.Audit, :run, 1}, []},
      {@orders, 180, 352, :call, {MyApp.Audit, :run, 1}, [7], []},
      {@orders, 171, 361, :send, pid(@payment, 98), {:charge, 300},
       message: :charge, sure: :likely},
      {@payment, 98, 391, :receive, pid(@orders, 171), {:charge, 300},
       message: :charge, sure: :likely},
      {@payment, 98, 395, :call, {MyApp.Card, :charge, 1}, [300], []},
      {@payment, 98, 420, :exception, {MyApp.Card, :charge, 1}, {:error, {card, "no\e[31m\n"}},
       []},
      {@payment, 98, 425, :send, pid(@orders, 171), {:error, card}, message: :charged},
      {@orders, 171, 445, :receive, pid(@payment, 98), {:error, card}, message: :charged},
      {@orders, nil, 446, :gap, nil, 120, []},
      {@orders, 180, 447, :return, {MyApp.Audit, :run, 1}, :ok, []},
      {@orders, 171, 460, :return, {MyApp.Stock, :take, 1}, {:error, card}, []},
      {@orders, 171, 470, :send, pid(@web, 102), {:error, card}, message: :taken},
      {@web, 102, 566, :receive, pid(@orders, 171), {:error, card}, message: :taken},
      {@web, 102, 580, :mark, :checkout_failed, %{order: 7}, []},
      {@web, 102, 590, :return, {MyApp.Orders, :place, 2}, {:error, card}, []},
      {@web, 102, 600, :call, {MyApp.Mail, :apologise, 1}, [:ann], []}
    ])
  end
end
