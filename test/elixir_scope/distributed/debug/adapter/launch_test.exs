defmodule ElixirScope.Distributed.Debug.Adapter.LaunchTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.Debug.Adapter.Launch
  alias ElixirScope.Distributed.Debug.Adapter.Launch.Schema
  alias ElixirScope.Distributed.Readers

  doctest Launch
  doctest ElixirScope.Distributed.Debug.Adapter.Launch.Type

  @names "test/fixtures/launch/names.json" |> File.read!() |> Readers.decode()

  defp parse!(arguments) do
    assert {:ok, launch, notices} = Launch.parse(arguments)
    {launch, notices}
  end

  defp launch!(arguments), do: arguments |> parse!() |> elem(0)

  defp session!(arguments) do
    assert {:ok, options} = arguments |> launch!() |> Launch.session()
    options
  end

  # What each key of the published configuration changes, compared with the same one without it.
  defp effects do
    %{
      "type" => {&Launch.parse/1, {:changed, %{"type" => "x"}}},
      "request" => {&target/1, {:changed, %{"request" => "attach", "node" => "a@h"}}},
      "task" => {&target/1, {:changed, %{"task" => "test"}}},
      "taskArgs" => {&target/1, :removed},
      "projectDir" => {&session(&1, :project_dir), :removed},
      "env" => {&session(&1, :env), :removed},
      "debugAutoInterpretAllModules" =>
        {&interpretation/1, {:changed, %{"debugAutoInterpretAllModules" => true}}},
      "coordinationMode" => {&field(&1, :mode), :removed},
      "distributedDebugging.enabled" => {&Launch.parse/1, {:changed, %{"enabled" => false}}},
      "distributedDebugging.nodeNaming" => {&session(&1, :name), :removed},
      "distributedDebugging.rpcTimeout" => {&dependencies(&1, :timeout_ms), :removed},
      "distributedDebugging.enableTracerStreaming" => {&dependencies(&1, :streaming), :removed},
      "distributedDebugging.dependencyCacheSize" => {&dependencies(&1, :cache_size), :removed},
      "distributedDebugging.fallbackToExtensionCoordination" =>
        {&field(&1, :ask_editor), :removed},
      "interpretationPatterns" => {&interpretation/1, :removed}
    }
  end

  defp target(arguments), do: arguments |> launch!() |> Launch.target()
  defp session(arguments, key), do: session!(arguments)[key]
  defp interpretation(arguments), do: arguments |> launch!() |> Launch.interpretation()
  defp field(arguments, key), do: arguments |> launch!() |> Map.fetch!(key)
  defp dependencies(arguments, key), do: Launch.dependencies(launch!(arguments))[key]

  describe "the published configuration" do
    test "is taken whole, without a remark" do
      assert {launch, []} = parse!(@names)
      assert launch.request == :launch
      assert Launch.target(launch) == {:mix, "run", ["--no-halt"]}
      assert Launch.interpretation(launch) == ["Shop.*", {Shop.Cart, :add, 2}]
      assert {launch.mode, launch.enabled, launch.ask_editor} == {:beam_rpc, true, false}

      assert Launch.dependencies(launch) == [cache_size: 250, streaming: false, timeout_ms: 7_000]

      assert session!(@names) == [
               project_dir: Path.expand("shop"),
               language: :start,
               target: {:mix, "run", ["--no-halt"]},
               env: %{"GREETING" => "hello", "PAGER" => false},
               name: "shop_{role}_{id}",
               boot_ms: 120_000,
               lease_ms: 10_000,
               scope: ElixirScope.Distributed
             ]
    end

    test "each of its keys has an effect" do
      assert Enum.sort(Map.keys(effects())) == Enum.sort(paths(@names))

      for {path, {effect, change}} <- effects() do
        other = change(@names, String.split(path, "."), change)
        assert effect.(other) != effect.(@names), "#{path} changes nothing"
      end
    end
  end

  defp paths(object) do
    Enum.flat_map(object, fn
      {"env", _variables} -> ["env"]
      {key, %{} = inner} -> for path <- paths(inner), do: "#{key}.#{path}"
      {key, _value} -> [key]
    end)
  end

  defp change(object, path, :removed), do: object |> pop_in(path) |> elem(1)
  defp change(object, [_key], {:changed, other}), do: Map.merge(object, other)

  defp change(object, [key, _], {:changed, other}),
    do: update_in(object[key], &Map.merge(&1, other))

  describe "keys of our own" do
    test "a release is started instead of a task" do
      arguments = %{"release" => "_build/prod/rel/shop", "projectDir" => "/srv"}
      path = "/srv/_build/prod/rel/shop"
      assert target(arguments) == {:release, path, ["start"]}
      assert target(Map.put(arguments, "taskArgs", ["daemon"])) == {:release, path, ["daemon"]}
    end

    test "tests are a target of their own" do
      assert target(%{"task" => "test", "taskArgs" => ["a_test.exs"]}) == {:test, ["a_test.exs"]}
    end

    test "a node is attached to, and its cluster" do
      arguments = %{"request" => "attach", "node" => "shop@10.0.0.2"}
      assert target(arguments) == :"shop@10.0.0.2"
      assert Launch.nodes(launch!(arguments)) == :one
      assert Launch.nodes(launch!(Map.put(arguments, "cluster", true))) == :all
    end

    test "what is to be the language node" do
      attach = %{"request" => "attach", "node" => "a@h", "cookie" => "c", "cookieInClear" => true}
      assert session(attach, :language) == :start
      assert session(Map.put(attach, "languageNode", "none"), :language) == :none
      assert session(Map.put(attach, "languageNode", "l@h"), :language) == :l@h
      off = %{"distributedDebugging" => %{"enabled" => false}}
      assert session(off, :language) == :none
      assert session(Map.put(off, "languageNode", "start"), :language) == :start
    end

    test "times, the environment of Mix, and the scope" do
      arguments = %{"bootTimeout" => 5, "leaseMs" => 2_000, "mixEnv" => "dev"}
      options = session!(arguments)
      assert {options[:boot_ms], options[:lease_ms], options[:mix_env]} == {5, 2_000, "dev"}
      assert field(%{}, :scope) == ElixirScope.Distributed
      assert field(%{"scope" => "shop"}, :scope) == :shop
      assert field(%{"scope" => ":shop"}, :scope) == :shop
      assert field(%{"scope" => "Shop.Scope"}, :scope) == Shop.Scope
    end

    test "without debugging nothing is interpreted" do
      assert interpretation(Map.put(@names, "noDebug", true)) == []
      assert field(%{"noDebug" => true}, :no_debug)
    end

    test "every key of the schema is used by the struct or by what it turns into" do
      tested =
        Map.keys(effects()) ++ ~w(release mixEnv bootTimeout node cluster cookieEnv cookieFile
        cookie cookieInClear languageNode scope leaseMs noDebug distributedDebugging)

      assert Enum.sort(for {path, _spec} <- Schema.paths(), do: path) == Enum.sort(tested)
    end
  end

  describe "the cookie" do
    @attach %{"request" => "attach", "node" => "a@h"}

    test "in clear is refused unless it is insisted on" do
      assert {:error, "cookie: who reads this file" <> _} =
               Launch.parse(Map.put(@attach, "cookie", "secret"))

      insisted = Map.merge(@attach, %{"cookie" => "secret", "cookieInClear" => true})
      assert session(insisted, :cookie) == "secret"
    end

    test "is read from the environment or a file, and says what is missing" do
      System.put_env("LAUNCH_TEST_COOKIE", "from_env")
      on_exit(fn -> System.delete_env("LAUNCH_TEST_COOKIE") end)
      assert session(Map.put(@attach, "cookieEnv", "LAUNCH_TEST_COOKIE"), :cookie) == "from_env"

      assert {:error, "cookieEnv: there is no NO_SUCH_COOKIE in the environment"} =
               Launch.session(launch!(Map.put(@attach, "cookieEnv", "NO_SUCH_COOKIE")))

      assert {:error, "cookieFile: /no/such/cookie: no such file or directory"} =
               Launch.session(launch!(Map.put(@attach, "cookieFile", "/no/such/cookie")))
    end

    test "of a file is taken without the line's end, from the project's folder" do
      folder = Path.join(System.tmp_dir!(), "launch_cookie_#{System.unique_integer([:positive])}")
      File.mkdir_p!(folder)
      on_exit(fn -> File.rm_rf!(folder) end)
      File.write!(Path.join(folder, "COOKIE"), "from_file\n")
      arguments = Map.merge(@attach, %{"cookieFile" => "COOKIE", "projectDir" => folder})
      assert session(arguments, :cookie) == "from_file"
    end

    test "is needed to share a language node, and has no effect on nodes of one's own" do
      insisted = %{"cookie" => "secret", "cookieInClear" => true}
      assert {_launch, ["`cookie` has no effect here" <> _]} = parse!(insisted)
      assert session(insisted, :cookie) == nil
      shared = Map.put(insisted, "languageNode", "l@h")
      assert {_launch, []} = parse!(shared)
      assert session(shared, :cookie) == "secret"
    end

    test "is not shown, nor are variables" do
      insisted = Map.merge(@attach, %{"cookie" => "secret", "cookieInClear" => true})
      refute inspect(launch!(insisted)) =~ "secret"
      refute inspect(launch!(%{"env" => %{"TOKEN" => "secret"}})) =~ "secret"
    end

    test "has one source" do
      assert {:error, "cookieFile: there is a `cookieEnv` as well"} =
               Launch.parse(Map.merge(@attach, %{"cookieEnv" => "A", "cookieFile" => "b"}))
    end
  end

  describe "what is remarked on" do
    test "unknown keys, with what was perhaps meant" do
      assert {_launch, notices} =
               parse!(%{"tsak" => 1, "zzz" => 2, "distributedDebugging" => %{"rpctimeout" => 5}})

      assert notices == [
               "`tsak` is no key of a launch configuration and has no effect, did you mean `task`?",
               "`zzz` is no key of a launch configuration and has no effect",
               "`distributedDebugging.rpctimeout` is no key of a launch configuration and has no effect, " <>
                 "did you mean `distributedDebugging.rpcTimeout`?"
             ]
    end

    test "keys of the other request, and another type" do
      assert {_launch, ["`node` belongs to attach" <> _]} = parse!(%{"node" => "a@h"})

      assert {_launch, ["`task` belongs to launch" <> _]} =
               parse!(%{"request" => "attach", "node" => "a@h", "task" => "run"})

      assert {_launch, [notice]} = parse!(%{"type" => "mix_task"})
      assert notice =~ "mix scope.dap --import"
      assert {_launch, ["`type` is \"pwa-node\"" <> _]} = parse!(%{"type" => "pwa-node"})
    end

    test "not what editors send for themselves, nor null" do
      assert {_launch, []} =
               parse!(%{"name" => "x", "__sessionId" => "y", "preLaunchTask" => nil})

      assert {launch, []} = parse!(%{"task" => nil, "wrong" => nil})
      assert launch.task == "run"
    end
  end

  describe "what is wrong" do
    test "is named with its path" do
      for {arguments, message} <- [
            {%{"taskArgs" => ["a", 1]}, "taskArgs[1]: expected text, got: 1"},
            {%{"taskArgs" => "a"}, "taskArgs: expected a list, each text, got: \"a\""},
            {%{"env" => %{"A" => 1}}, "env.A: expected text or null, got: 1"},
            {%{"request" => "run"}, "request: expected `launch` or `attach`, got: \"run\""},
            {%{"coordinationMode" => "rpc"},
             "coordinationMode: expected `beam-rpc` or `extension` or `auto`, got: \"rpc\""},
            {%{"distributedDebugging" => true},
             "distributedDebugging: expected an object, got: true"},
            {%{"distributedDebugging" => %{"dependencyCacheSize" => 0}},
             "distributedDebugging.dependencyCacheSize: expected a whole number from 1 to 1000000, got: 0"},
            {%{"distributedDebugging" => %{"nodeNaming" => "a b"}},
             "distributedDebugging.nodeNaming: expected `auto` or a template, got: \"a b\""},
            {%{"projectDir" => "${workspaceFolder}/x"},
             "projectDir: holds ${workspaceFolder}, which this editor did not fill in"},
            {%{"request" => "attach"},
             "node: attach needs the node to attach to, as `name@host`"},
            {%{"request" => "attach", "node" => "shop"},
             "node: expected `name@host` or null, got: \"shop\""},
            {%{"task" => "run", "release" => "x"},
             "release: there is a `task` as well: one of them is started"},
            {%{"coordinationMode" => "beam-rpc", "languageNode" => "none"},
             "coordinationMode: `beam-rpc` asks the language node, and none is wanted"},
            {[], "a launch configuration is an object"}
          ] do
        assert Launch.parse(arguments) == {:error, message}
      end

      assert {:error, "interpretationPatterns[1]: \"Map.get(\"" <> _} =
               Launch.parse(%{"interpretationPatterns" => ["Map", "Map.get("]})
    end

    test "values that no key can hold never raise" do
      property(arguments(), [runs: 200], fn arguments ->
        case Launch.parse(arguments) do
          {:ok, %Launch{} = launch, notices} ->
            assert Enum.all?(notices, &String.valid?/1)
            assert is_binary(inspect(launch))
            assert Launch.target(launch)

          {:error, message} ->
            assert String.valid?(message)
        end
      end)
    end
  end

  # Objects with keys of ours and others, and values that may fit.
  defp arguments do
    keys = for {path, _spec} <- Schema.paths(), do: path |> String.split(".") |> List.last()
    key = one_of(Enum.map(keys ++ ["x", "", "é", "taskargs"], &constant/1))
    pair = tuple([key, json(1)])
    one_of([map(list(pair), &Map.new/1), json(1)])
  end

  defp json(0), do: one_of(Enum.map(scalars(), &constant/1))

  defp json(depth) do
    key = one_of(Enum.map(~w(enabled rpcTimeout A x), &constant/1))

    one_of([
      json(0),
      json(0),
      list(json(depth - 1)),
      map(list(tuple([key, json(depth - 1)])), &Map.new/1)
    ])
  end

  defp scalars do
    [
      nil,
      true,
      false,
      0,
      -1,
      5_000,
      1.5,
      "",
      "run",
      "attach",
      "launch",
      "a@h",
      "@",
      "${x}",
      "Map"
    ] ++
      [
        "Map.get(",
        "*",
        "beam-rpc",
        "auto",
        "{id}",
        "start",
        "é\u0301",
        String.duplicate("x", 300)
      ]
  end
end
