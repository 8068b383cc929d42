defmodule ElixirScope.Distributed.CLI.Commands.Stop do
  @moduledoc false
  # `mix scope.stop`: ends traces on all nodes, whoever began them.

  @behaviour ElixirScope.Distributed.CLI.Command

  alias ElixirScope.Distributed, as: Library
  alias ElixirScope.Distributed.CLI.{Failure, Job, Json, Options, Request, Summary}

  @impl true
  def spec do
    %{
      summary: "Ends traces on all nodes of the cluster",
      about: """
      All traces of the scope, or those whose numbers are given; wherever and by whomever
      they were begun. Prints what each node recorded. A node that cannot be reached ends
      them by itself when their lease runs out, after ten seconds.
      """,
      arguments: {"[TRACE…]", 0..64},
      options: Options.cluster() ++ [:require],
      examples: [
        {"--node web@10.0.0.2", "ends every trace"},
        {"17 --node web@10.0.0.2", "ends trace 17"}
      ]
    }
  end

  @impl true
  def check(%{arguments: ids}) do
    case Enum.reject(ids, &(&1 =~ ~r/\A[1-9]\d{0,9}\z/)) do
      [] -> :ok
      [other | _] -> {:error, "expected the number of a trace, got: #{inspect(other)}"}
    end
  end

  @impl true
  def run(%{arguments: []} = request) do
    # By the scope's name: all of its traces.
    report(request, request |> Request.scope() |> Library.stop_trace() |> Failure.ok!())
  end

  def run(%{arguments: ids} = request) do
    totals = for id <- ids, do: id |> String.to_integer() |> stop(Request.scope(request))
    report(request, Enum.reduce(totals, &Summary.join/2))
  end

  defp stop(id, scope), do: id |> Summary.stop(scope) |> Failure.ok!()

  defp report(%{options: %{json: true}} = request, totals) do
    Job.line(request, Json.encode(Summary.value(totals)))
    Summary.complete(request, totals)
  end

  defp report(request, totals) do
    Job.lines(request, Summary.lines(totals, request.width))
    Summary.complete(request, totals)
  end
end
