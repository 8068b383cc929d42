defmodule ElixirScope.Distributed.Capture.Targets.ProcessBans do
  @moduledoc false
  # Processes that are never traced: those that record, whose events would be recorded in
  # turn, and those of the kernel, which every trace and every connection needs.

  alias ElixirScope.Distributed.Capture.Targets.{Family, Modules}
  alias ElixirScope.Distributed.Error

  @ours "it is part of what records the trace"
  @kernel "it belongs to the kernel, which every trace depends on"

  @logs "what it logs about a trace would be traced"

  # Some have no application master as group leader, and so no application.
  @names ~w(init erl_prim_loader logger socket_registry erl_signal_server application_controller
            code_server kernel_sup kernel_safe_sup kernel_refc global_name_server global_group
            global_group_check rex net_kernel net_sup auth erl_epmd inet_db file_server_2
            standard_error standard_error_sup user user_drv erts_code_purger
            erts_literal_area_collector erts_trace_cleaner logger_sup logger_proxy
            logger_olp_sup logger_handler_watcher logger_std_h_default)a

  @doc "Whether a process, or the one of a name, may be traced."
  @spec check(pid | atom) :: :ok | {:error, Error.t()}
  def check(name) when is_atom(name) do
    cond do
      name in @names -> banned(name, @kernel)
      ours?(name) -> banned(name, @ours)
      pid = Process.whereis(name) -> checked(pid, name)
      true -> :ok
    end
  end

  def check(pid) when is_pid(pid) and node(pid) == node(), do: checked(pid, pid)
  def check(pid) when is_pid(pid), do: :ok

  @doc "Every process of this node that may not be traced, for a trace of all of them."
  @spec pids() :: [pid]
  def pids, do: for(pid <- Process.list(), check(pid) != :ok, do: pid)

  defp checked(pid, what) when is_pid(pid) do
    case why(pid) do
      nil -> :ok
      why -> banned(what, why)
    end
  end

  # The name of a port.
  defp checked(_port, _what), do: :ok

  defp why(pid) do
    case {:application.get_application(pid), name(pid)} do
      {{:ok, :elixir_scope_distributed}, _name} -> @ours
      {{:ok, :kernel}, _name} -> @kernel
      {{:ok, :logger}, _name} -> @logs
      {_other, name} when name in @names -> @kernel
      {_other, name} -> by_start(pid, name)
    end
  end

  # A scope may stand in anybody's supervision tree.
  defp by_start(pid, name) do
    cond do
      :erts_internal.is_system_process(pid) -> @kernel
      Enum.any?([name, pid | Family.ancestors(pid)], &ours?/1) -> @ours
      true -> nil
    end
  end

  defp name(pid) do
    case Process.info(pid, :registered_name) do
      {:registered_name, name} when is_atom(name) -> name
      _none -> nil
    end
  end

  defp ours?(name) when is_atom(name), do: Modules.ours?(name)
  defp ours?(pid), do: pid |> Family.initial_call() |> started_by() |> Enum.any?(&ours?/1)

  # A supervisor's has its module in the place of the function.
  defp started_by({module, function, _arity}), do: [module, function]
  defp started_by(_none), do: []

  defp banned(what, why) do
    instead = "name the processes that talk to it"
    {:error, Error.new(:banned, what: inspect(what), why: why, instead: instead)}
  end
end
