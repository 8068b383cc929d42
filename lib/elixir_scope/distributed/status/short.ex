defmodule ElixirScope.Distributed.Status.Short do
  @moduledoc false
  # A status on one screen: who is there, what is lost, what runs, and which bounds are nearest to
  # their limits.

  import Inspect.Algebra

  alias ElixirScope.Distributed.Status
  alias ElixirScope.Distributed.Status.Bounds

  # Members, traces and bounds that are named.
  @most 6

  @doc "What `inspect/2` shows of a status."
  @spec document(Status.t(), Inspect.Opts.t()) :: Inspect.Algebra.t()
  def document(status, options) do
    lines = for {name, text} <- lines(status, options), do: string("#{name}: #{text}")
    body = lines |> Enum.intersperse(line()) |> concat()
    concat(["#ElixirScope.Distributed.Status<", nest(concat(line(), body), 2), line(), ">"])
  end

  defp lines(status, options) do
    show = &inspect(&1, limit: options.limit)

    [
      scope: "#{show.(status.scope)} on #{status.node}, incarnation #{status.incarnation}",
      members: members(status),
      cluster: cluster(status.partition),
      clock: clock(status.clock),
      store: store(status.store),
      traces: traces(status.traces),
      lost: counts(status.lost),
      bounds: bounds(status.bounds)
    ] ++ recording(status.recording)
  end

  defp recording(nil), do: []

  defp recording(recording) do
    lost = with {at, bytes} <- recording.lost, do: ", cut at byte #{at}: #{bytes} left out"

    [
      recording:
        "#{recording.events} events, #{recording.path}, saved by #{recording.by} at " <>
          "#{recording.saved_at}, filters #{recording.filters}#{lost}"
    ]
  end

  defp members(%{nodes: nodes}) when nodes == %{}, do: "this node alone"

  defp members(%{nodes: nodes}) do
    {up, out} =
      nodes |> Enum.sort() |> Enum.split_with(fn {_node, info} -> info.status == :up end)

    out = for {node, info} <- Enum.take(out, @most), do: "#{node} #{info.status} (#{info.reason})"

    Enum.join(["#{length(up)} other up" | out], ", ")
  end

  defp cluster(nil), do: "not known now"
  defp cluster(%{state: state, kinds: [], quorum: quorum}), do: "#{state}, #{quorum}"

  defp cluster(%{state: state, kinds: kinds, quorum: quorum}),
    do: "#{state} (#{Enum.join(kinds, ", ")}), #{quorum}"

  defp clock(%{source: source, ahead_ns: ahead, quarantined: quarantined}) do
    wrong = if quarantined == [], do: "", else: ", not followed: #{Enum.join(quarantined, ", ")}"
    "#{source}, #{Float.round(ahead / 1_000_000, 3)} ms ahead of the wall clock#{wrong}"
  end

  defp store(store) do
    "#{store.events} events in #{store.blocks} blocks, #{store.open_events} in the open one, " <>
      "of #{store.origins} origins, folder #{inspect(store.folder)}"
  end

  defp traces(%{running: running, ended: ended}) do
    ids = Enum.map_join(Enum.take(running, @most), ", ", & &1.id)
    named = if running == [], do: "", else: " (#{ids})"
    "#{length(running)} running#{named}, #{length(ended)} ended"
  end

  defp counts(lost) do
    case for {cause, count} <- Enum.sort(lost), count > 0, do: "#{count} #{cause}" do
      [] -> "nothing"
      some -> Enum.join(some, ", ")
    end
  end

  defp bounds(bounds) do
    fullest = bounds |> Enum.sort_by(&Bounds.share(elem(&1, 1)), :desc) |> Enum.take(@most)

    named =
      for {name, %{used: used} = bound} when used not in [nil, 0] <- fullest,
          do: full(name, bound)

    over =
      for {name, %{over: over}} <- Enum.sort(bounds),
          over not in [nil, 0],
          do: "#{over} over #{name}"

    Enum.join(["#{map_size(bounds)}" | Enum.take(named ++ over, 2 * @most)], ", ")
  end

  defp full(name, bound),
    do: "#{name} #{Float.round(100 * Bounds.share(bound), 1)} % of #{bound.limit} #{bound.unit}"
end
