defmodule ElixirScope.Distributed.CLI.Following do
  @moduledoc false
  # A trace from its beginning to its end on all nodes: what a subscription tells of it is printed as
  # it comes. It is over where every node has said so, in the order of the cluster: so all that was
  # recorded before is printed before.

  alias ElixirScope.Distributed, as: Library
  alias ElixirScope.Distributed.CLI.{Exit, Failure, Job, Json, Line, Request, Summary}
  alias ElixirScope.Distributed.Trace
  alias ElixirScope.Distributed.View.{Footer, Palette, Text}

  # How much longer than its time a trace may take to say that it is over, and how long after it was
  # ended: of a node that is gone nothing will come.
  @late_ms 3_000
  @drain_ms 2_000

  @enforce_keys [:request, :trace, :ref, :scope, :running, :look]
  defstruct @enforce_keys ++ [shown: 0, dropped: 0, missing: [], ended?: false]

  @type t :: %__MODULE__{request: Request.t(), trace: Trace.t(), ref: reference}

  @doc "A trace that has begun, and the subscription that tells of it."
  @spec new(Request.t(), Trace.t(), reference, atom) :: t
  def new(request, trace, ref, scope) do
    palette = Palette.new(trace.nodes, request.color)
    look = %{width: request.width, palette: palette, ids: nil}
    given = %{request: request, trace: trace, ref: ref, scope: scope, look: look}
    struct!(__MODULE__, Map.put(given, :running, MapSet.new(trace.nodes)))
  end

  @doc "Prints until it is over."
  @spec run(t) :: Exit.name()
  def run(%{trace: trace, request: request} = following) do
    announce(following)

    if request.options[:require] == :all and trace.refused != %{} do
      Library.stop_trace(trace)
      Summary.partial(request, Map.keys(trace.refused))
    else
      Process.send_after(self(), :scope_stop, trace.budgets.duration_ms + @late_ms)
      following |> loop() |> finish()
    end
  end

  defp announce(%{request: %{options: %{json: true}} = request, trace: trace}),
    do: Job.line(request, Json.encode(%{trace: Json.plain(trace)}))

  defp announce(%{request: request, trace: trace}) do
    Job.say(request, Text.fit(begun(trace), request.width))

    for {node, error} <- Enum.sort(trace.refused),
        do: Job.say(request, "#{node} refused: #{Exception.message(error)}")
  end

  defp begun(%{id: id, nodes: nodes, budgets: budgets, matched: matched}) do
    functions = matched |> Map.values() |> Enum.max()

    "trace #{id} on #{Enum.join(nodes, ", ")}: #{Footer.count(functions, "function")}, " <>
      "at most #{budgets.duration_ms} ms and #{Footer.count(budgets.events, "event")} a node"
  end

  defp loop(%{ref: ref} = following) do
    receive do
      {:elixir_scope, ^ref, events, about} -> following |> take(events, about) |> go_on()
      :scope_stop -> following |> stop() |> go_on()
      :scope_drained -> following
      {:DOWN, ^ref, :process, _pid, _reason} -> raise Failure.new(:failed, "the scope has ended")
    end
  end

  defp go_on(%{running: running} = following),
    do: if(MapSet.size(running) == 0, do: following, else: loop(following))

  defp stop(%{ended?: true} = following), do: following

  defp stop(following) do
    Summary.stop(following.trace.id, following.scope)
    Process.send_after(self(), :scope_drained, @drain_ms)
    %{following | ended?: true}
  end

  defp take(following, events, about) do
    ours = Enum.filter(events, &ours?(&1, following.trace.id))
    print(following, Enum.reject(ours, &(&1.kind in [:trace_started, :trace_stopped])))
    over = for %{kind: :trace_stopped, node: node} <- ours, into: MapSet.new(), do: node

    %{
      following
      | shown:
          following.shown +
            Enum.count(ours, &(&1.kind not in [:trace_started, :trace_stopped, :gap])),
        dropped: following.dropped + about.dropped,
        missing: about.missing,
        running: MapSet.difference(following.running, over)
    }
  end

  defp ours?(%{kind: kind, data: %{trace: id}}, id) when kind in [:trace_started, :trace_stopped],
    do: true

  defp ours?(%{kind: :gap, data: %{of: %{trace: of}}}, id), do: of == id
  # A loss that can be anybody's is ours, too.
  defp ours?(%{kind: :gap}, _id), do: true
  defp ours?(%{meta: %{traces: ids}}, id) when is_list(ids), do: id in ids
  defp ours?(_other, _id), do: false

  defp print(_following, []), do: :ok

  defp print(%{request: %{options: %{json: true}} = request}, events),
    do: Job.lines(request, Enum.map(events, &(&1 |> Json.Event.value() |> Json.encode())))

  defp print(%{request: request, look: look}, events),
    do: Job.lines(request, Enum.map(events, &Line.render(&1, look)))

  # Also of a trace that ended by itself the nodes still know what it was.
  defp finish(%{request: request} = following) do
    totals = following.trace.id |> Summary.stop(following.scope) |> Failure.ok!()
    summary(following, totals)
    Summary.complete(request, totals)
  end

  defp summary(%{request: %{options: %{json: true}} = request} = following, totals) do
    result = Map.merge(Summary.value(totals), Map.take(following, [:shown, :dropped, :missing]))
    Job.line(request, Json.encode(%{result: result}))
  end

  defp summary(%{request: request} = following, totals) do
    Enum.each(Summary.lines(totals, request.width), &Job.say(request, &1))
    Job.say(request, Text.fit(shown(following), request.width))
  end

  defp shown(%{shown: shown, dropped: dropped, missing: missing}) do
    names = if missing == [], do: "none", else: Enum.join(missing, ", ")
    "#{Footer.count(shown, "event")} shown, #{dropped} dropped, #{names} missing"
  end
end
