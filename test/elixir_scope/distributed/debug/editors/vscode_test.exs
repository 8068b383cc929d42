defmodule ElixirScope.Distributed.Debug.Editors.VscodeTest do
  # The extension in examples/vscode: what it says of launch configurations is what the schema says, it can
  # be type-checked as strictly as there is, and its own tests pass, with a stub of the editor.
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.Debug.Adapter.{Json, Launch}
  alias ElixirScope.Distributed.Editors

  @extension Editors.extension()

  defp manifest do
    {:ok, manifest} = @extension |> Path.join("package.json") |> File.read!() |> Json.decode()
    manifest
  end

  defp debugger, do: hd(manifest()["contributes"]["debuggers"])

  test "its schema of launch configurations is ours" do
    assert debugger()["type"] == "elixirScope"

    for {request, attributes} <- Editors.configuration_attributes() do
      said = debugger()["configurationAttributes"][request]
      assert said["required"] == attributes["required"]
      assert Map.keys(said["properties"]) == Map.keys(attributes["properties"])

      for {key, property} <- attributes["properties"],
          do: assert({key, said["properties"][key]} == {key, property})
    end
  end

  test "what it offers is taken without a remark" do
    snippets = for %{"body" => body} <- debugger()["configurationSnippets"], do: body

    for configuration <- debugger()["initialConfigurations"] ++ snippets do
      filled = Map.new(configuration, fn {key, value} -> {key, fill(value)} end)
      assert {:ok, _launch, []} = Launch.parse(filled)
    end
  end

  # As the editor does: places of a snippet, and its variables.
  defp fill(text) when is_binary(text) do
    text
    |> String.replace(~r/\$\{\d+:([^}]*)\}/, "\\1")
    |> String.replace(~r/^\^"(.*)"$/, "\\1")
    |> String.replace(~r/\\?\$\{workspaceFolder\}/, "/srv/shop")
  end

  defp fill(other), do: other

  test "no address of a registry stands in a lock file" do
    {tracked, 0} = System.cmd("git", ["ls-files", "--cached", "--others", "--exclude-standard"])

    locks =
      for path <- String.split(tracked, "\n"),
          Path.basename(path) in ~w(package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml),
          do: path

    for path <- locks do
      refute File.read!(path) =~ ~r/"?resolved"?:?\s|registry\./, "#{path} names a registry"
    end

    assert File.read!(Path.join(@extension, ".npmrc")) =~ "package-lock=false"
  end

  describe "with npm at hand" do
    @describetag :npm

    setup do
      folder = Path.join(System.tmp_dir!(), "scope_vscode_#{System.unique_integer([:positive])}")
      File.mkdir_p!(folder)
      on_exit(fn -> File.rm_rf!(folder) end)
      for part <- ~w(src test bin package.json tsconfig.json), do: copy(part, folder)
      File.ln_s!(Editors.node_modules(), Path.join(folder, "node_modules"))
      [folder: folder]
    end

    test "it is type-checked strictly, and its tests pass", %{folder: folder} do
      assert tsc(~w(--noEmit --strict -p .), folder) == {"", 0}
      assert tsc(~w(-p .), folder) == {"", 0}

      {said, status} =
        run("node", ["--test" | Path.wildcard(folder <> "/out/test/*.test.js")], folder)

      assert status == 0, said
      assert said =~ ~r/^# fail 0$/m
      assert [_, passed] = Regex.run(~r/^# pass (\d+)$/m, said)
      assert String.to_integer(passed) >= 28
    end

    test "a mistake in its types is found", %{folder: folder} do
      File.mkdir_p!(Path.join(folder, "wrong/src"))

      File.write!(
        Path.join(folder, "wrong/src/a.ts"),
        "export const a: number = process.env[\"A\"];\n"
      )

      File.ln_s!(Editors.node_modules(), Path.join(folder, "wrong/node_modules"))
      File.cp!(Path.join(folder, "tsconfig.json"), Path.join(folder, "wrong/tsconfig.json"))

      assert {said, status} = tsc(~w(--noEmit -p .), Path.join(folder, "wrong"))

      assert status != 0
      assert said =~ "TS2322"
    end
  end

  defp copy(part, folder), do: File.cp_r!(Path.join(@extension, part), Path.join(folder, part))

  # A path in the folder is looked for here, not there.
  defp tsc(arguments, folder),
    do: run(Path.join(folder, "node_modules/.bin/tsc"), arguments, folder)

  defp run(program, arguments, folder),
    do: System.cmd(program, arguments, cd: folder, stderr_to_stdout: true)
end
