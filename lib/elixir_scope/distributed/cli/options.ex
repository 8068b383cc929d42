defmodule ElixirScope.Distributed.CLI.Options do
  @moduledoc false
  # Every option of every command, by one table: the parser, the checks and the help are made from
  # it. A command names the options that it takes; what an option means to the library stands in
  # `CLI.Values` and in the command.

  alias ElixirScope.Distributed.CLI.Options.Table
  alias ElixirScope.Distributed.CLI.When

  # Options that may stand several times take at most so many values: each may become an atom.
  @most 64

  @table Table.all()

  @doc "What an option is."
  @spec fetch!(atom) :: keyword
  def fetch!(key), do: Keyword.fetch!(@table, key)

  @doc "Every option."
  @spec all() :: keyword
  def all, do: @table

  @doc "Those that every command takes."
  @spec common() :: [atom]
  def common, do: Keyword.keys(Table.output())

  @doc "Those that say who is asked."
  @spec cluster() :: [atom]
  def cluster, do: [:node, :scope, :ask_cookie]

  @doc "Those that choose events."
  @spec filters() :: [atom]
  def filters, do: Keyword.keys(Table.filters())

  @doc """
  How it is written.

      iex> ElixirScope.Distributed.CLI.Options.switch(:events_per_s)
      "--events-per-s"
  """
  @spec switch(atom) :: String.t()
  def switch(key), do: "--" <> (key |> Atom.to_string() |> String.replace("_", "-"))

  @doc "The value that an option's text stands for, by its type; or what was expected."
  @spec cast(atom, String.t() | boolean) :: {:ok, term} | {:error, String.t()}
  def cast(key, value) do
    spec = fetch!(key)
    if spec[:many], do: several(spec[:type], value), else: one(spec[:type], value)
  end

  defp several(type, text) do
    values = for part <- String.split(text, ","), do: one(type, String.trim(part))

    cond do
      error = Enum.find(values, &match?({:error, _}, &1)) -> error
      length(values) > @most -> {:error, "at most #{@most} of them"}
      true -> {:ok, Enum.map(values, &elem(&1, 1))}
    end
  end

  defp one(type, value) when type in [:flag, :switch] and is_boolean(value), do: {:ok, value}
  defp one(_type, ""), do: {:error, "something"}
  defp one(:text, text), do: {:ok, text}
  defp one(:node, text), do: node_name(text)
  defp one(:duration, text), do: When.duration(text)
  # What it comes to depends on when and where it is asked.
  defp one(:time, text), do: with({:ok, _ns} <- When.time(text, 0), do: {:ok, text})
  defp one(:positive, text), do: positive(Integer.parse(text))
  # Words are those of the table: none becomes an atom that was not one.
  defp one({:in, words}, text) do
    case Enum.find_index(words, &(to_string(&1) == text)) do
      nil -> {:error, "one of #{Enum.join(words, ", ")}"}
      at -> {:ok, Enum.at(words, at)}
    end
  end

  defp node_name(text) do
    if text =~ ~r/\A[^\s@]{1,128}(@[^\s@]{1,128})?\z/,
      do: {:ok, text},
      else: {:error, "the name of a node, such as web@10.0.0.2"}
  end

  defp positive({number, ""}) when number > 0, do: {:ok, number}
  defp positive(_other), do: {:error, "a positive number"}
end
