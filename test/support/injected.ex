defmodule ElixirScope.Distributed.Injected do
  @moduledoc false
  # What tests of `Inject` do on real nodes: a run on the tool that goes on while the target works.
  import ExUnit.Assertions
  import ElixirScope.Distributed.Case, only: [on: 2, on: 4, eventually: 1, eventually: 2]

  alias ElixirScope.Distributed.{Bare, Inject}

  @calm [run_queue: :infinity, scheduler: :infinity, memory: :infinity, available: 0]

  def calm, do: @calm

  def connected(tool, target) do
    node = target.node
    assert on(tool, Node, :connect, [node])
  end

  # Runs on the tool until the calls were made on the target.
  def traced(tool, target, patterns, options, calls) do
    begin(tool, target, patterns, options)
    Bare.call(target, :shop, :run, [calls])
    ended(tool)
  end

  def begin(tool, target, patterns, options \\ []) do
    node = target.node
    options = Keyword.merge([yes: true, health: @calm], options)
    on(tool, fn -> run_aside(node, patterns, options) end)
    eventually(fn -> assert on(tool, fn -> said() end) == "traces now" end)
  end

  def ended(tool) do
    on(tool, fn -> Inject.stop(Process.whereis(:runner)) end)
    result(tool)
  end

  # What `run/3` returned, once it has.
  def result(tool) do
    on(tool, fn ->
      ref = make_ref()
      send(:runner, {:result, self(), ref})
      receive do: ({^ref, result} -> result), after: (50_000 -> :no_result)
    end)
  end

  def run_aside(node, patterns, options) do
    spawn(fn ->
      Process.register(self(), :runner)
      options = Keyword.put_new(options, :say, &Process.put(:said, &1))
      result = Inject.run(node, patterns, options)
      Process.put(:said, {:over, result})
      receive do: ({:result, pid, ref} -> send(pid, {ref, result}))
    end)
  end

  def said do
    {:dictionary, dictionary} = Process.info(Process.whereis(:runner), :dictionary)
    dictionary[:said]
  end

  def assert_as_before(target, before, result) do
    assert result.equal?, inspect({result.before, result.after})
    assert result.before == result.after
    assert_as_before(target, before)
  end

  def assert_as_before(target, before),
    do: eventually(fn -> assert Bare.difference(target, before) == [] end, within: 15_000)

  def brief(events), do: for(e <- events, do: {e.kind, e.subject, e.data})
end
