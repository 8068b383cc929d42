defmodule ElixirScope.Distributed.Debug.Breakpoints.Passing do
  @moduledoc false
  # What happens where a process passes a breakpoint: conditions are evaluated, hits counted, log points
  # told, and it is decided whether somebody is to be told that it stands.
  #
  # It runs in the meta process of who passes, before it stands, so what is not to stop costs
  # neither a stop nor a message. The interpreter calls it by the name of a place (`Board`), as a function
  # that there is not: so any number of places needs no code.

  alias ElixirScope.Distributed.Debug.Breakpoints.{Board, Expression, Hits, Noted}
  alias ElixirScope.Distributed.Debug.Int.Written
  alias ElixirScope.Distributed.Debug.Stopped.Shelf

  @compile {:no_warn_undefined, Shelf}

  @doc false
  def unquote(:"$handle_undefined_function")(name, [bindings]) do
    with {:ok, place, passed} <- Board.get(name),
         do: stops?(place, passed, bindings),
         else: (_ -> false)
  end

  def unquote(:"$handle_undefined_function")(name, arguments),
    do: :error_handler.raise_undef_exception(__MODULE__, name, arguments)

  defp stops?(place, passed, bindings) do
    # The interpreter keeps there whose code a meta process runs.
    pid = Process.get(:self)
    names = Written.names(bindings)

    case judge(pid, passed, names) do
      :go -> false
      verdict -> Board.decide(pid, place, verdict)
    end
  end

  @doc "What breakpoints say to a process with these variables."
  @spec judge(pid, [map], %{atom => term}) :: {:stop, [id :: term], [owner :: pid]} | :go
  def judge(pid, passed, names) do
    stopping = Enum.filter(passed, &(taken?(&1, names) and stopping?(&1, pid, names)))
    owners = stopping |> Enum.map(& &1.owner) |> Enum.uniq() |> there()
    ids = for %{owner: owner, id: id} <- stopping, owner in owners, do: id
    if owners == [], do: :go, else: {:stop, ids, owners}
  end

  defp taken?(one, names),
    do: met?(one, names) and Hits.take?(one.hit, Board.hit({one.owner, one.id}))

  defp met?(%{condition: nil}, _names), do: true

  defp met?(%{condition: condition} = one, names) do
    case Expression.value(condition, names) do
      {:ok, value} -> value not in [nil, false]
      {:error, why} -> Noted.wrong(one, why)
    end
  end

  defp stopping?(%{log: nil}, _pid, _names), do: true

  defp stopping?(%{log: log} = one, pid, names) do
    Noted.logged(one, pid, log, names)
    false
  end

  # Whoever looks at nothing that stands could not let it go on.
  defp there(owners) do
    looking = for {owner, _wants} <- Shelf.owners(), do: owner
    Enum.filter(owners, &(&1 in looking))
  end
end
