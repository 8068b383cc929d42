defmodule ElixirScope.Distributed.Debug.Adapter.Stdio do
  @moduledoc false
  # One client at standard input and output. Nothing but messages of the protocol may get there: so from the
  # beginning on whatever else writes to standard output, by the name `:user` or as a group leader, gets
  # to standard error (`Aside`), and the device itself is known to this module alone.
  #
  # The device hands out characters. With the encoding `latin1` these are bytes, from OTP 25 to 29, in both
  # directions; a line at a time for headers, and for a body as many as it has. (A port of our own at the
  # file descriptors would compete with the VM's for what is typed.)

  alias ElixirScope.Distributed.Debug.Adapter.{Aside, Server}

  @doc "Serves the client, and returns when it is gone or has left, and all that it began has ended."
  @spec run() :: :ok
  def run do
    device = Aside.take!()
    :ok = :io.setopts(device, binary: true, encoding: :latin1)
    {:ok, server} = Server.start_link(write: &write(device, &1))
    monitor = Process.monitor(server)
    Process.unlink(server)
    spawn_link(fn -> read(device, server, :line) end)
    receive do: ({:DOWN, ^monitor, :process, ^server, _reason} -> :ok)
  end

  defp write(device, bytes), do: :file.write(device, bytes)

  defp read(device, server, wanted) do
    with {:ok, bytes} <- bytes(device, wanted),
         {:ok, wanted} <- Server.feed(server, bytes) do
      read(device, server, wanted)
    else
      _end -> Server.closed(server)
    end
  end

  # The device makes one character of the two that end a line of a header; a body is left as it is.
  defp bytes(device, :line) do
    with {:ok, line} <- device |> :io.request({:get_line, :latin1, []}) |> read(),
         do: {:ok, String.trim_trailing(line, "\n") <> "\r\n"}
  end

  defp bytes(device, count), do: :file.read(device, count)

  defp read(line) when is_binary(line), do: {:ok, line}
  defp read(line) when is_list(line), do: {:ok, :erlang.list_to_binary(line)}
  defp read(end_or_error), do: end_or_error
end
