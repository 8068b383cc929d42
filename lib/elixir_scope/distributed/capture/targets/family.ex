defmodule ElixirScope.Distributed.Capture.Targets.Family do
  @moduledoc false
  # Who started whom, as `:proc_lib` notes it in each process, and who supervises whom. Nothing
  # is asked of the processes themselves: a supervisor that is busy would not answer.

  @doc "Who started a process, and who started that one, and so on, as far as it is on this node."
  @spec ancestors(pid) :: [pid | atom]
  def ancestors(pid) do
    for ancestor <- noted(pid, :"$ancestors", []),
        is_atom(ancestor) or node(ancestor) == node(),
        do: ancestor
  end

  @doc "The function a process began with; of a supervisor, `:supervisor` and its module."
  @spec initial_call(pid) :: {module, atom, arity} | nil
  def initial_call(pid), do: noted(pid, :"$initial_call", nil)

  @doc "The supervisors under one, itself included, and the other processes under these."
  @spec supervised(pid) :: {supervisors :: [pid], workers :: [pid]}
  def supervised(supervisor) do
    {supervisors, workers} = supervisor |> children() |> Enum.split_with(&supervisor?/1)
    below = Enum.map(supervisors, &supervised/1)

    {[supervisor | Enum.flat_map(below, &elem(&1, 0))],
     workers ++ Enum.flat_map(below, &elem(&1, 1))}
  end

  # Those it is linked to and has started.
  defp children(supervisor) do
    names = [supervisor | registered(supervisor)]

    for pid <- links(supervisor), List.first(ancestors(pid)) in names do
      pid
    end
  end

  defp links(pid) do
    case Process.info(pid, :links) do
      {:links, links} -> for linked <- links, is_pid(linked), node(linked) == node(), do: linked
      nil -> []
    end
  end

  defp registered(pid) do
    case Process.info(pid, :registered_name) do
      {:registered_name, name} when is_atom(name) -> [name]
      _none -> []
    end
  end

  defp supervisor?(pid), do: match?({:supervisor, _module, _arity}, initial_call(pid))

  # One entry of a dictionary can be read since OTP 26.2; before, all of it is copied.
  defp noted(pid, key, default) do
    case :erlang.process_info(pid, {:dictionary, key}) do
      {{:dictionary, ^key}, value} when value != :undefined -> value
      _none -> default
    end
  rescue
    ArgumentError -> copied(pid, key, default)
  end

  defp copied(pid, key, default) do
    case Process.info(pid, :dictionary) do
      {:dictionary, entries} -> entries |> List.keyfind(key, 0, {key, default}) |> elem(1)
      nil -> default
    end
  end
end
