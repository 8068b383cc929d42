defmodule ElixirScope.Distributed.Debug.Editors.GuideTest do
  # What the guide tells people to write down is what the adapter takes.
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.CLI.Commands.Dap
  alias ElixirScope.Distributed.CLI.Parser
  alias ElixirScope.Distributed.Debug.Adapter.{Json, Launch}
  alias ElixirScope.Distributed.Debug.Adapter.Import.Comments
  alias ElixirScope.Distributed.Debug.Adapter.Launch.Schema
  alias ElixirScope.Distributed.Snippets

  @guide "guides/editors.md"

  test "the table of keys is that of the schema" do
    [_before, rest] = @guide |> File.read!() |> String.split("<!-- launch keys -->\n")
    [table, _behind] = String.split(rest, "<!-- end of launch keys -->")

    if System.get_env("SCOPE_GOLDEN") == "write" do
      text =
        String.replace(
          File.read!(@guide),
          "-->\n" <> table <> "<!--",
          "-->\n\n" <> Schema.docs() <> "\n<!--"
        )

      File.write!(@guide, text)
    else
      assert String.trim(table) == String.trim(Schema.docs())
    end
  end

  test "VS Code's configurations are taken without a remark" do
    blocks = Snippets.blocks(@guide, "json")
    configurations = Enum.flat_map(blocks, &configurations/1)
    assert length(configurations) == 6
    taken(configurations)
  end

  defp configurations(text) do
    assert {:ok, value} = text |> Comments.blank() |> Json.decode()
    Map.get(value, "configurations", [value])
  end

  test "Neovim's are, and its adapter is the task" do
    [text | _listener] = Snippets.blocks(@guide, "lua")
    adapter = Snippets.lua(text, "dap.adapters.elixirScope")
    assert %{"type" => "executable", "command" => "env", "args" => quietly} = adapter
    assert quietly == ["MIX_QUIET=1", "mix", "scope.dap"]
    configurations = Snippets.lua(text, "dap.configurations.elixir")
    assert length(configurations) == 3
    taken(configurations)
  end

  test "Emacs' are, and their adapter is the task" do
    [text] = Snippets.blocks(@guide, "elisp")
    [[{:code, "with-eval-after-load"}, {:code, "dape"}, _timeout | added]] = Snippets.lisp(text)
    assert length(added) == 3

    taken(
      for [{:code, "add-to-list"}, {:code, "dape-configs"}, configuration] <- added,
          do: dape(configuration)
    )
  end

  # Keywords are keys of the adapter, the rest is dape's own.
  defp dape([_name | pairs]) do
    pairs = for [{:code, key}, value] <- Enum.chunk_every(pairs, 2), into: %{}, do: {key, value}
    assert %{"command" => "mix", "command-args" => ["scope.dap"]} = pairs
    assert pairs["command-env"] == ["MIX_QUIET", "1"]
    for {":" <> key, value} <- pairs, into: %{}, do: {key, evaluated(value)}
  end

  defp evaluated({:vector, items}), do: items
  defp evaluated({:code, "dape-cwd"}), do: "/srv/shop"
  defp evaluated(text), do: text

  defp taken(configurations) do
    for configuration <- configurations do
      filled = Map.new(configuration, fn {key, value} -> {key, fill(value)} end)
      assert {:ok, %Launch{}, []} = Launch.parse(filled)
    end
  end

  # As editors do.
  defp fill(text) when is_binary(text),
    do: String.replace(text, ~r/\$\{(workspaceFolder|file)\}/, "/srv")

  defp fill(other), do: other

  test "commands are those that there are" do
    for text <- Snippets.blocks(@guide, "sh"), "mix " <> rest <- String.split(text, "\n") do
      ["scope.dap" | arguments] = rest |> String.split(" > ") |> hd() |> OptionParser.split()
      assert {:ok, parsed} = Parser.parse(arguments, Dap.spec().options)
      assert Dap.check(parsed) == :ok
    end
  end

  test "readers of other languages read what is data" do
    lua = ~s(x = { "a", -- b\n 1, { c = true, d = {} } })
    assert Snippets.lua(lua, "x") == ["a", 1, %{"c" => true, "d" => []}]
    lisp = ~s(; c\n(a "b\\"" [1 x] '\(d\)\)  e)

    assert Snippets.lisp(lisp) == [
             [{:code, "a"}, "b\"", {:vector, [{:code, "1"}, {:code, "x"}]}, [{:code, "d"}]],
             {:code, "e"}
           ]
  end
end
