defmodule ElixirScope.Distributed.Debug.Adapter.Aside do
  @moduledoc false
  # Stands where standard output was: what is written there goes to standard error, and who reads there is
  # told that there is nothing.

  @doc """
  Takes the name `:user` and the place of group leader from the device of standard input and
  output, and returns that device. For a VM that is ours alone.
  """
  @spec take!() :: pid
  def take! do
    device = Process.whereis(:user)
    aside = spawn(&forward/0)
    Process.unregister(:user)
    Process.register(aside, :user)
    for pid <- Process.list(), leader(pid) == device, do: Process.group_leader(pid, aside)
    device
  end

  defp leader(pid) do
    with {:group_leader, leader} <- Process.info(pid, :group_leader), do: leader
  end

  defp forward do
    receive do
      {:io_request, from, reply_as, request} -> send(from, {:io_reply, reply_as, answer(request)})
      _other -> :ok
    end

    forward()
  end

  defp answer(request) do
    case elem(request, 0) do
      name when name in [:put_chars, :requests] -> ask(request)
      name when name in [:get_line, :get_chars, :get_until] -> :eof
      _setting -> {:error, :enotsup}
    end
  end

  # Its answer is ours; it comes under a name of our own.
  defp ask(request) do
    ref = make_ref()
    send(:standard_error, {:io_request, self(), ref, request})
    receive do: ({:io_reply, ^ref, answer} -> answer)
  end
end
