defmodule ElixirScope.Distributed.Replay.Asked do
  @moduledoc false
  # Whom a process asked while it handled its messages, and what was answered: a call carries a
  # reference of its own, and its answer has the same one. Pure, but for the names that processes of this
  # node have now: a call by name is a message to a pid in the recording.

  alias ElixirScope.Distributed.Event

  @type there :: pid | {:name, atom} | term

  @doc "The calls that were answered, in their order."
  @spec answers([Event.t()]) :: [{there, request :: term, reply :: term}]
  def answers(events) do
    replies =
      for %{kind: :receive, data: {tag, reply}} <- events, tag?(tag), into: %{}, do: {tag, reply}

    for %{kind: :send, subject: to, data: {:"$gen_call", {_pid, tag}, request}} <- events,
        is_map_key(replies, tag),
        do: {there(to), request, replies[tag]}
  end

  defp tag?([:alias | reference]), do: is_reference(reference)
  defp tag?(tag), do: is_reference(tag)

  defp there(name) when is_atom(name), do: {:name, name}
  defp there(to), do: to

  @doc "Names by which something was sent, and names of those to whom."
  @spec names([Event.t()]) :: [{atom, there}]
  def names(events) do
    to = for %{kind: :send, subject: to} <- events, uniq: true, do: to
    named = for name when is_atom(name) and not is_nil(name) <- to, do: {name, {:name, name}}

    named ++
      for pid when is_pid(pid) and node(pid) == node() <- to, name <- name(pid), do: {name, pid}
  end

  defp name(pid) do
    case Process.info(pid, :registered_name) do
      {:registered_name, name} when is_atom(name) -> [name]
      _none -> []
    end
  end
end
