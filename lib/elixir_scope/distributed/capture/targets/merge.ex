defmodule ElixirScope.Distributed.Capture.Targets.Merge do
  @moduledoc false
  # One target per function, however many patterns name it. What several of them want is
  # joined as clauses of one match specification, of which the first that matches counts:
  # those with returns stand first, and behind one that takes every call there is nothing.

  alias ElixirScope.Distributed.Capture.{Pattern, Targets}

  @doc "The targets of functions with their patterns, in the order in which they were named."
  @spec functions([{mfa, Pattern.t()}]) :: [Targets.target()]
  def functions(found) do
    patterns = Enum.group_by(found, &elem(&1, 0), &elem(&1, 1))

    for {mfa, _pattern} <- Enum.uniq_by(found, &elem(&1, 0)) do
      [pattern | also] = clauses(patterns[mfa])
      %{mfa: mfa, pattern: pattern, also: also}
    end
  end

  @doc "The clauses that patterns of the same function amount to."
  @spec clauses([Pattern.t(), ...]) :: [Pattern.t(), ...]
  def clauses(patterns) do
    {some_calls, every_call} =
      patterns
      |> Enum.sort_by(&{not &1.return, every_call?(&1), &1.function == :_})
      |> Enum.uniq_by(&{&1.head, &1.guards, &1.return})
      |> Enum.split_while(&(not every_call?(&1)))

    some_calls ++ Enum.take(every_call, 1)
  end

  defp every_call?(%Pattern{head: :_}), do: true
  defp every_call?(%Pattern{head: head, guards: []}), do: Enum.all?(head, &(&1 == :_))
  defp every_call?(_pattern), do: false
end
