defmodule ElixirScope.Distributed.Debug.Session.Life.Looks do
  @moduledoc false
  # What a session does because time has passed: it gives up, tries again, and asks whether nodes are there.

  import ElixirScope.Distributed.Debug.Session.Life.Nodes

  # A look at nodes that are there takes place this often in a lease.
  @looks 4

  @doc "Time has passed."
  def tick(%{phase: phase, deadline: deadline} = life, now)
      when phase in [:starting, :stopping] and now >= deadline,
      do: late(life, now)

  def tick(%{phase: :stopping} = life, _now), do: {life, []}

  def tick(life, now) do
    {life, effects} = retry(life, now)
    also(look(life, now), effects)
  end

  defp late(%{phase: :starting} = life, now),
    do: stop(life, {:not_in_time, slowest(life), life.settings.boot_ms}, now)

  # Again at each later tick, until their end is told.
  defp late(life, _now),
    do: {life, for({role, %{how: :started}} <- there(life), do: {:kill, role})}

  defp slowest(life) do
    Enum.find([:target, :language], fn role ->
      match?(%{state: state} when state not in [:ready, :running], life.nodes[role])
    end)
  end

  defp retry(life, now) do
    due = for {role, %{retry_at: at}} <- there(life), at != nil and at <= now, do: role
    life = Enum.reduce(due, life, &set(&2, &1, retry_at: nil))
    {life, for(role <- due, do: {:connect, role})}
  end

  # Whoever was not heard for a lease is lost until it is.
  defp look(%{looked: looked, settings: settings} = life, now)
       when now - looked < div(settings.lease_ms, @looks),
       do: {life, []}

  defp look(life, now) do
    looked = for {role, member} <- there(life), effect = look_at(role, member), do: effect
    silent = for {role, member} <- there(life), silent?(life, member, now), do: role

    Enum.reduce(silent, {%{life | looked: now}, looked}, fn role, {life, effects} ->
      changes = [state: :lost, was: life.nodes[role].state, reason: :silent]
      {set(life, role, changes), effects ++ [{:tell, {:down, role, :silent}}]}
    end)
  end

  defp look_at(role, %{how: :started}), do: {:say, role, :there?}
  defp look_at(role, %{state: state}) when state in [:running, :lost], do: {:look, role}
  defp look_at(_role, _joining), do: nil

  defp silent?(life, %{state: state, seen: seen}, now),
    do: state in [:ready, :running] and now - seen > life.settings.lease_ms
end
