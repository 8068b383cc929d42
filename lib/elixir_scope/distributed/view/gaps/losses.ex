defmodule ElixirScope.Distributed.View.Gaps.Losses do
  @moduledoc false
  # What was lost, out of the rows of a picture: one loss for what one node lost of one cause in one
  # go, however many gaps tell of it. Whose events may be among those that were lost is told by the
  # events of that node around it. Pure.

  alias ElixirScope.Distributed.View.Source

  # Two gaps of one cause that are no further apart are one loss.
  @together_ns 1_000_000_000

  # Events of a node before and after a loss whose correlations are looked at, and those that are named.
  @around 64
  @named 8

  defstruct recent: %{}, open: %{}

  @type cause ::
          :ring
          | :thinned
          | :budget
          | :expired
          | :restarted
          | :missing
          | :dropped
          | :ended
          | :cut
          | :other

  @type loss :: %{
          node: node,
          cause: cause,
          trace: term,
          reason: term,
          events: non_neg_integer | nil,
          gaps: pos_integer,
          from_ns: integer,
          to_ns: integer,
          id: tuple | nil,
          ahead: non_neg_integer,
          before: [term],
          after: [term]
        }

  @type t :: %__MODULE__{
          recent: %{node => [term]},
          open: %{{node, cause, trace :: term} => loss}
        }

  @doc "With one row more; gives the losses that are over."
  @spec add(t, map) :: {[loss], t}
  def add(losses, %{event: event} = row) do
    ns = Source.ns(row)
    {over, losses} = close(losses, event.node, ns)
    {over, event |> causes() |> Enum.reduce(seen(losses, event), &lost(&2, event, ns, &1))}
  end

  @doc "The losses that are not over when the rows are."
  @spec rest(t) :: [loss]
  def rest(losses), do: losses.open |> Map.values() |> in_order()

  # Whatever the order of maps is.
  defp in_order(losses), do: Enum.sort_by(losses, &{&1.from_ns, &1.node, &1.cause})

  # Of how much, of which cause, says the event itself
  defp causes(%{kind: :gap, data: data}), do: of_gap(data)

  defp causes(%{kind: :trace_stopped, data: %{reason: reason} = data})
       when reason not in [nil, :stopped],
       do: [{:ended, data[:trace], reason, nil}]

  defp causes(%{meta: %{truncated?: true}}), do: [{:cut, nil, nil, 1}]
  defp causes(_event), do: []

  defp of_gap(count) when is_integer(count), do: [{:ring, nil, nil, count}]

  defp of_gap(%{thinned: thinned, refused: refused} = data) do
    trace = with %{trace: trace} <- data[:of], do: trace

    for {cause, count} <- [thinned: thinned, budget: refused], count != 0 do
      {cause, trace, nil, count}
    end
  end

  defp of_gap(%{restarted: _} = data), do: [{:restarted, nil, nil, data[:expired]}]
  defp of_gap(%{expired: count}), do: [{:expired, nil, nil, count}]
  defp of_gap(%{missing: reason}), do: [{:missing, nil, reason, nil}]
  defp of_gap(%{dropped: count}), do: [{:dropped, nil, nil, count}]
  defp of_gap(other), do: [{:other, nil, other, nil}]

  # What happens on a node while one of its losses is open is what comes after it.
  defp seen(losses, %{correlation_id: nil}), do: losses

  defp seen(losses, %{node: node, correlation_id: correlation}) do
    recent = losses.recent |> Map.get(node, []) |> newest(correlation)
    open = Map.new(losses.open, fn {key, loss} -> {key, behind(loss, node, correlation)} end)
    %{losses | recent: Map.put(losses.recent, node, recent), open: open}
  end

  defp newest(recent, correlation),
    do: [correlation | List.delete(recent, correlation)] |> Enum.take(@around)

  defp behind(%{node: node, ahead: ahead} = loss, node, correlation) when ahead > 0,
    do: %{loss | ahead: ahead - 1, after: newest(loss.after, correlation)}

  defp behind(loss, _node, _correlation), do: loss

  defp lost(losses, event, ns, {cause, trace, reason, count}) do
    key = {event.node, cause, trace}
    new = fn -> new(losses, event, ns, {cause, trace, reason}) end
    loss = losses.open |> Map.get_lazy(key, new) |> more(count, ns)
    %{losses | open: Map.put(losses.open, key, loss)}
  end

  defp new(losses, event, ns, {cause, trace, reason}) do
    %{
      node: event.node,
      cause: cause,
      trace: trace,
      reason: reason,
      events: nil,
      gaps: 0,
      from_ns: ns,
      to_ns: ns,
      id: event.id,
      ahead: 0,
      before: Map.get(losses.recent, event.node, []),
      after: []
    }
  end

  defp more(loss, count, ns),
    do: %{loss | events: sum(loss.events, count), gaps: loss.gaps + 1, to_ns: ns, ahead: @around}

  defp sum(known, count) when is_integer(count) and count >= 0, do: (known || 0) + count
  defp sum(known, _unknown), do: known

  defp close(losses, node, ns) do
    {over, open} = Enum.split_with(losses.open, fn {_key, loss} -> over?(loss, node, ns) end)
    {over |> Enum.map(&elem(&1, 1)) |> in_order(), %{losses | open: Map.new(open)}}
  end

  defp over?(loss, node, ns), do: loss.node == node and ns - loss.to_ns > @together_ns

  @doc """
  Whose events may be among those that were lost: first the correlations that were there before and
  after it, and how many more there are.
  """
  @spec affected(loss) :: {[term], non_neg_integer}
  def affected(loss) do
    both = Enum.filter(loss.before, &(&1 in loss.after))
    all = Enum.uniq(both ++ loss.after ++ loss.before)
    {Enum.take(all, @named), max(length(all) - @named, 0)}
  end
end
