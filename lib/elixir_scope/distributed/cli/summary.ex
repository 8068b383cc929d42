defmodule ElixirScope.Distributed.CLI.Summary do
  @moduledoc false
  # What traces recorded, as `stop_trace` tells it: for people and as JSON.

  alias ElixirScope.Distributed.Capture.Conductor
  alias ElixirScope.Distributed.CLI.{Exit, Job, Json, Request}
  alias ElixirScope.Distributed.Error
  alias ElixirScope.Distributed.View.{Footer, Text}

  @type totals :: %{node => map}

  @doc "Ends one trace; what each node recorded of it, also where it had ended before."
  @spec stop(pos_integer, atom) :: {:ok, totals} | {:error, Error.t()}
  def stop(id, scope), do: Conductor.stop(id, scope)

  @doc "Two of them as one."
  @spec join(totals, totals) :: totals
  def join(one, other), do: Map.merge(one, other, fn _node, a, b -> sum(a, b) end)

  defp sum(one, other) do
    Map.merge(one, other, fn
      :traces, a, b -> a ++ b
      :error, a, _b -> a
      _count, a, b -> a + b
    end)
  end

  @doc "For people: a line for each trace on each node."
  @spec lines(totals, pos_integer) :: [String.t()]
  def lines(totals, width) do
    lines = for {node, total} <- Enum.sort(totals), line <- of_node(node, total), do: line
    Enum.map(if(lines == [], do: ["no node runs a trace"], else: lines), &Text.fit(&1, width))
  end

  defp of_node(node, %{error: error}), do: ["#{node}: #{Exception.message(error)}"]
  defp of_node(node, %{traces: []}), do: ["#{node}: no trace"]

  defp of_node(node, %{traces: traces}),
    do: for(trace <- traces, do: "#{node}: " <> of_trace(trace))

  defp of_trace(trace) do
    left_out = for key <- [:thinned, :refused], trace[key] > 0, do: "#{trace[key]} #{key}"

    Enum.join(
      ["trace #{trace.id}", Footer.count(trace.events, "event")] ++ left_out ++ [why(trace)],
      ", "
    )
  end

  defp why(trace), do: trace[:message] || to_string(trace[:reason])

  @doc "The same as a JSON value."
  @spec value(totals) :: Json.value()
  def value(totals),
    do: %{nodes: Map.new(totals, fn {node, total} -> {node, Json.plain(total)} end)}

  @doc "Whether all have answered of whom that is required."
  @spec complete(Request.t(), totals) :: Exit.name()
  def complete(%{options: %{require: needed}} = request, totals) do
    silent = for {node, %{error: _}} <- Enum.sort(totals), do: node

    if enough?(needed, length(silent), map_size(totals)),
      do: :fine,
      else: partial(request, silent)
  end

  @doc "Whether so many that are missing, of all, are few enough."
  @spec enough?(:any | :majority | :all, non_neg_integer, non_neg_integer) :: boolean
  def enough?(:any, _missing, _all), do: true
  def enough?(:all, missing, _all), do: missing == 0
  def enough?(:majority, missing, all), do: missing * 2 < all

  @doc "Says who is missing."
  @spec partial(Request.t(), [node]) :: Exit.name()
  def partial(request, missing) do
    Job.say(request, "missing: #{Enum.join(missing, ", ")}")
    :partial
  end
end
