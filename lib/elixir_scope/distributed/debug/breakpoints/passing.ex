defmodule ElixirScope.Distributed.Debug.Breakpoints.Passing do
  @moduledoc false
  # What happens where a process passes a breakpoint: conditions are evaluated, hits counted, log points
  # told, and it is decided whether somebody is to be told that it stands.
  #
  # It runs in the meta process of who passes, before it stands, so what is not to stop costs
  # neither a stop nor a message. The interpreter calls it by the name of a place (`Board`), as a function
  # that there is not: so any number of places needs no code.

  alias ElixirScope.Distributed.Debug.Breakpoints.{Board, Expression, Hits, Noted, Visit, Wish}
  alias ElixirScope.Distributed.Debug.Evaluator
  alias ElixirScope.Distributed.Debug.Stopped.{Names, Shelf}

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

    if Visit.new?(place, times(passed), bindings),
      do: judged(pid, place, judge(pid, passed, frame(place, bindings))),
      else: false
  end

  defp judged(_pid, _place, :go), do: false
  defp judged(pid, place, verdict), do: Board.decide(pid, place, verdict)

  defp times([%{times: times} | _others]), do: times
  defp times([]), do: 1

  defp frame({module, line}, bindings) do
    %{
      module: module,
      line: line,
      language: if(match?("Elixir." <> _, Atom.to_string(module)), do: :elixir, else: :erlang),
      bindings: Names.written(bindings, nil)
    }
  end

  @doc "What those see of a breakpoint who pass it."
  @spec seen({pid, term}, Wish.t()) :: map
  def seen({owner, id}, wish) do
    %{
      owner: owner,
      id: id,
      condition: wish.condition,
      hit: wish.hit,
      log: wish.log,
      times: 1,
      shown: nil
    }
  end

  @doc "What breakpoints say to a process with this frame."
  @spec judge(pid, [map], Evaluator.frame()) :: {:stop, [id :: term], [owner :: pid]} | :go
  def judge(pid, passed, frame) do
    stopping = Enum.filter(passed, &(taken?(&1, frame) and stopping?(&1, pid, frame)))
    owners = stopping |> Enum.map(& &1.owner) |> Enum.uniq() |> there()
    ids = for %{owner: owner, id: id} <- stopping, owner in owners, do: id
    if owners == [], do: :go, else: {:stop, ids, owners}
  end

  defp taken?(one, frame),
    do: met?(one, frame) and Hits.take?(one.hit, Board.hit({one.owner, one.id}))

  defp met?(%{condition: nil}, _frame), do: true

  defp met?(%{condition: condition} = one, frame) do
    case Expression.value(condition, frame) do
      {:ok, value} -> value not in [nil, false]
      {:error, why} -> Noted.wrong(one, why)
    end
  end

  defp stopping?(%{log: nil}, _pid, _frame), do: true

  defp stopping?(%{log: log} = one, pid, frame) do
    Noted.logged(one, pid, log, frame)
    false
  end

  # Whoever looks at nothing that stands could not let it go on.
  defp there(owners) do
    looking = for {owner, _wants} <- Shelf.owners(), do: owner
    Enum.filter(owners, &(&1 in looking))
  end
end
