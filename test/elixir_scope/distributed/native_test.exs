defmodule ElixirScope.Distributed.NativeTest do
  use ExUnit.Case, async: false

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{Capture.Tracer, Native}

  defmodule Traced do
    def work(n), do: n + 1
    def fails(_n), do: raise("no")
  end

  setup do
    Tracer.open()
    on_exit(&Tracer.shut/0)
  end

  # On OTP 27 and later in a session of its own, before with the one tracer there is.
  defp trace(pid) do
    mfa = {Traced, :_, :_}
    spec = [{:_, [], [{:exception_trace}]}]

    if Code.ensure_loaded?(:trace) do
      session = apply(:trace, :session_create, [__MODULE__, Tracer.tracer(), []])
      1 = apply(:trace, :process, [session, pid, true, [:call]])
      apply(:trace, :function, [session, mfa, spec, [:local]])
      fn -> apply(:trace, :session_destroy, [session]) end
    else
      {module, state} = Tracer.tracer()
      1 = :erlang.trace(pid, true, [:call, {:tracer, module, state}])
      :erlang.trace_pattern(mfa, spec, [:local])
      fn -> :erlang.trace_pattern(mfa, false, [:local]) end
    end
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

  test "while the gate is shut a trace point records nothing" do
    worker = worker()
    stop = trace(worker)
    Tracer.shut()
    run(worker, fn -> Traced.work(1) end)
    assert seen(worker) == []
    stop.()
  end
end
