defmodule ElixirScope.Distributed.Capture.Conducted do
  @moduledoc false
  # A trace as the node sees it where it was begun: which nodes were asked and how each of
  # them stands. Pure; `Capture.Conductor` acts.

  alias ElixirScope.Distributed.Capture.{Asking, Governor, Order}
  alias ElixirScope.Distributed.{Error, Trace}

  @enforce_keys [:order, :monitor, :governor]
  defstruct [:order, :monitor, :governor, nodes: %{}]

  @type standing ::
          {:armed, map} | {:refused, Error.t()} | {:ended, map} | {:unavailable, Order.spent()}

  @type t :: %__MODULE__{
          order: Order.t(),
          monitor: reference,
          governor: Governor.t(),
          nodes: %{node => standing}
        }

  @doc "A trace whose owner is watched by `monitor`."
  @spec new(Order.t(), reference, integer) :: t
  def new(order, monitor, now),
    do: %__MODULE__{order: order, monitor: monitor, governor: Governor.new(order.budgets, now)}

  @doc "The nodes that are meant, of those that are there."
  @spec chosen(:all | [node], [node]) :: {:ok, [node]} | {:error, Error.t()}
  def chosen(:all, members), do: {:ok, members}
  def chosen([], members), do: {:error, Error.new(:no_node, members: members)}

  def chosen(named, members) do
    case Enum.uniq(named) -- members do
      [] -> {:ok, Enum.uniq(named)}
      unknown -> {:error, Error.new(:node_unavailable, nodes: unknown, members: members)}
    end
  end

  @doc "What a node answered to the order; one that ended meanwhile has ended."
  @spec answered(t, node, {:ok, map} | {:error, Error.t()}) :: t
  def answered(%{nodes: nodes} = conducted, node, answer) do
    case nodes do
      %{^node => {:ended, _summary}} -> conducted
      _running_or_new -> put(conducted, node, standing(answer, spent(conducted, node)))
    end
  end

  # Who could not answer may yet come back.
  defp standing({:ok, summary}, _spent), do: {:armed, summary}
  defp standing({:error, %{reason: :no_answer}}, spent), do: {:unavailable, spent}
  defp standing({:error, error}, _spent), do: {:refused, error}

  @doc "A node says how it stands: told for each renewal of its lease."
  @spec told(t, node, map) :: t
  def told(%{nodes: nodes} = conducted, node, summary) do
    case nodes do
      %{^node => {:armed, _before}} -> put(conducted, node, {:armed, summary})
      _ended_or_unknown -> conducted
    end
  end

  @doc "A node ended it, by itself or because it was asked to."
  @spec ended(t, node, map) :: t
  def ended(conducted, node, summary), do: put(conducted, node, {:ended, summary})

  @doc "A node cannot be reached: it goes on by itself for as long as its lease."
  @spec lost(t, node) :: t
  def lost(%{nodes: nodes} = conducted, node) do
    case nodes do
      %{^node => {:armed, summary}} -> put(conducted, node, {:unavailable, summary})
      _ended_or_unknown -> conducted
    end
  end

  @doc "Whether a node that comes, or comes back, is to take it: never after it ended there."
  @spec wants?(t, node) :: boolean
  def wants?(%{order: order, nodes: nodes}, node) do
    meant? = order.options[:nodes] == :all or node in order.options[:nodes]
    meant? and match?({:unavailable, _spent}, Map.get(nodes, node, {:unavailable, nil}))
  end

  @doc """
  What a node that comes later may still use, if the trace goes on; one that comes back has
  used what it told last.
  """
  @spec rest(t, node, integer) :: {:ok, Order.t(), pos_integer} | :over
  def rest(conducted, node, now) do
    spent = spent(conducted, node)
    usage = %{events: spent.events + spent.refused, bytes: spent.bytes}

    case Governor.rest(conducted.governor, usage, now) do
      {:ok, budgets, lease_ms} -> {:ok, Order.rest(conducted.order, budgets, spent), lease_ms}
      {:trip, _reason} -> :over
    end
  end

  defp spent(%{nodes: nodes}, node) do
    case nodes do
      %{^node => {standing, spent}} when standing in [:armed, :unavailable] -> spent
      _new -> Order.unspent()
    end
  end

  @doc "It is still wanted."
  @spec renew(t, integer) :: t
  def renew(conducted, now), do: update_in(conducted.governor, &Governor.renew(&1, now))

  @doc "Where it runs, as far as is known."
  @spec running(t) :: [node]
  def running(conducted), do: for({node, {:armed, _}} <- conducted.nodes, do: node)

  @doc "Whether there is nothing left of it."
  @spec over?(t, integer) :: boolean
  def over?(conducted, now) do
    rest = Governor.rest(conducted.governor, %{}, now)
    running(conducted) == [] and match?({:trip, _reason}, rest)
  end

  @doc "What `trace/2` returns, by what the nodes answered."
  @spec result(t, %{node => {:ok, map} | {:error, term}}) ::
          {:ok, Trace.t()} | {:error, Error.t()}
  def result(conducted, answers) do
    matched = for {node, {:ok, summary}} <- answers, into: %{}, do: {node, summary.functions}
    refused = for {node, {:error, error}} <- answers, into: %{}, do: {node, error}
    trace(conducted.order, matched, refused)
  end

  defp trace(_order, matched, refused) when matched == %{}, do: {:error, first(refused)}

  defp trace(order, matched, refused) do
    {:ok,
     %Trace{
       id: order.id,
       nodes: matched |> Map.keys() |> Enum.sort(),
       matched: matched,
       refused: refused,
       budgets: Map.from_struct(order.budgets)
     }}
  end

  # What a node said about the traces that ended there, in one.
  defp total({:ok, summaries}) do
    sums =
      Map.new(
        [:events, :refused, :thinned, :looked_at, :bytes],
        &{&1, summaries |> Enum.map(fn s -> s[&1] end) |> Enum.sum()}
      )

    Map.put(sums, :traces, summaries)
  end

  defp total({:error, error}), do: %{traces: [], error: error}

  @doc "What `stop_trace` returns, by what the nodes answered."
  @spec stopped(pos_integer | :all, %{node => Asking.answer()}) ::
          {:ok, %{node => map}} | {:error, Error.t()}
  def stopped(which, answers) do
    totals = Map.new(answers, fn {node, answer} -> {node, total(answer)} end)
    known? = Enum.any?(totals, fn {_node, total} -> total.traces != [] end)
    if known? or which == :all, do: {:ok, totals}, else: {:error, unknown(which, answers)}
  end

  defp unknown(id, answers) do
    silent = for {node, {:error, _error}} <- answers, do: node
    Error.new(:no_trace, id: id, silent: Enum.sort(silent))
  end

  # What this node says is what its user can act on.
  defp first(refused),
    do: Map.get_lazy(refused, node(), fn -> refused |> Map.values() |> hd() end)

  defp put(conducted, node, standing), do: put_in(conducted.nodes[node], standing)
end
