defmodule ElixirScope.Distributed.Sync.Conflicts do
  @moduledoc false
  # Two members that hold different events under the same numbers: the image of a machine was cloned,
  # or a folder copied. Nothing is merged; each pair of a member and an origin is told of once.

  require Logger

  alias ElixirScope.Distributed.{Capture.Recorder, Scope, Telemetry}

  # Pairs that are remembered as told; of more than that nobody is told.
  @most 1_000

  @type told :: MapSet.t()

  @doc "Tells the operator of what was not told before; answers what was told by now."
  @spec tell(Scope.t(), [map], told) :: told
  def tell(scope, conflicts, told), do: Enum.reduce(conflicts, told, &tell_one(scope, &1, &2))

  @doc "Its bound with its value."
  @spec bounds(told) :: map
  def bounds(told), do: %{conflicts_told: MapSet.size(told), conflicts_told_limit: @most}

  defp tell_one(scope, conflict, told) do
    pair = {conflict.peer, conflict.node, conflict.incarnation}

    if pair in told or MapSet.size(told) == @most,
      do: told,
      else: tell_first(scope, conflict, pair, told)
  end

  defp tell_first(scope, conflict, pair, told) do
    peer = String.to_existing_atom(conflict.peer)
    Logger.warning(say(conflict), domain: [:elixir_scope])

    Telemetry.emit(
      :conflict,
      peer,
      Map.put(conflict, :origin, {conflict.node, conflict.incarnation})
    )

    Recorder.record(:conflict, conflict, scope: scope.name)
    MapSet.put(told, pair)
  end

  defp say(%{cloned: true} = conflict) do
    "#{conflict.peer} has events #{range(conflict)} of this very start of #{conflict.node}, which did " <>
      "not record them: another machine runs under its name, perhaps a clone. Give it a name of its own"
  end

  defp say(conflict) do
    "#{conflict.peer} has other events #{range(conflict)} of #{conflict.node} than this node: nothing " <>
      "is merged. Look whether two machines run under that name, or share a data_dir"
  end

  defp range(%{from: from, to: to}), do: "#{from} to #{to}"
end
