defmodule ElixirScope.Distributed.CLI.Line do
  @moduledoc false
  # One event as one line: when, where, who, what. For events that come one by one, so that nothing is
  # lined up with what is not there yet.

  alias ElixirScope.Distributed.CLI.Json
  alias ElixirScope.Distributed.Event
  alias ElixirScope.Distributed.View.{Palette, Text}

  # What is looked at of data: a line shows no more.
  @shown [limit: 20, printable_limit: 200, charlists: :as_lists]

  @doc "The line, no wider than `width`; where ids are wanted they say which node it is."
  @spec render(Event.t(), %{width: pos_integer, palette: Palette.t(), ids: nil | :short | :whole}) ::
          iodata
  def render(event, look) do
    text = event |> parts(look.ids) |> Enum.reject(&(&1 == "")) |> Enum.join("  ")
    Palette.paint(look.palette, event.node, Text.fit(text, look.width))
  end

  defp parts(event, ids) do
    [
      clock(event.at),
      where(event, ids),
      if(event.pid, do: inspect(event.pid), else: "-"),
      what(event),
      data(event),
      correlation(event.correlation_id)
    ]
  end

  defp where(%{id: id}, form) when form != nil and id != nil, do: Event.Id.text(id, form)
  defp where(%{node: node}, _form), do: to_string(node)

  # The time of the day; the date is in the id's place of a recording, and in JSON.
  defp clock({_logical, ns, _node}), do: ns |> Json.Event.time() |> String.slice(11, 15)

  defp what(%{kind: :mark, subject: subject}), do: named(subject)
  defp what(%{kind: kind, subject: {m, f, a}}), do: "#{kind} #{Exception.format_mfa(m, f, a)}"
  defp what(%{kind: kind, subject: nil}), do: to_string(kind)
  defp what(%{kind: kind, subject: subject}), do: "#{kind} #{named(subject)}"

  defp named(atom) when is_atom(atom), do: Atom.to_string(atom)
  defp named(other), do: inspect(other, @shown)

  defp data(%{data: nil}), do: ""

  defp data(%{data: data, meta: meta}),
    do: inspect(data, @shown) <> if(meta[:truncated?], do: " …", else: "")

  defp correlation(nil), do: ""
  defp correlation(id), do: "(#{inspect(id, @shown)})"
end
