defmodule ElixirScope.Distributed.CLI.Watch do
  @moduledoc false
  # Ends a job when who asked for it is gone, however that ended: its VM, its terminal, its host, or the
  # network between. A VM that was killed closes its connection, which is seen at once; one that was
  # suspended or cannot be reached any more is missed after a lease.

  alias ElixirScope.Distributed.CLI.Request
  alias ElixirScope.Distributed.Scope

  # Asked so often within a lease that two answers may be lost.
  @times 4

  @doc "Watches over `job` until it ends."
  @spec start(pid, Request.t()) :: pid
  def start(job, request) do
    devices =
      for pid <- [request.tool, request.out, request.err], is_pid(pid), uniq: true, do: pid

    spawn(fn -> init(job, devices, request) end)
  end

  defp init(job, devices, request) do
    Scope.hide()
    Process.monitor(job)
    Enum.each(devices, &Process.monitor/1)
    loop(job, request.tool, request.lease_ms, now())
  end

  # Of a command on the node itself only the devices can be lost.
  defp loop(job, nil, lease_ms, _heard), do: wait(job, nil, lease_ms, :infinity, nil)

  defp loop(job, tool, lease_ms, heard) do
    send(tool, {:scope_there?, self()})
    wait(job, tool, lease_ms, div(lease_ms, @times), heard)
  end

  defp wait(job, tool, lease_ms, ms, heard) do
    receive do
      {:DOWN, _monitor, :process, ^job, _reason} -> :over
      {:DOWN, _monitor, :process, _device, _reason} -> give_up(job)
      :scope_there -> wait(job, tool, lease_ms, ms, now())
    after
      ms -> if now() - heard > lease_ms, do: give_up(job), else: loop(job, tool, lease_ms, heard)
    end
  end

  # Nobody is left who could be told.
  defp give_up(job), do: Process.exit(job, :kill)

  defp now, do: System.monotonic_time(:millisecond)
end
