defmodule ElixirScope.Distributed.CLI.Commands.Status do
  @moduledoc false
  # `mix scope.status`: how a scope stands, as the node that is asked sees it.

  @behaviour ElixirScope.Distributed.CLI.Command

  alias ElixirScope.Distributed, as: Library
  alias ElixirScope.Distributed.CLI.{Failure, Job, Json, Options, Request, Summary}
  alias ElixirScope.Distributed.View.Text

  @impl true
  def spec do
    %{
      summary: "Says how the cluster stands: members, clock, losses, traces, bounds",
      about: """
      What one node knows of itself and of the others. With --require all or majority
      it fails where members are missing, which makes it a check for scripts.
      """,
      arguments: {"", 0..0},
      options: Options.cluster() ++ [:require],
      examples: [
        {"--node web@10.0.0.2", "how the cluster stands, as web sees it"},
        {"--node web@10.0.0.2 --json", "everything, as one JSON object"},
        {"--node web@10.0.0.2 --require all", "exit code 4 unless every member is there"}
      ]
    }
  end

  @impl true
  def run(request) do
    status = request |> Request.scope() |> Library.status() |> Failure.ok!()
    print(request, status)
    complete(request, status)
  end

  defp print(%{options: %{json: true}} = request, status),
    do: Job.line(request, status |> Map.from_struct() |> Json.plain() |> Json.encode())

  defp print(request, status) do
    lines = status |> inspect(width: :infinity) |> String.split("\n") |> Enum.slice(1..-2//1)
    lines = Enum.map(lines, &String.trim_leading/1) ++ Enum.map(status.traces.running, &trace/1)
    Job.lines(request, Enum.map(lines, &Text.fit(&1, request.width)))
  end

  defp trace(running) do
    {_node, by} = running.by

    "trace #{running.id}: #{Enum.join(running.patterns, ", ")}, #{running.events} events, by #{inspect(by)}"
  end

  defp complete(%{options: %{require: needed}} = request, status) do
    if Summary.enough?(needed, length(status.missing), map_size(status.nodes) + 1),
      do: :fine,
      else: Summary.partial(request, status.missing)
  end
end
