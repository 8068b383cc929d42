defmodule ElixirScope.Distributed.Debug.Adapter.Marks do
  @moduledoc false
  # Breakpoints as the client knows them, by a number, and what became of each on the nodes: one that was
  # set is perhaps several, one for each node. It counts as verified where one of them is; what is
  # wrong with the others is said beside it. Pure.

  alias ElixirScope.Distributed.Debug.Adapter.Words

  defstruct next: 1, marks: %{}, by_backend: %{}

  @typedoc "`group` is a file or `:functions`: what one request sets as a whole."
  @type mark :: %{
          id: pos_integer,
          group: term,
          line: pos_integer | nil,
          path: String.t() | nil,
          found: %{term => map},
          error: term
        }
  @type t :: %__MODULE__{next: pos_integer, marks: %{pos_integer => mark}, by_backend: map}

  @doc "What is wanted of a group now; what it had before is forgotten. Numbers come in order."
  @spec replace(t, term, [map]) :: {[mark], t}
  def replace(all, group, wanted) do
    all = Enum.reduce(of(all, group), all, &forget/2)

    Enum.map_reduce(wanted, all, fn about, all ->
      mark = Map.merge(%{id: all.next, group: group, line: nil, path: nil}, about)
      mark = Map.merge(mark, %{found: %{}, error: nil})
      {mark, %{all | next: all.next + 1, marks: Map.put(all.marks, mark.id, mark)}}
    end)
  end

  defp of(all, group), do: for({_id, %{group: ^group} = mark} <- all.marks, do: mark)

  defp forget(mark, all) do
    by_backend = Map.drop(all.by_backend, ids(mark))
    %{all | marks: Map.delete(all.marks, mark.id), by_backend: by_backend}
  end

  @doc "The ids that a group has on the nodes."
  @spec ids(t, term) :: [term]
  def ids(all, group), do: all |> of(group) |> Enum.flat_map(&ids/1) |> Enum.uniq()

  defp ids(mark), do: for({id, _node} <- Map.keys(mark.found), uniq: true, do: id)

  @doc "What became of a mark on a node; `:error` if nobody wants it any more."
  @spec found(t, pos_integer, map) :: {:ok, mark, t} | :error
  def found(all, id, breakpoint) do
    with {:ok, mark} <- Map.fetch(all.marks, id) do
      mark = put_in(mark.found[{breakpoint.id, breakpoint.node}], breakpoint)
      by_backend = Map.put(all.by_backend, breakpoint.id, id)
      {:ok, mark, %{all | marks: Map.put(all.marks, id, mark), by_backend: by_backend}}
    end
  end

  @doc "It could not be set anywhere."
  @spec failed(t, pos_integer, term) :: {:ok, mark, t} | :error
  def failed(all, id, reason) do
    with {:ok, mark} <- Map.fetch(all.marks, id) do
      mark = %{mark | error: reason}
      {:ok, mark, %{all | marks: Map.put(all.marks, id, mark)}}
    end
  end

  @doc "News of one on a node."
  @spec changed(t, map) :: {:ok, mark, t} | :error
  def changed(all, breakpoint) do
    with {:ok, id} <- Map.fetch(all.by_backend, breakpoint.id),
         do: found(all, id, breakpoint)
  end

  @doc "The mark as a client is told: whether it is verified, where, and what is wrong."
  @spec body(mark) :: map
  def body(mark) do
    breakpoints = Map.values(mark.found)
    verified = Enum.filter(breakpoints, &(&1.verified == true))

    %{id: mark.id, verified: verified != []}
    |> put(:line, line(verified, mark))
    |> put(:message, message(breakpoints, verified, mark))
  end

  defp line([%{line: line} | _], _mark) when is_integer(line), do: line
  defp line(_none, mark), do: mark.line

  defp message([], _verified, %{error: nil}), do: "not set yet"
  defp message([], _verified, %{error: reason}), do: Words.reason(reason)

  defp message(breakpoints, verified, _mark) do
    wrong =
      for %{verified: {false, reason}} = one <- breakpoints, do: on(one, Words.reason(reason))

    waiting = for %{verified: :pending} = one <- breakpoints, do: on(one, "not set yet")
    traced = for %{how: :traced} <- verified, uniq: true, do: "traced: nothing is stopped"
    left_out = for %{left_out: [_ | _] = modules} <- verified, do: left_out(modules)

    case Enum.uniq(wrong ++ waiting ++ traced ++ left_out) do
      [] -> nil
      texts -> Enum.join(texts, "; ")
    end
  end

  defp on(%{node: node}, text) when is_atom(node) and node != nil, do: "#{node}: #{text}"
  defp on(_anywhere, text), do: text

  defp left_out(modules),
    do:
      "not interpreted: #{Enum.map_join(Enum.take(modules, 5), ", ", &inspect/1)}" <>
        more(modules)

  defp more(modules),
    do: if(length(modules) > 5, do: " and #{length(modules) - 5} more", else: "")

  defp put(map, _key, nil), do: map
  defp put(map, key, value), do: Map.put(map, key, value)
end
