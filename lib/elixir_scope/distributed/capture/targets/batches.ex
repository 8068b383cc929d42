defmodule ElixirScope.Distributed.Capture.Targets.Batches do
  @moduledoc false
  # Trace patterns of many functions in few calls. The VM stops to change code for each call, for
  # 0.04 ms (OTP 25) to 0.2 ms (OTP 27 and later), however many functions it is about: a module
  # as a whole and then its exceptions is a hundred times faster than one function at a time.

  alias ElixirScope.Distributed.Capture.Targets.Modules

  @type spec :: term
  @type pattern :: mfa | {module, :_, :_}

  @doc """
  What is to be set, in this order, so that each function has its specification and no other
  function of these modules has any. `false` takes one away.

  Between the calls a function that is not wanted may be traced for a moment: events are let
  through when the last is done.
  """
  @spec of([{mfa, spec}]) :: [{pattern, spec | false}]
  def of(wanted) do
    wanted
    |> Enum.group_by(fn {{module, _, _}, _spec} -> module end)
    |> Enum.flat_map(fn {module, wanted} -> module(module, wanted) end)
  end

  defp module(module, wanted) do
    specs = Map.new(wanted)
    common = common(wanted)
    whole = [{{module, :_, :_}, common} | exceptions(module, specs, common)]
    if length(whole) < map_size(specs), do: whole, else: wanted
  end

  defp exceptions(module, specs, common) do
    for {function, arity} <- Modules.loaded_functions(module),
        mfa = {module, function, arity},
        spec <- [Map.get(specs, mfa, false)],
        spec != common,
        do: {mfa, spec}
  end

  defp common(wanted) do
    {spec, _often} = wanted |> Enum.frequencies_by(&elem(&1, 1)) |> Enum.max_by(&elem(&1, 1))
    spec
  end
end
