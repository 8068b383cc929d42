defmodule ElixirScope.Distributed.Replay.Seal do
  @moduledoc false
  # What keeps a replay in its node. It runs there, before the first callback:
  #
  #   * the node has no distribution, so that it reaches no other one;
  #   * every port that the VM may have is taken, by ports without anything behind them: no program, no
  #     socket of the usual kind can be opened;
  #   * so is every file descriptor that the system grants it (a few hundred; see `Room`): no file
  #     can be opened, to read or to write, and no socket of the other kind;
  #   * the file server refuses everything, so that files cannot be removed or renamed through
  #     `File` and `:file` either, which takes no descriptor.
  #
  # Code is still loaded when it is needed: the loader gives a descriptor back for each file.
  #
  # It is no prison. Calls of the VM's own module for files (`:prim_file`, or `:raw` options) that need no
  # descriptor still remove and rename, and native code does what it likes.

  # More is not to be had where the limits of `Room` hold.
  @most 4_096

  @doc "Closes the node; says what is still open."
  @spec close() :: :ok | {:error, :ports | :descriptors}
  def close do
    # Names of hosts are asked of a program, and a VM that cannot start it ends.
    :inet_db.set_lookup([:file])
    with :ok <- loader(), :ok <- ports(@most), do: file_server()
  end

  # Ports

  # They belong to a process that stays.
  defp ports(most) do
    parent = self()

    spawn(fn ->
      send(parent, {:ports, fill(most)})
      rest()
    end)

    receive do: ({:ports, result} -> result)
  end

  defp fill(0), do: {:error, :ports}

  defp fill(left) do
    _port = :erlang.open_port({:spawn_driver, ~c"ram_file_drv"}, [:binary])
    fill(left - 1)
  rescue
    _full in [SystemLimitError, ErlangError] -> :ok
  end

  defp rest, do: receive(do: (:never -> :ok))

  # Files

  defp file_server do
    gate = spawn(&refuse/0)
    Process.unregister(:file_server_2)
    Process.register(gate, :file_server_2)
    :ok
  end

  defp refuse do
    receive do
      {:"$gen_call", from, _request} -> GenServer.reply(from, {:error, :eacces})
      _other -> :ok
    end

    refuse()
  end

  # The loader stands before the VM's own one, and has all descriptors.
  defp loader do
    through_the_loader(:persistent_term.get(:erl_prim_loader, nil))
    {parent, own} = {self(), Process.whereis(:erl_prim_loader)}

    spawn(fn ->
      Process.unregister(:erl_prim_loader)
      Process.register(self(), :erl_prim_loader)
      taken = take([], @most)
      send(parent, {:loader, if(taken == :error, do: {:error, :descriptors}, else: :ok)})
      load(own, taken)
    end)

    receive do: ({:loader, result} -> result)
  end

  # From OTP 27 on who wants a file of code reads it himself, unless the loader is said to read from
  # elsewhere: then it is asked, as it always was before.
  defp through_the_loader({:efile, _archive}), do: :persistent_term.put(:erl_prim_loader, :inet)
  defp through_the_loader(_asked_anyway), do: :ok

  defp take(_taken, 0), do: :error

  defp take(taken, left) do
    case :prim_file.open(~c"/dev/null", [:read]) do
      {:ok, file} -> take([file | taken], left - 1)
      {:error, _full} -> taken
    end
  end

  defp load(_own, :error), do: :ok

  # Nobody goes on with what was loaded before all descriptors are taken again.
  defp load(own, taken) do
    receive do
      {from, request} when is_pid(from) ->
        answer = lend(own, taken, request)
        taken = taken |> Enum.drop(2) |> take(@most)
        send(from, {self(), answer})
        load(own, taken)

      _other ->
        load(own, taken)
    end
  end

  defp lend(own, taken, request) do
    taken |> Enum.take(2) |> Enum.each(&:prim_file.close/1)
    send(own, {self(), request})
    receive do: ({^own, answer} -> answer)
  end
end
