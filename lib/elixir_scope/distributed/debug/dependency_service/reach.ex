defmodule ElixirScope.Distributed.Debug.DependencyService.Reach do
  @moduledoc false
  # What a function can reach by calls, across modules. Pure: who is called by a function is asked
  # of a function that is given.
  #
  # Breadth first. A call `{Module, :_, arity}`, of which only run time says the function, may be
  # any that the module has. At most `limit` functions are looked through.

  @enforce_keys [:calls]
  defstruct [:calls, seen: MapSet.new(), modules: MapSet.new(), left: 0]

  @type mfa_or_any :: {module, atom, arity | :_}

  @doc """
  The modules that `start` reaches, its own included; and whether there was more than `limit`.
  `calls` gives the functions that one calls.
  """
  @spec modules(mfa_or_any, (mfa_or_any -> [mfa_or_any]), pos_integer) :: {[module], boolean}
  def modules(start, calls, limit) do
    reach = visit(%__MODULE__{calls: calls, left: limit}, [start])
    {Enum.sort(reach.modules), reach.left == 0}
  end

  defp visit(reach, []), do: reach
  defp visit(%{left: 0} = reach, _more), do: reach

  defp visit(reach, functions) do
    {reach, next} = Enum.reduce(functions, {reach, []}, &one/2)
    visit(reach, Enum.reverse(next))
  end

  defp one(function, {reach, next}) do
    if reach.left == 0 or function in reach.seen,
      do: {reach, next},
      else: {seen(reach, function), Enum.reverse(reach.calls.(function), next)}
  end

  defp seen(reach, {module, _, _} = function) do
    %{
      reach
      | seen: MapSet.put(reach.seen, function),
        modules: MapSet.put(reach.modules, module),
        left: reach.left - 1
    }
  end
end
