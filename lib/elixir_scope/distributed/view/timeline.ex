defmodule ElixirScope.Distributed.View.Timeline do
  @moduledoc """
  Events of many nodes in causal order, one line each.

      ╭ web@127.0.0.1 <0.102.0>
      │  ╭ orders@127.0.0.1 <0.171.0>
      ●  ┊ +0.000 ms call MyApp.Orders.place/2  [%{id: 7}]    web@127.0.0.1#1
      ●  ┊ +0.040 ms send to orders@127.0.0.1 <0.171.0>  cal… web@127.0.0.1#2
      ├─▸● +0.328 ms receive  call {:take, 7}              orders@127.0.0.1#3
      │  ╳ +0.400 ms gap: 120 events lost, a ring was full orders@127.0.0.1#4

  Each process has a lane, in the colour of its node: dotted until its first event, over with its last. An
  arrow lies in the line of its effect: `─▸` a message that is surely this one, `╌▸` one that is likely,
  `═▹` the beginning of a process, `━×` an exit signal, `─◦` a link. What is ambiguous has no arrow and
  says so. Where a node lost events its lanes break (`╳`), and begin again with what is known next. `✗` is
  an exception, `■` the end of a process.

  An event that its clock puts before its cause stands behind it and says by how much: `(clock 1.3 ms
  behind)`. The last column is the event's id, to be copied: `ElixirScope.Distributed.Event.Id`.

  What has no room gives way: first what an event was about, then the time, then lanes, then what
  happened; the id is the last to go. Where there are more processes than lanes, the busiest keep theirs, and
  all others share the last one, each named on its lines.

      iex> event = %ElixirScope.Distributed.Event{
      ...>   id: {{:web@host, 1}, 1}, at: {0, 1_000_000, :web@host}, node: :web@host, kind: :mark,
      ...>   subject: :checkout, data: %{items: 3}
      ...> }
      iex> {:ok, picture} = ElixirScope.Distributed.Causality.build([event])
      iex> for line <- ElixirScope.Distributed.View.Timeline.render(picture, width: 50, color: false),
      ...>     do: IO.iodata_to_binary(line)
      ["+0.000 ms checkout  %{items: 3}         web@host#1", "", "1 event of 1 node, 0 dropped, none missing"]
  """

  alias ElixirScope.Distributed.{Causality, Error, View}
  alias ElixirScope.Distributed.View.{Footer, Glyphs, Source}
  alias ElixirScope.Distributed.View.Timeline.{Line, Tally}

  @doc """
  The lines of a picture.

  ## Options

  #{ElixirScope.Distributed.Options.docs(:timeline)}
  """
  @spec render(Causality.t(), keyword | map) :: View.lines() | {:error, Error.t()}
  def render(causality, options \\ []) do
    with {:ok, options} <- View.check(:timeline, options),
         do: causality |> Source.of() |> lines(options)
  end

  defp lines(source, options) do
    case Source.ends(source) do
      nil -> [Footer.line(source.about, 0, options)]
      ends -> source |> Line.new(ends, options) |> lines(source, options)
    end
  end

  defp lines(line, source, options) do
    rows =
      source
      |> Source.stream()
      |> Stream.transform(
        fn -> {line, %Tally{}} end,
        &row/2,
        &{tail(&1, source, options), &1},
        fn _state -> :ok end
      )

    Stream.concat(Line.header(line), rows)
  end

  defp row(row, {line, tally}) do
    {text, line} = Line.row(line, row)
    {[text], {line, Tally.add(tally, row)}}
  end

  defp tail({_line, tally}, source, options) do
    notes =
      for note <- Tally.notes(tally), do: Glyphs.fit(Glyphs.of(options), note, options[:width])

    [""] ++ notes ++ [Footer.line(source.about, tally.events, options)]
  end
end
