defmodule ElixirScope.Distributed.Query.Answer do
  @moduledoc false
  # What a member answers, in a worker: the core reads on a scheduler for work that takes a while.

  alias ElixirScope.Distributed.Query.{Page, Wire}
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
    head = Page.head(scope.store)
    rows = scope.store |> Page.holdings() |> Enum.sort() |> Enum.filter(&behind?(&1, body.after))
    {rows, left} = Enum.split(rows, Wire.most_ranges())
    {:holdings, %{rows: rows, head: head, more: left != []}}
  end

  def to(scope, :ask, body) do
    {:page, Page.read(scope.store, body.filter, body.ranges, body.cursor, body.max_bytes)}
  rescue
    # What no shape can say, such as text that is not UTF-8.
    ArgumentError -> {:refused, %{reason: :malformed}}
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
