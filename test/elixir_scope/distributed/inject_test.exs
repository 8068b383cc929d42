defmodule ElixirScope.Distributed.InjectTest do
  # A node with the library traces one that has it not, and leaves it as it was.
  use ElixirScope.Distributed.Case

  alias ElixirScope.Distributed.{Bare, Error, Inject, Opaque}

  @moduletag timeout: 120_000
  @calm [run_queue: :infinity, scheduler: :infinity, memory: :infinity, available: 0]

  setup do
    [tool] = start_nodes([:tool], apps: [], args: ["-hidden"])
    target = Bare.start()
    connected(tool, target)
    {:ok, tool: tool, target: target}
  end

  test "calls, returns and exceptions of plain Erlang", %{tool: tool, target: target} do
    before = Bare.state(target)
    calls = [buy: [1, %{password: "canary", n: 2}], fail: [:x], tick: [7]]

    assert {:ok, result} =
             traced(
               tool,
               target,
               [":shop.buy(1, _) -> return", {:shop, :fail}],
               [return: true],
               calls
             )

    assert [
             {:call, {:shop, :buy, 2}, [1, %{password: %Opaque{type: :redacted}, n: 2}]},
             {:return, {:shop, :buy, 2},
              {:bought, 1, %{password: %Opaque{type: :redacted}, n: 2}}},
             {:call, {:shop, :fail, 1}, [:x]},
             {:exception, {:shop, :fail, 1}, {:error, {:no, :x}}}
           ] = for(e <- result.events, do: {e.kind, e.subject, e.data})

    assert result.reason == :stopped
    assert_as_before(target, before, result)
  end

  defp connected(tool, target) do
    node = target.node
    assert on(tool, Node, :connect, [node])
  end

  # Runs on the tool until the calls were made on the target.
  defp traced(tool, target, patterns, options, calls) do
    runner = begin(tool, target, patterns, options)
    Bare.call(target, :shop, :run, [calls])
    stop(tool, runner)
  end

  defp begin(tool, target, patterns, options) do
    node = target.node
    options = [yes: true, health: @calm] ++ options

    runner =
      on(tool, fn ->
        spawn(fn ->
          Process.register(self(), :runner)
          result = Inject.run(node, patterns, Keyword.put(options, :say, &Process.put(:said, &1)))
          Process.put(:said, {:over, result})
          receive do: ({:result, pid, ref} -> send(pid, {ref, result}))
        end)
      end)

    eventually(fn -> assert on(tool, fn -> said() end) == "traces now" end)
    runner
  end

  defp said do
    {:dictionary, dictionary} = Process.info(Process.whereis(:runner), :dictionary)
    dictionary[:said]
  end

  defp stop(tool, _runner) do
    on(tool, fn -> Inject.stop(Process.whereis(:runner)) end)
    result(tool)
  end

  defp result(tool) do
    on(tool, fn ->
      ref = make_ref()
      send(:runner, {:result, self(), ref})
      receive do: ({^ref, result} -> result), after: (50_000 -> :no_result)
    end)
  end

  defp assert_as_before(target, before, result) do
    assert result.equal?, inspect({result.before, result.after})
    assert result.before == result.after
    assert_as_before(target, before)
  end

  defp assert_as_before(target, before) do
    eventually(fn -> assert Bare.difference(target, before) == [] end)
  end
end
