defmodule ElixirScope.Distributed.Query.Answer do
  @moduledoc false
  # What a member answers, in a worker: the core reads on a scheduler for work that takes a while.

  alias ElixirScope.Distributed.Query.{Cover, Page, Wire}
  alias ElixirScope.Distributed.{Scope, Transport}
  alias ElixirScope.Distributed.Types.QueryMessage

  # How long a connection that others use may be busy before an answer is given up: who asked asks again.
  @first_ms 5
  @slowest_ms 100
  @send_ms 1_000

  @type answer :: {:holdings | :page | :refused, map}

  @doc "The answer to a question that was checked."
  @spec to(Scope.t(), :holdings? | :ask, map) :: answer
  def to(scope, :holdings?, body) do
    {rows, head} = holdings(scope, body.nodes)
    {rows, left} = rows |> Enum.filter(&behind?(&1, body.after)) |> Enum.split(Wire.most_ranges())
    {:holdings, %{rows: rows, head: head, more: left != []}}
  end

  # With the page goes how far it can have read: so a page that ends says what was read with it.
  def to(scope, :ask, body) do
    head = Page.head(scope.store)
    ranges = up_to(body.ranges, head)
    page = Page.read(scope.store, body.filter, ranges, body.cursor, body.max_bytes)
    {:page, Map.put(page, :head, head)}
  rescue
    # What no shape can say, such as text that is not UTF-8.
    ArgumentError -> {:refused, %{reason: :malformed}}
  end

  # What comes meanwhile is the next question's.
  defp up_to(:all, _head), do: :all

  defp up_to(ranges, {node, incarnation, seq, _promise}) do
    Enum.flat_map(ranges, fn
      {^node, ^incarnation, first, :infinity} when first > seq -> []
      {^node, ^incarnation, first, :infinity} -> [{node, incarnation, first, seq}]
      range -> [range]
    end)
  end

  @doc """
  What is here of some nodes, or of all, with what was recorded before the call; and how far our own
  events are settled.
  """
  @spec holdings(Scope.t(), [String.t()]) :: {[Wire.range()], head :: tuple}
  def holdings(scope, nodes) do
    head = Page.head(scope.store)
    {scope.store |> Page.holdings() |> Cover.of(nodes) |> Enum.sort(), head}
  end

  defp behind?(_row, nil), do: true
  defp behind?({node, incarnation, first, _last}, place), do: {node, incarnation, first} > place

  @doc "Whether a page says nothing: who can wait may hear more later."
  @spec nothing?(answer) :: boolean
  def nothing?({:page, page}),
    do: page.count == 0 and not page.more and page.dropped == 0 and page.expired == nil

  def nothing?(_answer), do: false

  @doc "Sends an answer; waits a little while the connection is busy."
  @spec send(Scope.t(), node, reference, answer) :: :ok | {:error, :busy | :unreachable}
  def send(scope, to, ref, {kind, body}) do
    message = %QueryMessage{source_node: scope.node, kind: kind, ref: ref, body: body}
    send_within(scope, to, message, @first_ms, @send_ms)
  end

  defp send_within(scope, to, message, wait_ms, left_ms) do
    with {:error, :busy} when left_ms > 0 <- Transport.send_to(scope, to, message) do
      pause(wait_ms)
      send_within(scope, to, message, min(wait_ms * 2, @slowest_ms), left_ms - wait_ms)
    end
  end

  defp pause(ms) do
    receive after: (ms -> :ok)
  end
end
