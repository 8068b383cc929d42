defmodule ElixirScope.Distributed.Debug.Services.Breakers do
  @moduledoc false
  # The circuit breakers of this VM, one for each node that failed lately, in the table of debugging.
  #
  # Invariant: there are at most `limit/0`. One that is closed and has no failures is not kept.

  alias ElixirScope.Distributed.Debug.{Desk, Table}
  alias ElixirScope.Distributed.Debug.Services.Breaker
  alias ElixirScope.Distributed.Telemetry

  @limit 256
  @closed %Breaker{}

  @doc "How many nodes have one at most."
  @spec limit() :: pos_integer
  def limit, do: @limit

  @doc "Whether a node may be asked now."
  @spec ask(node) :: :ok | {:open, wait_ms :: pos_integer, Breaker.why()}
  def ask(node) do
    connected? = node in Node.list(:connected)

    case change(node, &Breaker.ask(&1, Desk.now_ms(), connected?)) do
      :ok -> :ok
      {:open, wait_ms} -> {:open, wait_ms, Table.get({:breaker, node}, @closed).why}
    end
  end

  @doc "What came of it, by its name in `Plan`."
  @spec heard(node, atom) :: :ok
  def heard(node, kind) do
    old = Table.get({:breaker, node})
    heard(Breaker.heard(old || @closed, kind, 0), old, node, kind)
  end

  # The usual: it answers, as before.
  defp heard(@closed, nil, _node, _kind), do: :ok

  defp heard(new, old, node, kind) do
    if old == nil, do: make_room()
    change(node, &{:ok, Breaker.heard(&1, kind, Desk.now_ms())})
    if new == @closed, do: Table.delete({:breaker, node})
    :ok
  end

  @doc "Those that are not closed, or have failures."
  @spec all() :: %{node => map}
  def all,
    do:
      Map.new(Table.all(:breaker), fn {node, b} -> {node, Breaker.describe(b, Desk.now_ms())} end)

  defp change(node, change) do
    {answer, was, is} =
      Table.update({:breaker, node}, @closed, fn old ->
        {answer, new} = change.(old)
        {{answer, old.state, new.state}, new}
      end)

    if was != is, do: Telemetry.emit(:debug_breaker, node, %{status: is})
    answer
  end

  # The one whose last failure is longest ago says least.
  defp make_room do
    breakers = Table.all(:breaker)

    if length(breakers) >= @limit do
      {node, _breaker} = Enum.min_by(breakers, fn {_node, breaker} -> breaker.last_ms end)
      Table.delete({:breaker, node})
    end
  end
end
