defmodule ElixirScope.Distributed.Inject.Look do
  @moduledoc false
  # What there is of us on a node, seen from outside and with what every Erlang node has: modules (also
  # old code that is still there), processes, names, tables, trace sessions, and where all tools share one
  # tracer what it is set to. Two looks that are equal are the proof that nothing was left.

  alias ElixirScope.Distributed.Inject.{Guest, Remote}

  # Functions that are asked for their trace pattern, of those that were set.
  @most_functions 1_000

  @type t :: %{
          modules: [module],
          old_code: [module],
          processes: [pid],
          names: [atom],
          tables: non_neg_integer,
          sessions: non_neg_integer,
          monitors: non_neg_integer,
          patterns: term,
          flags: term,
          queued: non_neg_integer
        }

  @doc """
  Looks. `pids` are processes of ours that there were; `modules` what was sent, and `functions` what was
  traced, of a node without sessions.
  """
  @spec at(Remote.t(), keyword) :: t
  def at(at, of) do
    pids = living(at, of[:pids])

    %{
      modules: chosen(at, of[:modules], &:erlang.module_loaded/1),
      old_code: chosen(at, of[:modules], &:erlang.check_old_code/1),
      processes: pids,
      names: for(name <- Remote.call(at, :erlang, :registered, []), ours?(name), do: name),
      tables: tables(at, of[:pids]),
      sessions: sessions(at, of[:sessions?]),
      monitors: monitors(at),
      patterns: patterns(at, of[:functions], of[:sessions?]),
      flags: flags(at, of[:sessions?]),
      queued: queued(at, pids)
    }
  end

  defp living(at, pids), do: chosen(at, pids, &:erlang.is_process_alive/1)

  defp chosen(_at, [], _test), do: []

  defp chosen(at, all, test),
    do: for({one, true} <- Enum.zip(all, Remote.call(at, :lists, :map, [test, all])), do: one)

  defp ours?(name), do: name == Guest.Warden.name()

  # None is made. The VM takes those of a process with it.
  defp tables(_at, []), do: 0

  defp tables(at, pids) do
    tables = Remote.call(at, :ets, :all, [])
    owners = List.duplicate(:owner, length(tables))
    owned = Remote.call(at, :lists, :zipwith, [&:ets.info/2, tables, owners])
    Enum.count(owned, &(&1 in pids))
  end

  defp sessions(_at, false), do: 0

  defp sessions(at, true) do
    case Remote.call(at, :trace, :session_info, [:all]) do
      sessions when is_list(sessions) -> Enum.count(sessions, &named?/1)
      _none -> 0
    end
  end

  defp named?({name, _number}), do: name == Guest.Vm.name()
  defp named?(_other), do: false

  # Those that watch this process from there.
  defp monitors(at) do
    {:monitored_by, watching} = Process.info(self(), :monitored_by)
    Enum.count(watching, &(is_pid(&1) and node(&1) == at.node))
  end

  defp patterns(_at, _functions, true), do: nil

  defp patterns(at, functions, false) do
    functions = Enum.take(functions, @most_functions)
    targets = [:receive, :send | functions]
    items = [:match_spec, :match_spec | List.duplicate(:traced, length(functions))]

    targets
    |> Enum.zip(Remote.call(at, :lists, :zipwith, [&:erlang.trace_info/2, targets, items]))
    |> Enum.reject(&match?({_function, {:traced, off}} when off in [false, :undefined], &1))
  end

  defp flags(_at, true), do: nil
  defp flags(at, false), do: Remote.call(at, :erlang, :trace_info, [:new_processes, :flags])

  defp queued(_at, []), do: 0

  defp queued(at, pids) do
    items = List.duplicate(:message_queue_len, length(pids))

    at
    |> Remote.call(:lists, :zipwith, [&:erlang.process_info/2, pids, items])
    |> Enum.reduce(0, fn
      {:message_queue_len, n}, all -> all + n
      _gone, all -> all
    end)
  end
end
