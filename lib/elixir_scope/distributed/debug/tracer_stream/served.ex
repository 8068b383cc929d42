defmodule ElixirScope.Distributed.Debug.TracerStream.Served do
  @moduledoc false
  # What other nodes ask of the stream, as the table of operations says.

  alias ElixirScope.Distributed.Debug.TracerStream
  alias ElixirScope.Distributed.Debug.TracerStream.{Log, Server, Snapshot}

  @spec get_trace() :: {:ok, Snapshot.t()} | {:error, term}
  def get_trace, do: with({:ok, _pid} <- TracerStream.ensure(), do: Server.snapshot())

  @doc "Tells the process what it lacks, once: now, or as soon as there is something."
  @spec subscribe(pid, Log.position() | nil) :: {:ok, pid} | {:error, term}
  def subscribe(reader, position),
    do: with({:ok, _pid} <- TracerStream.ensure(), do: Server.next(reader, position))

  @spec unsubscribe(pid) :: :ok
  def unsubscribe(reader), do: Server.forget(reader)
end
