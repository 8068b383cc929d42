defmodule ElixirScope.Distributed.Debug.Stopped.Told do
  @moduledoc false
  # What owners are told. Nothing is sent that a connection would have to be opened for, or that waits for a
  # busy one: who misses something asks what stands.

  alias ElixirScope.Distributed.Debug.Stopped
  alias ElixirScope.Distributed.Debug.Stopped.{Look, Shelf}

  # Of the text of an exception.
  @longest 2_000

  @doc "A process stands."
  def stopped(course, meta) do
    stopped = described(course, meta)
    Shelf.put({:standing, course.pid}, stopped)
    all({:stopped, stopped})
  end

  @doc "It goes on."
  def continued(pid) do
    Shelf.take({:standing, pid})
    all({:continued, pid})
  end

  @doc "It is no more."
  def exited(pid, reason) do
    Shelf.take({:standing, pid})
    all({:exited, pid, small(reason)})
  end

  @doc "A log point of an owner was passed; `:all` is whoever is attached."
  def logged(owner, id, pid, text) do
    for {one, _wants} <- Shelf.owners(),
        owner in [:all, one],
        do: one({:logged, id, pid, text}, one)

    :ok
  end

  defp all(event), do: Enum.each(Shelf.owners(), fn {owner, _wants} -> one(event, owner) end)

  defp one(event, owner),
    do: :erlang.send(owner, {:elixir_scope_stopped, node(), event}, [:noconnect, :nosuspend])

  defp described(%{stop: stop} = course, meta) do
    %Stopped{
      pid: course.pid,
      node: node(),
      reason: stop.reason,
      breakpoints: stop.breakpoints,
      at: Look.place(meta, stop),
      text: stop.text
    }
  end

  # A reason may hold anything the process had.
  defp small(reason) do
    if :erts_debug.flat_size(reason) <= 200,
      do: reason,
      else: reason |> inspect(limit: 10, printable_limit: 200) |> String.slice(0, @longest)
  end
end
