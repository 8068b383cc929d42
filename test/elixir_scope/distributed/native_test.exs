defmodule ElixirScope.Distributed.NativeTest do
  use ExUnit.Case, async: false

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.Native

  defmodule Traced do
    def work(n), do: n + 1
    def fails(_n), do: raise("no")
  end

  # What the functions of a module do, called by `pid`.
  defp trace(pid) do
    assert {:ok, trace} = Scope.trace(Traced, processes: pid, return: true)
    fn -> Scope.stop_trace(trace) end
  end

  defp worker do
    spawn_link(fn -> loop() end)
  end

  defp loop do
    receive do
      {from, fun} ->
        send(from, {:done, fun.()})
        loop()
    end
  end

  defp run(worker, fun) do
    send(worker, {self(), fun})
    assert_receive {:done, _result}
  end

  defp seen(worker) do
    {:ok, events} = Scope.events(pids: [worker])
    Enum.map(events, &{&1.kind, elem(&1.subject, 1)})
  end

  test "an attempt to load the module again leaves a running trace intact" do
    worker = worker()
    stop = trace(worker)
    run(worker, fn -> Traced.work(1) end)

    assert ExUnit.CaptureIO.capture_io(:stderr, fn ->
             assert {:error, _refused} = :code.load_file(Native)
           end) =~ "restart"

    run(worker, fn -> Traced.work(2) end)
    calls = for {kind, :work} <- seen(worker), do: kind
    assert calls == [:call, :return, :call, :return]
    stop.()
  end

  test "calls, returns and exceptions of a traced process" do
    worker = worker()
    stop = trace(worker)
    run(worker, fn -> catch_error(Traced.fails(1)) end)
    stop.()
    assert [{:call, :fails}, {:exception, :fails}] = seen(worker)
    assert {:ok, [%{subject: {Traced, :fails, 1}} | _]} = Scope.events(pids: [worker])
  end

  test "after its end a trace point records nothing" do
    worker = worker()
    trace(worker).()
    run(worker, fn -> Traced.work(1) end)
    assert seen(worker) == []
  end
end
