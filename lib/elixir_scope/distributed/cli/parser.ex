defmodule ElixirScope.Distributed.CLI.Parser do
  @moduledoc false
  # A command line to what is asked, by the table of options: pure. What a command does not take is
  # an error with the nearest that it takes; nothing is read and then ignored.

  alias ElixirScope.Distributed.CLI.Options

  @cookie "a cookie on the command line can be read by every user of this machine (`ps`). " <>
            "Put it into ~/.erlang.cookie or into the variable SCOPE_COOKIE, or let --ask-cookie ask for it"

  @type parsed :: %{arguments: [String.t()], options: %{atom => term}}

  @doc "Reads arguments by the options that a command takes; `{:error, message}` where they are wrong."
  @spec parse([String.t()], [atom]) :: {:ok, parsed} | {:error, String.t()}
  def parse(argv, keys) do
    {given, arguments, wrong} = argv |> joined() |> OptionParser.parse(strict: strict(keys))

    with :ok <- known(wrong, keys),
         {:ok, options} <- cast(given, defaults(keys)),
         do: {:ok, %{arguments: arguments, options: options}}
  end

  # `--from -5m`: the parser would take the time for an option.
  defp joined(["--" | _] = rest), do: rest

  defp joined(["--" <> _ = switch, "-" <> <<digit, _::binary>> = time | rest])
       when digit in ?0..?9,
       do: [switch <> "=" <> time | joined(rest)]

  defp joined([argument | rest]), do: [argument | joined(rest)]
  defp joined([]), do: []

  defp strict(keys) do
    for key <- keys, do: {key, strict_type(Options.fetch!(key))}
  end

  defp strict_type(spec) do
    type = if spec[:type] in [:flag, :switch], do: :boolean, else: :string
    if spec[:many], do: [type, :keep], else: type
  end

  defp defaults(keys) do
    for key <- keys,
        (default = Options.fetch!(key)[:default]) != nil,
        into: %{},
        do: {key, default}
  end

  defp known([], _keys), do: :ok
  defp known([{"--cookie", _value} | _], _keys), do: {:error, "no --cookie: " <> @cookie}

  defp known([{switch, value} | _], keys) do
    switches = Enum.map(keys, &Options.switch/1)
    {:error, unknown(switch, value, switches)}
  end

  defp unknown(switch, value, switches) do
    cond do
      switch in switches and value == nil -> "#{switch} needs a value"
      switch in switches -> "#{switch} takes no value, and got #{inspect(value)}"
      true -> "unknown option #{switch}" <> nearest(switch, switches)
    end
  end

  @doc """
  A question for what may have been meant.

      iex> ElixirScope.Distributed.CLI.Parser.nearest("--nod", ["--node", "--json"])
      ", did you mean --node?"
      iex> ElixirScope.Distributed.CLI.Parser.nearest("--x", ["--node"])
      ""
  """
  @spec nearest(String.t(), [String.t()]) :: String.t()
  def nearest(_name, []), do: ""

  def nearest(name, known) do
    closest = Enum.max_by(known, &String.jaro_distance(&1, name))
    if String.jaro_distance(closest, name) > 0.8, do: ", did you mean #{closest}?", else: ""
  end

  defp cast(given, defaults) do
    Enum.reduce_while(given, {:ok, defaults}, fn {key, text}, {:ok, options} ->
      case put(key, text, options) do
        {:ok, options} -> {:cont, {:ok, options}}
        {:error, expected} -> {:halt, {:error, wrong(key, text, expected)}}
      end
    end)
  end

  defp put(key, text, options) do
    case Options.cast(key, text) do
      {:ok, values} when is_list(values) ->
        {:ok, Map.update(options, key, values, &Enum.uniq(&1 ++ values))}

      {:ok, value} ->
        {:ok, Map.put(options, key, value)}

      error ->
        error
    end
  end

  defp wrong(key, text, expected),
    do: "#{Options.switch(key)}: expected #{expected}, got: #{inspect(text)}"
end
