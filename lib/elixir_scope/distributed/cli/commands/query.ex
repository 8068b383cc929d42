defmodule ElixirScope.Distributed.CLI.Commands.Query do
  @moduledoc false
  # `mix scope.query`: the matching events, one line each, and what is missing from them.

  @behaviour ElixirScope.Distributed.CLI.Command

  alias ElixirScope.Distributed, as: Library
  alias ElixirScope.Distributed.CLI.{Failure, Job, Json, Line, Options, Request}
  alias ElixirScope.Distributed.View.{Footer, Palette}

  # What an answer may take of the memory of the node that is asked.
  @most 1_000_000

  @impl true
  def spec do
    %{
      summary: "Lists the events of all nodes that match",
      about: """
      One line for each event, in the order of the cluster: time of the day (UTC), id (the
      node and its number there), process, what, data, and the correlation. What is known
      to be missing is said on standard error; with --json in a last line, {"result": …}.
      """,
      arguments: {"", 0..0},
      options:
        Options.cluster() ++
          [:open] ++ Options.filters() ++ [:limit, :order, :require, :timeout, :count],
      examples: [
        {"--node web@10.0.0.2 --correlation r-17", "all events of one request"},
        {"--node web@10.0.0.2 --kind call --module MyApp.Orders --from -5m",
         "calls into a module, of the last five minutes"},
        {"--open crash.scope --kind exit --order desc --limit 1", "the last exit of a recording"},
        {"--node web@10.0.0.2 --require all --count --json",
         "how many there are; exit code 4 if a node is missing"}
      ]
    }
  end

  @impl true
  def check(%{options: %{limit: limit}}) when limit > @most,
    do:
      {:error, "--limit: at most #{@most} events are read at once; mix scope.export streams more"}

  def check(_fine), do: :ok

  @impl true
  def run(request) do
    result = request |> Request.filters() |> Library.query([]) |> Failure.ok!()
    print(request, result)
    :fine
  end

  defp print(%{options: %{count: true, json: true}} = request, result), do: about(request, result)

  defp print(%{options: %{count: true}} = request, result) do
    Job.line(request, Integer.to_string(length(result.events)))
    about(request, result)
  end

  defp print(%{options: %{json: true}} = request, result) do
    Job.lines(request, Stream.map(result.events, &(&1 |> Json.Event.value() |> Json.encode())))
    about(request, result)
  end

  defp print(request, result) do
    look = look(request, result.events)
    Job.lines(request, Stream.map(result.events, &Line.render(&1, look)))
    about(request, result)
  end

  defp look(request, events) do
    origins = for %{id: {origin, _seq}} <- events, uniq: true, do: origin
    nodes = origins |> Enum.map(&elem(&1, 0)) |> Enum.sort()
    # One start of each node: then the node and the number say which event it is.
    form = if nodes == Enum.uniq(nodes), do: :short, else: :whole
    %{width: request.width, palette: Palette.new(nodes, request.color), ids: form}
  end

  defp about(%{options: %{json: true}} = request, result) do
    about = result |> Map.put(:events, length(result.events)) |> Json.Answer.value()
    Job.line(request, Json.encode(%{result: about}))
  end

  defp about(request, result) do
    count = length(result.events)
    Job.say(request, result |> Map.put(:events, count) |> Footer.text(count, request.width))
  end
end
