defmodule ElixirScope.Distributed.Debug.Int.Breaks do
  @moduledoc false
  # Where interpreted processes are to stop, told to OTP's interpreter. Each place of ours has as its
  # condition a function of ours; breaks without belong to somebody else, and are left alone.

  alias ElixirScope.Distributed.Debug.Int.Home

  @compile {:no_warn_undefined, [:int, :dbg_iserver]}

  @type place :: {module, pos_integer}

  @doc "Has `module.name(bindings)` asked wherever a process comes to a place."
  @spec set(place, {module, atom}) :: :ok | {:error, :break_of_another_tool}
  def set(place, {_module, _name} = condition) do
    with {:error, :break_exists} <-
           server().call({:new_break, place, [:active, :enable, :null, condition]}),
         do: {:error, :break_of_another_tool}
  end

  @doc "Ends that."
  @spec delete(place) :: :ok
  def delete(place), do: if(Home.running?(), do: server().cast({:delete_break, place}), else: :ok)

  @doc "The places at which functions of a module are asked."
  @spec asking(module) :: [place]
  def asking(module) do
    breaks = if Home.running?(), do: int().all_breaks(), else: []
    for {place, [_status, _action, _options, {^module, _name}]} <- breaks, do: place
  end

  # An application that may not be there, and that is none of ours.
  defp int, do: :int
  defp server, do: :dbg_iserver
end
