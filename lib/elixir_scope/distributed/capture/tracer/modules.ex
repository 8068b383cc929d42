defmodule ElixirScope.Distributed.Capture.Tracer.Modules do
  @moduledoc false
  # Which modules have to be armed, or armed again: loading a module forgets its patterns,
  # and one that was not there yet may have come.

  alias ElixirScope.Distributed.Capture.Targets
  alias ElixirScope.Distributed.Capture.Targets.Modules

  @doc "The modules of a tracer's state whose functions are no longer watched, or not yet."
  @spec changed(map) :: [module]
  def changed(state), do: Enum.uniq(lost(state) ++ arrived(state))

  # One function stands for its module: patterns go with the whole of it.
  defp lost(state) do
    firsts = Map.new(state.plan.functions, fn {{module, _, _} = mfa, _spec} -> {module, mfa} end)

    for {module, mfa} <- firsts,
        not state.vm.traced?(state.handle, mfa),
        Modules.loaded?(module),
        do: module
  end

  defp arrived(state) do
    waiting =
      for {_id, armed} <- state.traces, pattern <- armed.targets.waiting, uniq: true, do: pattern

    known = MapSet.new(state.plan.functions, fn {{module, _, _}, _spec} -> module end)
    for module <- coming(waiting), module not in known, do: module
  end

  defp coming([]), do: []

  defp coming(waiting) do
    for module <- :erlang.loaded(), Targets.matches_module?(waiting, module), do: module
  end
end
