defmodule ElixirScope.Distributed.Sync.Busy do
  @moduledoc false
  # What callers of the synchronizer are told in time, also while it has so much to take in that their
  # requests wait: a deadline is the caller's, and does not begin when somebody looks at it.

  alias ElixirScope.Distributed.{Error, Part, Scope}
  alias ElixirScope.Distributed.Sync.{Mode, Replica}

  # So long a caller waits beyond what it asked for.
  @grace_ms 250

  @doc "How long a caller waits beyond what it asked for."
  @spec grace_ms() :: pos_integer
  def grace_ms, do: @grace_ms

  @doc "Asks for an exchange; of named nodes it is then said that each was too late."
  @spec exchange(atom, :all | [node], pos_integer) ::
          {:ok, %{node => map | {:error, term}}} | {:error, Error.t()}
  def exchange(scope, nodes, timeout_ms) do
    case Part.ask(scope, :synchronizer, :exchange, [nodes, timeout_ms]) do
      {:error, %Error{reason: :no_time}} when is_list(nodes) ->
        {:ok, Map.new(nodes, &{&1, {:error, :distributed_timeout}})}

      answer ->
        answer
    end
  end

  @doc "Every bound of the exchange with its value, or without what only the synchronizer knows."
  @spec bounds(atom) :: map
  def bounds(scope) do
    case Part.ask(scope, :synchronizer, :describe) do
      {:error, %Error{reason: :no_time}} -> without(Scope.fetch(scope))
      {:error, _not_running} -> %{}
      bounds -> bounds
    end
  end

  defp without({:ok, scope}),
    do: Map.put(Replica.bounds(scope), :mode, Mode.of(scope.options))

  defp without(_stopped), do: %{}
end
