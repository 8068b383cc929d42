defmodule ElixirScope.Distributed.Inject.Processes do
  @moduledoc false
  # From the option `processes` to the processes of another node. Whom a supervisor has started is
  # asked of the supervisor.

  alias ElixirScope.Distributed.Capture.Targets.ProcessBans
  alias ElixirScope.Distributed.Error
  alias ElixirScope.Distributed.Inject.Remote

  defstruct all?: false, new?: false, pids: [], parents: []

  @typedoc "`parents` are supervisors: whatever they start later is traced, too."
  @type t :: %__MODULE__{all?: boolean, new?: boolean, pids: [pid], parents: [pid]}

  # Those of the kernel: every connection hangs on them.
  @banned [:kernel, :logger]

  @doc "The processes that were chosen; one that is not alive, or is never traced, is an error."
  @spec resolve(Remote.t(), term) :: {:ok, t} | {:error, Error.t()}
  def resolve(at, chosen) do
    chosen
    |> List.wrap()
    |> Enum.reduce_while({:ok, %__MODULE__{}}, fn one, {:ok, processes} ->
      case add(at, processes, one) do
        {:ok, processes} -> {:cont, {:ok, processes}}
        {:error, error} -> {:halt, {:error, error}}
      end
    end)
  end

  defp add(_at, processes, :all), do: {:ok, %{processes | all?: true}}
  defp add(_at, processes, :new), do: {:ok, %{processes | new?: true}}

  defp add(at, processes, {:supervised_by, who}) do
    with {:ok, pid} <- found(at, who) do
      {supervisors, workers} = family(at, pid)

      {:ok,
       %{processes | pids: processes.pids ++ workers, parents: processes.parents ++ supervisors}}
    end
  end

  defp add(at, processes, who) do
    with {:ok, pid} <- found(at, who), do: {:ok, %{processes | pids: [pid | processes.pids]}}
  end

  defp found(at, name) when is_atom(name) do
    with :ok <- ProcessBans.check(name) do
      case Remote.call(at, :erlang, :whereis, [name]) do
        pid when is_pid(pid) -> allowed(at, pid)
        _none_or_port -> none(name)
      end
    end
  end

  defp found(at, pid) when is_pid(pid) and node(pid) == at.node do
    if Remote.call(at, :erlang, :is_process_alive, [pid]), do: allowed(at, pid), else: none(pid)
  end

  defp found(_at, elsewhere), do: none(elsewhere)

  defp allowed(at, pid) do
    case Remote.call(at, :application, :get_application, [pid]) do
      {:ok, app} when app in @banned -> banned(pid, app)
      _another -> {:ok, pid}
    end
  end

  defp banned(pid, app) do
    why = "it belongs to #{inspect(app)}, which every trace depends on"
    instead = "name the processes that talk to it"
    {:error, Error.new(:banned, what: inspect(pid), why: why, instead: instead)}
  end

  defp none(what) do
    what = "no process #{inspect(what)} on that node"
    {:error, Error.new(:no_match, what: what, suggestions: [])}
  end

  defp family(at, supervisor) do
    children =
      for {_id, pid, type, _modules} <-
            Remote.call(at, :supervisor, :which_children, [supervisor]),
          is_pid(pid),
          do: {type, pid}

    below = for {:supervisor, pid} <- children, do: family(at, pid)
    workers = for {:worker, pid} <- children, do: pid

    {[supervisor | Enum.flat_map(below, &elem(&1, 0))],
     workers ++ Enum.flat_map(below, &elem(&1, 1))}
  end
end
