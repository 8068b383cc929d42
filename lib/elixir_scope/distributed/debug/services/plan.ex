defmodule ElixirScope.Distributed.Debug.Services.Plan do
  @moduledoc false
  # In what order who is asked, until when, how often, and what is left in the end: one call of
  # `Services.call/4`, without a clock, chance or another node. Pure.
  #
  # `next/3` says what to do, `heard/3` takes in what came of it.
  #
  # Invariants: nobody is asked after the deadline; where it is not known whether the work was done, it is
  # asked for again only if that is as doing it once; a round is followed by at most `retries` others;
  # who refused, or was too slow, is not asked again.

  alias ElixirScope.Distributed.Debug.Services.Retry

  @enforce_keys [:idempotent?, :fallback?, :retries, :deadline, :queue]
  defstruct @enforce_keys ++ [out: [], round: 1, again?: false, asked: 0, reason: nil, rank: -1]

  @typedoc """
  What came of asking: an answer; a refusal (another one may grant it); `:busy` or `:unreachable`, where
  nothing was begun; `:lost`, where that is not known; `:late`, where no answer came in time, and `:slow`,
  where one came that says that there was too little; or it was not even asked, as its circuit is `:open`.
  """
  @type outcome :: {:ok, term} | {:error, term} | {failure, reason :: term}
  @type failure :: :refused | :busy | :unreachable | :lost | :late | :slow | :open
  @type step ::
          {:ask, node, until_ms :: integer, t}
          | {:wait, ms :: pos_integer, t}
          | {:fallback, t}
          | {:error, reason :: term | nil}
  @type t :: %__MODULE__{}

  # What says most to who asked.
  @ranks %{open: 0, unreachable: 1, lost: 2, busy: 3, late: 4, slow: 4, refused: 5}

  @doc "A plan for these nodes, in their order."
  @spec new([node], keyword) :: t
  def new(nodes, options), do: struct!(__MODULE__, [queue: nodes] ++ options)

  @doc "What is to be done now; `chance` is from 0.0 to 1.0."
  @spec next(t, now_ms :: integer, chance :: float) :: step
  def next(%{deadline: deadline, reason: reason}, now, _chance) when now >= deadline,
    do: {:error, reason}

  def next(%{queue: [node | rest]} = plan, now, _chance) do
    plan = %{plan | queue: rest}
    {:ask, node, until(plan, now), plan}
  end

  def next(%{queue: []} = plan, now, chance) do
    wait_ms = Retry.wait_ms(plan.round, chance)

    cond do
      again?(plan) and now + wait_ms < plan.deadline -> {:wait, wait_ms, plan}
      plan.fallback? -> {:fallback, plan}
      true -> {:error, plan.reason}
    end
  end

  # A quarter of what is left is kept for who is asked next.
  defp until(%{queue: [], fallback?: false} = plan, _now), do: plan.deadline
  defp until(plan, now), do: plan.deadline - div(plan.deadline - now, 4)

  defp again?(plan), do: plan.again? and plan.idempotent? and plan.retries > 0

  @doc "It was waited: another round, with whoever is there now."
  @spec another_round(t, [node]) :: t
  def another_round(plan, nodes) do
    %{plan | queue: nodes -- plan.out, round: plan.round + 1, retries: plan.retries - 1}
    |> Map.put(:again?, false)
  end

  @doc "What came of it: the end of the call, or the plan goes on."
  @spec heard(t, node, outcome) :: {:done, {:ok, term} | {:error, term}, t} | {:on, t}
  def heard(plan, node, {what, _value} = outcome),
    do: plan |> counted(what) |> taken(node, outcome)

  defp taken(plan, _node, {:ok, value}), do: {:done, {:ok, value}, plan}
  defp taken(plan, _node, {:error, reason}), do: {:done, {:error, reason}, plan}

  defp taken(%{idempotent?: false} = plan, _node, {failure, reason})
       when failure in [:lost, :late, :slow],
       do: {:done, {:error, reason}, plan}

  defp taken(plan, node, {failure, reason}),
    do: {:on, plan |> out(node, failure) |> again(failure) |> ranked(failure, reason)}

  defp counted(plan, :open), do: plan
  defp counted(plan, _asked), do: %{plan | asked: plan.asked + 1}

  defp out(plan, node, failure) when failure in [:refused, :late, :slow],
    do: %{plan | out: [node | plan.out]}

  defp out(plan, _node, _failure), do: plan

  # Who could not be reached will hardly be a moment later: where this node knows an answer itself,
  # nobody waits for that.
  defp again(plan, failure) when failure in [:busy, :lost], do: %{plan | again?: true}
  defp again(%{fallback?: false} = plan, :unreachable), do: %{plan | again?: true}
  defp again(plan, _failure), do: plan

  defp ranked(plan, failure, reason) do
    rank = Map.fetch!(@ranks, failure)
    if rank >= plan.rank, do: %{plan | rank: rank, reason: reason}, else: plan
  end
end
