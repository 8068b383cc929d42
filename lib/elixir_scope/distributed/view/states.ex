defmodule ElixirScope.Distributed.View.States do
  @moduledoc """
  The state of a process over time, as what each callback changed of it.

      +0.000 ms  web@host#12  init 1
                 = %{items: [], total: 0}
      +3.120 ms  web@host#19  call {:add, :apple} from #PID<0.240.0>
                 + [:items, 0] :apple
                 ~ [:total] 0 → 12
      2 states of #PID<0.301.0> on web@host, 0 dropped, none missing

  Each turn has a line: how long after the first, the id of the event with the state, and what
  was handled. Below stands what is set (`~`), new (`+`) and gone (`-`), or the whole state (`=`) where the one
  before is not known. `?` says that the state was found changed, and not who changed it. Turns that
  changed nothing have no lines below.
  """

  alias ElixirScope.Distributed.{Event, View}
  alias ElixirScope.Distributed.TimeTravel.{Diff, Past, Path, Turn}
  alias ElixirScope.Distributed.View.{Footer, Palette, Text, Words}

  # Differences of one turn that are shown, and bytes of a term that are looked at.
  @most 20
  @longest 4_000

  @doc """
  Lines of a past, without their ends, each made when it is taken; the options are those of the view
  `states`, of which here only the looks and `path:` matter.
  """
  @spec render(Past.t(), keyword) :: View.lines() | {:error, ElixirScope.Distributed.Error.t()}
  def render(%Past{} = past, options \\ []) do
    with {:ok, options} <- View.check(:states, options) do
      shown = Enum.filter(past.turns, & &1.state)
      look = look(past, shown, options)

      Stream.concat(Stream.transform(shown, :unknown, &turn(&1, &2, look)), [
        footer(past, shown, look)
      ])
    end
  end

  defp look(past, shown, options) do
    events = Enum.map(shown, & &1.state)
    origins = events |> Enum.map(&elem(&1.id, 0)) |> Enum.uniq()

    %{
      path: options[:path],
      width: options[:width],
      ascii?: options[:ascii],
      palette: Palette.new(past.about.nodes, options[:color]),
      first: events |> List.first() |> ns(),
      form: if(length(origins) > 1, do: :whole, else: :short),
      indent: 0
    }
    |> indented(List.last(events))
  end

  # Below the ids, so that times stand apart.
  defp indented(look, nil), do: look
  defp indented(look, last), do: %{look | indent: String.length(after_first(last, look)) + 2}

  defp ns(nil), do: 0
  defp ns(%{at: {_logical, ns, _node}}), do: ns

  defp turn(turn, last, look) do
    before = with :unknown <- at(turn.before, look), do: last
    left = at(turn.left, look)
    lines = [heading(turn, look) | unseen(last, before, look) ++ changed(before, left, look)]
    {lines, left}
  end

  defp at({:ok, state}, look), do: Path.fetch(state, look.path)
  defp at(_unknown, _look), do: :unknown

  defp heading(%{state: event} = turn, look) do
    time = event |> after_first(look) |> String.pad_leading(look.indent - 2)
    id = Event.Id.text(event.id, look.form)
    line = fit("#{time}  #{id}  #{handled(turn)}#{cut(event)}", look)
    Palette.paint(look.palette, event.node, line)
  end

  defp after_first(event, look),
    do: "+#{:erlang.float_to_binary((ns(event) - look.first) / 1_000_000, decimals: 3)} ms"

  defp cut(%{meta: %{truncated?: true}}), do: "  (cut)"
  defp cut(_event), do: ""

  defp handled(%{message: nil} = turn), do: name(turn)

  defp handled(%{message: %{confidence: :ambiguous}} = turn),
    do: "#{name(turn)}, of several messages"

  defp handled(%{message: message}) do
    sure = if message.confidence == :likely, do: "probably ", else: ""
    from = if message.from, do: " from #{term(message.from)}", else: ""
    "#{sure}#{kind(message.kind)} #{term(message.content)}#{from}"
  end

  defp kind({kind, name}), do: "#{kind} #{term(name)}"
  defp kind(kind), do: to_string(kind)

  defp name(turn) do
    {module, function, arity} = Turn.callback(turn)
    Exception.format_mfa(module, function, arity)
  end

  defp unseen(same, same, _look), do: []
  defp unseen(:unknown, _before, _look), do: []
  defp unseen(last, before, look), do: differences(last, before, "?", look)

  defp changed(:unknown, left, look), do: [below("= #{value(left)}", look)]
  defp changed(before, left, look), do: differences(before, left, "", look)

  defp differences({:ok, old}, {:ok, new}, mark, look) do
    found = old |> Diff.between(new) |> Enum.take(@most + 1)
    lines = for one <- Enum.take(found, @most), do: below(mark <> difference(one, look), look)
    if length(found) > @most, do: lines ++ [below(more(look), look)], else: lines
  end

  defp differences(same, same, _mark, _look), do: []

  defp differences(old, new, mark, look),
    do: [below("#{mark}~ #{value(old)} #{arrow(look)} #{value(new)}", look)]

  defp difference({:set, path, old, new}, look),
    do: "~ #{path(path, look)}#{term(old)} #{arrow(look)} #{term(new)}"

  defp difference({:added, path, value}, look), do: "+ #{path(path, look)}#{term(value)}"
  defp difference({:removed, path, value}, look), do: "- #{path(path, look)}#{term(value)}"

  defp path(path, look) do
    case look.path ++ path do
      [] -> ""
      whole -> term(whole) <> " "
    end
  end

  defp arrow(look), do: if(look.ascii?, do: "->", else: "→")
  defp more(look), do: if(look.ascii?, do: "... and more", else: "… and more")

  defp value({:ok, value}), do: term(value)
  defp value(:none), do: "nothing there"
  defp value(:unknown), do: "not captured"

  defp below(text, look), do: fit(String.duplicate(" ", look.indent) <> text, look)

  defp term(term), do: Words.term(term, @longest)

  defp fit(text, %{ascii?: true} = look), do: text |> Text.ascii() |> Text.fit(look.width, "~")
  defp fit(text, look), do: Text.fit(text, look.width)

  defp footer(past, shown, look) do
    %{dropped: dropped, missing: missing} = past.about
    of = Footer.count(length(shown), "state") <> " of #{term(past.pid)}#{on(shown)}"
    more = if past.about.more?, do: ", cut by the limit", else: ""

    away =
      Enum.map_join(missing, ", ", fn {node, reason} ->
        "#{node} missing (#{Footer.word(reason)})"
      end)

    away = if away == "", do: "none missing", else: away
    fit("#{of}#{more}, #{Footer.grouped(dropped)} dropped, #{away}", look)
  end

  defp on([]), do: ""

  defp on(shown),
    do: " on " <> (shown |> Enum.map(&to_string(&1.state.node)) |> Enum.uniq() |> Enum.join(", "))
end
