defmodule ElixirScope.Distributed.Debug.Adapter.ImportTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.CLI.Json, as: Encoder
  alias ElixirScope.Distributed.Debug.Adapter.{Import, Json, Launch}
  alias ElixirScope.Distributed.Debug.Adapter.Import.{Comments, Keys, Written}

  doctest Comments

  @fixtures "test/fixtures/launch/elixir_ls"

  # All keys of the `mix_task` debugger of ElixirLS, launch and attach, and what older ones had.
  @elixir_ls ~w(task taskArgs env debugAutoInterpretAllModules debugInterpretModulesPatterns projectDir startApps
                excludeModules requireFiles stackTraceMode exitAfterTaskReturns breakOnDbg remoteNode noDebug
                debugExpressionTimeoutMs)

  defp import!(text) do
    assert {:ok, result} = Import.text(text)
    result
  end

  describe "a launch.json of ElixirLS" do
    setup do
      [result: import!(File.read!(Path.join(@fixtures, "launch.json")))]
    end

    test "becomes this configuration", %{result: result} do
      assert_golden("imported.json", result.json)
      assert_golden("imported.txt", result.table)
    end

    test "is one that is taken, after the editor filled it in", %{result: result} do
      {:ok, %{"configurations" => all, "version" => "0.2.0", "inputs" => [_], "compounds" => [_]}} =
        Json.decode(result.json)

      for %{"type" => "elixirScope", "name" => name} = one <- all,
          name != "attach, without a host" do
        assert {:ok, _launch, []} = Launch.parse(Map.put(one, "projectDir", "/srv"))
      end

      assert List.last(all)["type"] == "node"
    end

    test "imported once more stays as it is", %{result: result} do
      assert import!(result.json).json == result.json
    end
  end

  defp assert_golden(name, text) do
    path = Path.join(@fixtures, name)
    if System.get_env("SCOPE_GOLDEN") == "write", do: File.write!(path, text <> "\n")
    assert text <> "\n" == File.read!(path), "not as in #{path}:\n#{text}"
  end

  test "every key of ElixirLS has a row that says what it becomes" do
    assert @elixir_ls -- Keys.known() == []

    for key <- @elixir_ls,
        value <- [nil, true, false, "x", ["x"], %{}, 1],
        request <- ~w(launch attach) do
      configuration = %{"type" => "mix_task", "request" => request, key => value}
      {_new, rows} = Import.convert(configuration)
      assert {^key, _became, _why} = List.keyfind(rows, key, 0)
    end
  end

  test "one configuration and a list of them are taken, too" do
    one = ~s({"type": "mix_task", "task": "test"})
    assert {:ok, %{"type" => "elixirScope", "task" => "test"}} = Json.decode(import!(one).json)
    assert {:ok, [%{"task" => "test"}]} = Json.decode(import!("[#{one}]").json)
  end

  test "what is no launch.json is refused with its place" do
    for {text, message} <- [
          {"{\n \"a\": // b\n}", "line 3: this is no JSON (unexpected byte)"},
          {"", "line 1: this is no JSON (unexpected end)"},
          {"/* never", "line 1: this is no JSON (unexpected byte)"},
          {"[1]", "configurations[0]: expected an object"},
          {~s({"configurations": {}}), "configurations: expected a list"},
          {"1", "expected a launch.json, a list of configurations or one"}
        ] do
      assert Import.text(text) == {:error, message}
    end
  end

  describe "JSON with comments" do
    test "keeps every other byte in its place" do
      for {given, blank} <- [
            {~s({"a": "b//c" /* d */}), ~s({"a": "b//c"        })},
            {~s(["\\"//",]), ~s(["\\"//" ])},
            {"[1, /* ] */ ]", "[1          ]"},
            {"[1,\n// x\n]", "[1 \n    \n]"},
            {"{}//", "{}  "},
            {"\uFEFF{}", "   {}"},
            {~s(["never), ~s(["never)},
            {"[,]", "[ ]"}
          ] do
        assert Comments.blank(given) == blank
      end
    end

    test "is read as the same JSON without them, wherever they stand" do
      noise = one_of(Enum.map(["", "/* \" */", "// ]\n", "\n", "/**/"], &constant/1))

      property(tuple([json(2), list(noise)]), [runs: 100], fn {value, noise} ->
        plain = value |> Encoder.encode() |> IO.iodata_to_binary()
        assert {:ok, ^value} = plain |> strewn(noise ++ [""]) |> Comments.blank() |> Json.decode()
        assert {:ok, ^value} = value |> Written.text() |> Json.decode()
      end)
    end

    test "of any bytes never raises" do
      piece = one_of(Enum.map(~w(" \\ / * // /* */ , ] } [ { x) ++ ["\n", <<0xFF>>], &constant/1))

      property(list(piece), [runs: 200], fn pieces ->
        text = IO.iodata_to_binary(pieces)
        assert byte_size(Comments.blank(text)) == byte_size(text)
        assert {outcome, _result} = Import.text(text)
        assert outcome in [:ok, :error]
      end)
    end
  end

  test "any configuration of theirs is converted, and never raises" do
    keys = one_of(Enum.map(@elixir_ls ++ ~w(name request x), &constant/1))

    property(list(tuple([keys, json(1)])), [runs: 100], fn pairs ->
      old = pairs |> Map.new() |> Map.put("type", "mix_task")
      {new, rows} = Import.convert(old)
      assert new["type"] == "elixirScope"
      assert Map.keys(old) -- Enum.map(rows, &elem(&1, 0)) == []
    end)
  end

  # Between the brackets and commas that are no part of a text: those of these values.
  defp strewn(text, noise) do
    ~r/"[^"]*"|./su
    |> Regex.scan(text)
    |> Enum.zip(Stream.cycle(noise))
    |> Enum.map(fn {[token], noise} ->
      if token =~ ~r/[\[\]{},:]/ and not (token =~ "\""), do: [noise, token, noise], else: token
    end)
    |> IO.iodata_to_binary()
  end

  defp json(0),
    do: one_of(Enum.map([nil, true, 0, -1.5, "", "a//b", "/*", ",]", "é", "test"], &constant/1))

  defp json(depth) do
    pair = tuple([one_of(Enum.map(~w(a // task name), &constant/1)), json(depth - 1)])
    one_of([json(0), list(json(depth - 1)), map(list(pair), &Map.new/1)])
  end
end
