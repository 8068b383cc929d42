defmodule ElixirScope.Distributed.Debug.Session.Life.Nodes do
  @moduledoc false
  # What all parts of a session's life do with its nodes.

  @doc "Those that are not gone."
  def there(life), do: Enum.reject(life.nodes, &match?({_role, %{state: :gone}}, &1))

  @doc "One of them, changed."
  def set(life, role, changes),
    do: put_in(life.nodes[role], Map.merge(life.nodes[role], Map.new(changes)))

  @doc "Effects that come before others."
  def also({life, effects}, before), do: {life, before ++ effects}

  @doc "The session is to end, for a reason: what was started is told so."
  def stop(%{phase: :stopping} = life, _why, _now), do: {life, []}

  def stop(life, why, now) do
    deadline = now + life.settings.stop_ms
    said = for {role, %{how: :started}} <- there(life), do: {:say, role, :stop}
    {%{life | phase: :stopping, why: why, deadline: deadline}, said}
  end
end
