defmodule ElixirScope.Distributed.CLI.Commands.Top do
  @moduledoc false
  # `mix scope.top`: where the time went, of the last while, drawn again and again.

  @behaviour ElixirScope.Distributed.CLI.Command

  alias ElixirScope.Distributed.Causality
  alias ElixirScope.Distributed.Causality.Spans
  alias ElixirScope.Distributed.CLI.{Failure, Job, Json, Options, Request, Values}
  alias ElixirScope.Distributed.View.Top

  # The cursor goes home, and what stood there goes away.
  @again "\e[H\e[2J"

  @impl true
  def spec do
    %{
      summary: "Shows the functions of all nodes in which the time went, again and again",
      about: """
      Of the calls and returns that were recorded in the last minute, or as long as --last
      says: what a trace with returns records, or instrumented code. On a terminal it is
      drawn again until Ctrl-C; elsewhere once, or --times times. With --json each picture
      is one object on a line.
      """,
      arguments: {"", 0..0},
      options:
        Options.cluster() ++
          [:every, :times, :last, :by, :most, :per_node] ++
          (Options.filters() -- [:from, :to]) ++ [:limit, :require, :timeout],
      interrupt: :stop,
      examples: [
        {"--node web@10.0.0.2", "what takes the time now"},
        {"--node web@10.0.0.2 --by p99 --module MyApp.Orders --last 10s",
         "of one module, the slowest calls first"},
        {"--node web@10.0.0.2 --json --times 1 | jq '.functions[0]'", "for other programs"}
      ]
    }
  end

  @impl true
  def run(%{options: options} = request) do
    times = options[:times] || if(request.live, do: :infinity, else: 1)
    draw(request, times)
  end

  defp draw(request, times) do
    since = [from: Values.now() - request.options.last * 1_000_000]

    picture =
      request |> Request.filters() |> Keyword.merge(since) |> Causality.build() |> Failure.ok!()

    print(request, picture)
    if times == 1, do: :fine, else: again(request, times)
  end

  defp again(request, times) do
    receive do
      :scope_stop -> :fine
    after
      request.options.every -> draw(request, if(times == :infinity, do: times, else: times - 1))
    end
  end

  defp print(%{options: %{json: true}} = request, picture) do
    {functions, rows} = picture |> Spans.of() |> Spans.top(figures(request))
    time = Json.Event.time(Values.now())

    shown = %{
      at: time,
      functions: Json.plain(rows),
      of: functions,
      result: Json.Answer.value(picture.about)
    }

    Job.line(request, Json.encode(shown))
  end

  defp print(request, picture) do
    lines = Top.render(picture, Request.looks(request) ++ figures(request))
    # One write: a picture that comes in pieces flickers.
    text = for line <- lines, do: [line, ?\n]
    IO.write(request.out, if(request.live, do: [@again, text], else: text))
  end

  defp figures(%{options: options}),
    do: [by: options.by, most: options.most, per_node: options[:per_node] || false]
end
