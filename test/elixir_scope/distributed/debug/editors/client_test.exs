defmodule ElixirScope.Distributed.Debug.Editors.ClientTest do
  # Whole sessions of a client that is not ours: the one with which VS Code's debug adapters are tested.
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.Case.{Epmd, Run}
  alias ElixirScope.Distributed.CLI.Json, as: Encoder
  alias ElixirScope.Distributed.CLI.Kept
  alias ElixirScope.Distributed.{Debugged, Editors, Scratch}
  alias ElixirScope.Distributed.Debug.Adapter.{Json, Tcp}

  @moduletag :cluster
  @moduletag :npm
  @moduletag skip:
               unless(Code.ensure_loaded?(:int) and Debugged.told?(),
                 do: "needs OTP's debugger, and /proc to see what is left"
               )

  @names "test/fixtures/launch/names.json"
  @stop 7
  @log 8

  setup_all do
    folder = Scratch.folder!()
    Scratch.application!(folder, "shop", "")
    on_exit(fn -> File.rm_rf!(folder) end)

    Scratch.write!(folder, "lib/shop/cart.ex", """
    defmodule Shop.Cart do
      def total(items) do
        Enum.reduce(items, 0, fn item, sum -> add(sum, item) end)
      end

      def add(sum, item) do
        price = item * 2
        sum + price
      end
    end
    """)

    [folder: folder, source: Path.join(folder, "lib/shop/cart.ex")]
  end

  # The published configuration, for this project; and a key that nobody knows.
  defp configuration(folder, more) do
    {:ok, names} = @names |> File.read!() |> Json.decode()
    run = "IO.puts(\"\#{System.get_env(\"GREETING\")}: \#{Shop.Cart.total([1, 2, 3])}\")"
    env = Map.merge(names["env"], %{"MIX_BUILD_ROOT" => nil, "MIX_ENV" => "dev"})

    names
    |> Map.merge(%{"projectDir" => folder, "taskArgs" => ["-e", run], "env" => env})
    |> Map.merge(%{"interpretationPatterns" => ["Shop"], "taskarg" => []})
    |> Map.merge(more)
  end

  defp session(context, more, how, env \\ []) do
    how =
      Map.merge(how, %{
        mix: "mix",
        cwd: File.cwd!(),
        request: "launch",
        arguments: configuration(context.folder, more),
        file: context.source,
        stop: %{line: @stop, condition: "item == 2"},
        log: %{line: @log, message: "sum {sum}"},
        evaluate: "{item, sum + 40, Shop in :int.interpreted(), node()}"
      })

    text = how |> Encoder.encode() |> IO.iodata_to_binary()
    arguments = ["test/readers/dap_session.cjs", Editors.node_modules(), text]
    {said, status} = System.cmd("node", arguments, env: env)
    {:ok, seen} = Json.decode(said)

    if status != 0,
      do: flunk(inspect(seen, pretty: true, limit: :infinity, printable_limit: :infinity))

    seen
  end

  # What every session of this program comes to, whoever carries it.
  defp whole(seen, file, others?) do
    assert seen["capabilities"]["supportsLogPoints"]
    assert seen["first"] |> Enum.map(& &1["line"]) == [@stop, @log]
    assert seen["set"] == for(line <- [@stop, @log], do: %{"verified" => true, "line" => line})
    assert %{"reason" => "breakpoint", "ids" => [0]} = seen["stop"]

    assert %{"line" => @stop, "name" => "Shop.Cart.add/2", "file" => ^file, "variables" => at} =
             seen["at"]

    assert at == %{"item" => "2", "sum" => "2"}

    # Whether a module is interpreted that the breakpoint does not need; and how the node is called.
    assert seen["value"] =~ ~r/^{2, 42, #{others?}, :"shop_target_[0-9a-f]+@127.0.0.1"}$/
    assert %{"reason" => "step", "line" => @log, "variables" => next} = seen["stepped"]
    assert next == Map.put(at, "price", "4")
    assert seen["threads"] > 10
    assert "terminated" in seen["events"] and "exited" in seen["events"]
    console = output(seen, "console")
    for sum <- [0, 2, 6], do: assert(console =~ "sum #{sum}\n")
    assert output(seen, "important") =~ "`taskarg` is no key of a launch configuration"
    assert seen["printed"] =~ "hello: 12"
  end

  defp output(seen, category) do
    for %{"category" => ^category, "output" => text} <- seen["outputs"], into: "", do: text
  end

  test "over standard input and output, by the published configuration", context do
    Run.ensure_started()
    mark = "m#{System.pid()}x#{System.unique_integer([:positive])}"
    env = [{"SCOPE_TEST_MARK", mark}, {"ERL_EPMD_PORT", "#{Epmd.port()}"}]
    on_exit(fn -> Debugged.clear(%{mark: mark}) end)
    seen = session(context, %{}, %{}, env)
    whole(seen, context.source, true)
    assert seen["asked"] == []
  end

  describe "over TCP" do
    setup do
      debugger = Debugged.debugger!()
      on_exit(fn -> Debugged.clear(debugger) end)
      :ok = Debugged.call(debugger, Kept, :library, [])
      {:ok, tcp} = Debugged.call(debugger, Tcp, :start_link, [[port: 0]])
      [port: Debugged.call(debugger, Tcp, :port, [tcp])]
    end

    test "the client says which modules a breakpoint needs", %{port: port} = context do
      more = %{"coordinationMode" => "extension", "interpretationPatterns" => []}
      seen = session(context, more, %{port: port, answers: ["Shop.Cart"]})
      whole(seen, context.source, false)
      assert Enum.sort(Enum.map(seen["asked"], & &1["line"])) == [@stop, @log]
      assert Enum.uniq(Enum.map(seen["asked"], & &1["file"])) == [context.source]
    end

    @tag :long
    test "two sessions at once, without a language node", %{port: port} = context do
      off = %{
        "enabled" => false,
        "fallbackToExtensionCoordination" => false,
        "nodeNaming" => "shop_{role}_{id}"
      }

      all = %{"debugAutoInterpretAllModules" => true, "interpretationPatterns" => []}
      more = Map.merge(all, %{"coordinationMode" => "auto", "distributedDebugging" => off})

      for seen <-
            1..2
            |> Enum.map(fn _ -> Task.async(fn -> session(context, more, %{port: port}) end) end)
            |> Task.await_many(60_000) do
        whole(seen, context.source, true)
      end
    end
  end
end
