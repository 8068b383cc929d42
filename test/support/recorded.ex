defmodule ElixirScope.Distributed.Recorded do
  @moduledoc false
  # What a recording says, as text that is the same in every VM and every version: an event to a line.

  alias ElixirScope.Distributed, as: Scope

  @doc "All that can be asked of an opened recording."
  @spec text(atom) :: String.t()
  def text(recording) do
    {:ok, result} = Scope.query(scope: recording)
    {:ok, %{recording: told}} = Scope.status(recording)
    said = Map.take(told, [:by, :filters, :library, :machine, :nodes, :saved_at, :events, :pairs])
    about = {said, Map.take(result, [:nodes, :missing, :dropped, :expired, :more?])}
    Enum.map_join([about | result.events], &(line(&1) <> "\n"))
  end

  defp line(term),
    do: inspect(plain(term), limit: :infinity, printable_limit: :infinity, width: 0) |> one_line()

  defp one_line(text), do: String.replace(text, ~r/\n\s*/, " ")

  # Pids and references are written otherwise in each VM, maps in another order.
  defp plain(term) when is_pid(term) or is_reference(term) or is_port(term),
    do: {:external, node(term), Base.encode16(:erlang.term_to_binary(term, minor_version: 2))}

  defp plain(%DateTime{} = at), do: DateTime.to_iso8601(at)
  defp plain(%name{} = struct), do: {name, struct |> Map.from_struct() |> plain()}

  defp plain(map) when is_map(map),
    do: {:map, map |> Enum.map(fn {key, value} -> {plain(key), plain(value)} end) |> Enum.sort()}

  defp plain([head | tail]), do: [plain(head) | plain(tail)]

  defp plain(tuple) when is_tuple(tuple),
    do: tuple |> Tuple.to_list() |> plain() |> List.to_tuple()

  defp plain(term), do: term
end
