defmodule ElixirScope.Distributed.Debug.Adapter.Import do
  @moduledoc false
  # What the launch configurations of ElixirLS become: `mix scope.dap --import launch.json`. Pure: text in, text out.
  #
  # What is given is a whole `launch.json`, with comments as editors write them, a list of configurations, or one. What
  # is not ElixirLS's stays as it is. Of each key is said what it became, or why it is gone.

  alias ElixirScope.Distributed.Debug.Adapter.Import.{Comments, Keys, Report, Written}
  alias ElixirScope.Distributed.Debug.Adapter.{Json, Launch}

  @foreign "mix_task"

  @typedoc "A key, what it became (`nil`: nothing), and why."
  @type row :: {key :: String.t(), became :: String.t() | nil, why :: String.t()}

  @type result :: %{json: String.t(), table: String.t()}

  @doc "The new configuration and the table, both as text."
  @spec text(String.t()) :: {:ok, result} | {:error, String.t()}
  def text(text) do
    with {:ok, given} <- decode(text),
         {:ok, configurations} <- configurations(given) do
      converted = Enum.map(configurations, &convert/1)
      new = Enum.map(converted, &elem(&1, 0))
      {:ok, %{json: Written.text(put(given, new)), table: Report.text(converted)}}
    end
  end

  defp decode(text) do
    case text |> Comments.blank() |> Json.decode() do
      {:ok, given} -> {:ok, given}
      {:error, {reason, at}} -> {:error, "line #{line(text, at)}: #{reason(reason)}"}
    end
  end

  # Comments are blanked, so that places stay what they are.
  defp line(text, at) do
    before = binary_part(text, 0, min(at, byte_size(text)))
    1 + length(:binary.matches(before, "\n"))
  end

  defp reason(reason),
    do: "this is no JSON (#{reason |> Atom.to_string() |> String.replace("_", " ")})"

  defp configurations(%{"configurations" => list}) when is_list(list), do: objects(list)

  defp configurations(%{"configurations" => _other}),
    do: {:error, "configurations: expected a list"}

  defp configurations(list) when is_list(list), do: objects(list)
  defp configurations(%{} = one), do: {:ok, [one]}

  defp configurations(_other),
    do: {:error, "expected a launch.json, a list of configurations or one"}

  defp objects(list) do
    case Enum.find_index(list, &(not is_map(&1))) do
      nil -> {:ok, list}
      index -> {:error, "configurations[#{index}]: expected an object"}
    end
  end

  defp put(%{"configurations" => _list} = file, new), do: %{file | "configurations" => new}
  defp put(list, new) when is_list(list), do: new
  defp put(_one, [new]), do: new

  @doc "One configuration: what it becomes, and a row for each of its keys."
  @spec convert(map) :: {map, [row]}
  def convert(%{"type" => @foreign} = configuration) do
    {new, rows} = Keys.convert(configuration)
    {new, rows ++ refused(new)}
  end

  def convert(%{} = configuration),
    do: {configuration, [{"type", "as it is", "this configuration is not one of ElixirLS"}]}

  # What was wrong in the old file is said here, not when somebody starts it.
  defp refused(new) do
    case Launch.parse(filled_in(new)) do
      {:ok, _launch, _notices} -> []
      {:error, message} -> [{"(all)", "(by hand)", "not complete yet: #{message}"}]
    end
  end

  # As an editor would, before it sends them.
  defp filled_in(%{"projectDir" => folder} = new) when is_binary(folder),
    do: %{new | "projectDir" => String.replace(folder, ~r/\$\{[^}]*\}/, "x")}

  defp filled_in(new), do: new
end
