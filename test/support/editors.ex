defmodule ElixirScope.Distributed.Editors do
  @moduledoc false
  # What an editor's extension has of us: its schema of launch configurations, and the tools of Node.js with
  # which it is built and tested, as far as `scripts/readers` brought them in.

  alias ElixirScope.Distributed.Debug.Adapter.Launch.Schema

  @extension "examples/vscode"

  @doc "The extension's folder."
  def extension, do: @extension

  @doc "The folder of npm's packages."
  def node_modules do
    cache = System.get_env("XDG_CACHE_HOME") || Path.join(System.user_home!(), ".cache")
    Path.join(cache, "elixir_scope/readers/node_modules")
  end

  @doc "What is lacking, `[]` if nothing is."
  def lacking do
    node = if System.find_executable("node"), do: [], else: ["node"]
    packages = ~w(typescript @types/node @types/vscode @vscode/debugadapter-testsupport)
    node ++ Enum.reject(packages, &File.exists?(Path.join(node_modules(), &1)))
  end

  @doc "The tags of tests that are left out, after a line that says so."
  def excluded do
    case lacking() do
      [] ->
        []

      lacking ->
        IO.puts(
          "the editor's extension is not built, and no other client debugs: no #{Enum.join(lacking, ", no ")} " <>
            "(scripts/readers brings in what comes from npm)"
        )

        [:npm]
    end
  end

  @doc "The `configurationAttributes` of the extension, as the schema says."
  def configuration_attributes do
    %{
      "launch" => attributes(:launch, []),
      "attach" => attributes(:attach, ["node"])
    }
  end

  defp attributes(request, required) do
    keys =
      for {name, spec} <- Schema.keys(),
          name not in ~w(type request),
          spec[:for] in [nil, request],
          do: {name, property(spec)}

    properties = %{"properties" => Map.new(keys)}
    if required == [], do: properties, else: Map.put(properties, "required", required)
  end

  defp property(spec) do
    default = if spec[:default] in [nil, %{}], do: %{}, else: %{"default" => spec[:default]}

    spec[:type]
    |> type()
    |> Map.merge(default)
    |> Map.put("markdownDescription", spec[:doc])
  end

  defp type(:boolean), do: %{"type" => "boolean"}

  defp type({:integer, least, most}),
    do: %{"type" => "integer", "minimum" => least, "maximum" => most}

  defp type({:list, type}), do: %{"type" => "array", "items" => type(type)}
  defp type({:in, texts}), do: %{"type" => "string", "enum" => texts}

  defp type(:env),
    do: %{"type" => "object", "additionalProperties" => %{"type" => ["string", "null"]}}

  defp type({:object, keys}) do
    %{
      "type" => "object",
      "properties" => Map.new(keys, fn {name, spec} -> {name, property(spec)} end)
    }
  end

  defp type({:or, types}) do
    case Enum.reject(types, &(&1 == nil)) do
      [type] -> type(type)
      types -> %{"anyOf" => Enum.map(types, &type/1)}
    end
  end

  defp type(:node), do: %{"type" => "string", "pattern" => "^[^@]+@[^@]+$"}

  defp type(text) when text in [:string, :folder, :scope, :naming, :pattern],
    do: %{"type" => "string"}
end
