defmodule ElixirScope.Distributed.Capture.Targets.Processes do
  @moduledoc false
  # From the option `processes` to the processes of this node.

  alias ElixirScope.Distributed.Capture.Targets.{Family, Nearest, ProcessBans}
  alias ElixirScope.Distributed.Error

  defstruct existing: [], new: false, parents: []

  @typedoc """
  Which processes are to be traced: those of `existing`, with `new` all that are spawned from now
  on, and all that `parents` spawn: these are traced with the flag `:set_on_spawn`, so that
  whatever a supervisor starts later is traced from its first call.
  """
  @type t :: %__MODULE__{existing: :all | [pid], new: boolean, parents: [pid]}

  @doc """
  The processes that were chosen. A pid of another node is nothing here; one that is not alive,
  a name of nothing, and what is never traced are errors.
  """
  @spec resolve(term) :: {:ok, t} | {:error, Error.t()}
  def resolve(chosen) do
    chosen
    |> List.wrap()
    |> Enum.reduce_while({:ok, %__MODULE__{}}, fn one, {:ok, processes} ->
      case add(processes, one) do
        {:ok, processes} -> {:cont, {:ok, processes}}
        {:error, error} -> {:halt, {:error, error}}
      end
    end)
  end

  defp add(processes, :all), do: {:ok, %{processes | existing: :all, new: true}}
  defp add(processes, :new), do: {:ok, %{processes | new: true}}

  defp add(processes, {:supervised_by, who}) do
    with {:ok, pids} <- found(who) do
      {supervisors, workers} = pids |> Enum.map(&Family.supervised/1) |> together()
      {:ok, processes |> existing(allowed(workers)) |> parents(allowed(supervisors))}
    end
  end

  defp add(processes, who) do
    with {:ok, pids} <- found(who), do: {:ok, existing(processes, pids)}
  end

  defp found(name) when is_atom(name) do
    with :ok <- ProcessBans.check(name), do: named(name, Process.whereis(name))
  end

  defp found(pid) when node(pid) != node(), do: {:ok, []}

  defp found(pid) do
    with :ok <- ProcessBans.check(pid),
         do: if(Process.alive?(pid), do: {:ok, [pid]}, else: {:error, Nearest.process(pid)})
  end

  defp named(_name, pid) when is_pid(pid), do: {:ok, [pid]}
  defp named(name, _none_or_port), do: {:error, Nearest.process(name)}

  # Somebody may supervise a scope of ours.
  defp allowed(pids), do: Enum.filter(pids, &(ProcessBans.check(&1) == :ok))

  defp existing(%{existing: :all} = processes, _pids), do: processes
  defp existing(processes, pids), do: Map.update!(processes, :existing, &Enum.uniq(&1 ++ pids))
  defp parents(processes, pids), do: Map.update!(processes, :parents, &Enum.uniq(&1 ++ pids))

  defp together(families) do
    {Enum.flat_map(families, &elem(&1, 0)), Enum.flat_map(families, &elem(&1, 1))}
  end
end
