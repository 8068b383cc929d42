defmodule ElixirScope.Distributed.CLI.Atoms do
  @moduledoc false
  # Atoms from what was typed. A node is asked for names that it may never have heard: modules of other
  # nodes, variables in patterns. So a few are made, counted over the life of the VM; beyond that only what
  # is there already can be named. Atoms are never given back, and all of a VM share one table.

  alias ElixirScope.Distributed.CLI.Failure

  # New ones, of all command lines that this VM ever answered.
  @most 1_000

  # The longest that the VM takes.
  @characters 255

  @doc "How many are made at most."
  @spec most() :: pos_integer
  def most, do: @most

  @doc """
  An atom that is there already, `nil` otherwise.

      iex> ElixirScope.Distributed.CLI.Atoms.existing("nobody ever wrote this")
      nil
  """
  @spec existing(String.t()) :: atom | nil
  def existing(text) do
    String.to_existing_atom(text)
  rescue
    ArgumentError -> nil
    SystemLimitError -> nil
  end

  @doc "The atom, a new one if need be and while there is room."
  @spec make!(String.t()) :: atom
  def make!(text) do
    existing(text) ||
      with true <- String.valid?(text) and String.length(text) <= @characters,
           :ok <- afford(1) do
        String.to_atom(text)
      else
        _no_name -> raise Failure.new(:failed, refusal(text))
      end
  end

  @doc """
  Makes sure that a text which is to be parsed can be: each word in it may be a new atom, by itself and as
  the name of a module.
  """
  @spec afford!(String.t()) :: :ok
  def afford!(text) do
    words = ~r/[\p{L}_][\p{L}\p{N}_@.]*/u |> Regex.scan(text) |> List.flatten() |> Enum.uniq()

    case afford(2 * Enum.count(words, &new?/1)) do
      :ok -> :ok
      :error -> raise Failure.new(:failed, refusal(text))
    end
  end

  defp new?(word),
    do: existing(word) == nil and existing("Elixir." <> word) == nil

  defp afford(0), do: :ok

  defp afford(count) do
    made = made()

    if :counters.get(made, 1) + count <= @most,
      do: :counters.add(made, 1, count),
      else: :error
  end

  # Of two that come first at once one is forgotten: that is a few atoms, once.
  defp made do
    case :persistent_term.get(__MODULE__, nil) do
      nil ->
        made = :counters.new(1, [:atomics])
        :persistent_term.put(__MODULE__, made)
        made

      made ->
        made
    end
  end

  defp refusal(text) do
    "#{inspect(text)} holds names that #{node()} does not know, and it has taken #{@most} new ones from " <>
      "command lines already"
  end
end
