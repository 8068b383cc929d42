defmodule ElixirScope.Distributed.View.Footer do
  @moduledoc """
  The line below every view: how many events it shows, and of what it cannot know.

      iex> alias ElixirScope.Distributed.View.Footer
      iex> about = %{events: 40, nodes: [:web@host, :gone@host], missing: %{}, dropped: 0, expired: 0, more?: false}
      iex> Footer.text(about, 40, 120)
      "40 events of 2 nodes, 0 dropped, none missing"
      iex> about = %{about | missing: %{gone@host: :distributed_timeout}, dropped: 3, more?: true}
      iex> Footer.text(about, 12, 120)
      "12 of 40 events of 2 nodes, cut by the limit, 3 dropped, gone@host missing (timeout)"
      iex> Footer.text(about, 12, 60)
      "12 of 40 events of 2 nodes, cut by the limit, 3 dropped, 1 …"
  """

  alias ElixirScope.Distributed.View.{Glyphs, Text}

  @typedoc "What is known of an answer besides its events."
  @type about :: %{
          required(:events) => non_neg_integer,
          required(:nodes) => [node],
          required(:missing) => %{node => term},
          required(:dropped) => non_neg_integer,
          required(:expired) => non_neg_integer,
          required(:more?) => boolean,
          optional(atom) => term
        }

  @doc "The line, no wider than `width`: names of nodes give way first."
  @spec text(about, shown :: non_neg_integer, width :: pos_integer) :: String.t()
  def text(about, shown, width) do
    lines = for missing <- missing(about.missing), do: join(about, shown, missing)
    Enum.find(lines, List.last(lines), &(Text.width(&1) <= width)) |> Text.fit(width)
  end

  @doc """
  The same by the options of a view.

      iex> about = %{events: 1, nodes: [:é@host], missing: %{é@host: :busy}, dropped: 0, expired: 0, more?: false}
      iex> ElixirScope.Distributed.View.Footer.line(about, 1, width: 80, ascii: true)
      ~S"1 event of 1 node, 0 dropped, \\u00E9@host missing (busy)"
  """
  @spec line(about, shown :: non_neg_integer, keyword) :: String.t()
  def line(about, shown, options) do
    width = options[:width]
    # What is cut in ASCII is cut there, once.
    room = if options[:ascii], do: width * 6, else: width
    Glyphs.fit(Glyphs.of(options), text(about, shown, room), width)
  end

  defp join(about, shown, missing) do
    [
      events(about, shown),
      cut(about),
      "#{grouped(about.dropped)} dropped",
      expired(about),
      missing
    ]
    |> Enum.reject(&is_nil/1)
    |> Enum.join(", ")
  end

  defp events(%{events: events, nodes: nodes}, shown) do
    of = if shown == events, do: "", else: "#{grouped(shown)} of "
    "#{of}#{count(events, "event")} of #{count(length(nodes), "node")}"
  end

  defp cut(%{more?: more?}), do: if(more?, do: "cut by the limit")

  defp expired(%{expired: 0}), do: nil
  defp expired(%{expired: expired}), do: "at most #{grouped(expired)} expired"

  # From the longest way to say it to the shortest.
  defp missing(none) when none == %{}, do: ["none missing"]

  defp missing(missing) do
    missing = Enum.sort(missing)
    with_reason = for {node, reason} <- missing, do: "#{name(node)} missing (#{word(reason)})"
    names = Enum.map_join(missing, ", ", fn {node, _reason} -> name(node) end)
    [Enum.join(with_reason, ", "), names <> " missing", "#{length(missing)} missing"]
  end

  defp name(node), do: node |> to_string() |> Text.clean()

  @doc """
  Why a node is missing, in a word.

      iex> ElixirScope.Distributed.View.Footer.word({:distributed_exit, :not_allowed})
      "not allowed"
  """
  @spec word(term) :: String.t()
  def word({:node_unavailable, _node}), do: "unavailable"
  def word(:distributed_timeout), do: "timeout"
  def word({:distributed_exit, reason}), do: word(reason)
  def word({reason, _more}) when is_atom(reason), do: word(reason)
  def word(reason) when is_atom(reason), do: reason |> to_string() |> String.replace("_", " ")
  def word(_other), do: "failed"

  @doc """
  A number of things, in words.

      iex> ElixirScope.Distributed.View.Footer.count(1_200, "event")
      "1,200 events"
  """
  @spec count(non_neg_integer, String.t()) :: String.t()
  def count(1, noun), do: "1 " <> noun
  def count(number, noun), do: "#{grouped(number)} #{noun}s"

  @doc """
  A number with its thousands apart.

      iex> ElixirScope.Distributed.View.Footer.grouped(1_234_567)
      "1,234,567"
  """
  @spec grouped(integer) :: String.t()
  def grouped(number) when number < 0, do: "-" <> grouped(-number)
  def grouped(number) when number < 1_000, do: Integer.to_string(number)

  def grouped(number) do
    last = number |> rem(1_000) |> Integer.to_string() |> String.pad_leading(3, "0")
    grouped(div(number, 1_000)) <> "," <> last
  end
end
