defmodule ElixirScope.Distributed.Debug.Session.Life.Turns do
  @moduledoc false
  # What follows from how all nodes of a session stand: whose turn it is to prepare itself, and whether the
  # session is complete, or over.

  import ElixirScope.Distributed.Debug.Session.Life.Nodes

  @doc "What follows."
  def move(%{phase: :stopping} = life) do
    if Enum.any?(there(life), &match?({_role, %{how: :started}}, &1)),
      do: {life, []},
      else: {%{life | phase: :ended}, answer(life) ++ [:ended]}
  end

  def move(%{phase: :starting} = life) do
    states = Map.new(life.nodes, fn {role, member} -> {role, member.state} end)

    cond do
      Enum.all?(states, &match?({_role, state} when state in [:ready, :running], &1)) ->
        complete(life)

      Enum.any?(states, &match?({_role, :preparing}, &1)) ->
        {life, []}

      true ->
        prepare(life, states)
    end
  end

  def move(life), do: {life, []}

  defp answer(%{why: {:stopped, _role, _reason}}), do: []
  defp answer(%{why: why}), do: [{:answer, {:failed, why}}]

  # The target first: the language node serves what it has compiled.
  defp prepare(life, %{target: :waiting}), do: prepare_one(life, :target)

  defp prepare(life, %{language: :waiting} = states) do
    if Map.get(states, :target, :ready) in [:ready, :running],
      do: prepare_one(life, :language),
      else: {life, []}
  end

  defp prepare(life, _states), do: {life, []}

  defp prepare_one(life, role),
    do: {set(life, role, state: :preparing), [{:say, role, :prepare}]}

  defp complete(%{settings: %{hold: true}} = life),
    do: {%{life | phase: :held, deadline: nil}, [{:answer, :started}]}

  defp complete(life), do: also(let_go(life), [{:answer, :started}])

  @doc "What is to run begins."
  def let_go(life) do
    ready = for {role, %{state: :ready}} <- life.nodes, do: role
    lost = for {role, %{state: :lost, was: :ready}} <- life.nodes, do: role
    life = Enum.reduce(ready, life, &set(&2, &1, state: :running))
    life = Enum.reduce(lost, life, &set(&2, &1, was: :running))
    {%{life | phase: :running, deadline: nil}, for(role <- ready ++ lost, do: {:say, role, :run})}
  end
end
