defmodule ElixirScope.Distributed.Debug.StoppedLiveTest do
  # What is done with a process that stands on another node, and to those who debug it.
  use ElixirScope.Distributed.Case, async: true

  alias Elixir.Programs.{Prices, Server}
  alias ElixirScope.Distributed.Debug.{Int.Metas, Interpreter, Stopped}
  alias ElixirScope.Distributed.{Error, Programs}

  @moduletag :cluster
  if not Metas.there?(),
    do: @moduletag(skip: "Erlang's application debugger is not installed here")

  @debug [elixir_scope_distributed: [allow: [:record, :query, :trace, :debug]]]

  setup_all do
    Programs.on_path!()

    [target, controller] =
      start_nodes([:target, :controller], capture: false, config: @debug, log: :emergency)

    {:ok, target: target, controller: controller}
  end

  # What is tested runs on the controlling node, in one process, which is the owner.
  defp debugging(context, options \\ [], fun) do
    %{target: target, controller: controller} = context
    on(controller, fn -> prepared(target, options, fun) end)
  end

  defp prepared(target, options, fun) do
    :ok = Stopped.attach(target, options)
    {:ok, _done} = Interpreter.interpret([Server], node: target)
    {:ok, pid} = :erpc.call(target, Server, :start, [])
    :ok = :erpc.call(target, :int, :break_in, [Server, :handle_call, 3])
    answer = fun.(target, pid)
    :ok = :erpc.call(target, :int, :no_break, [])
    :ok = Stopped.detach(target)
    :ok = Interpreter.restore(:all, node: target)
    answer
  end

  # A caller of its own, who waits while the server stands.
  defp ask(pid, request) do
    self = self()
    spawn(fn -> send(self, {:answer, catch_exit_of(pid, request)}) end)
  end

  defp catch_exit_of(pid, request) do
    GenServer.call(pid, request, 10_000)
  catch
    :exit, {reason, _call} -> {:exit, reason}
  end

  defp standing(pid) do
    assert_receive {:elixir_scope_stopped, _node, {:stopped, %Stopped{pid: ^pid} = stopped}},
                   5_000

    stopped
  end

  defp value(pid, text, options \\ []), do: Stopped.evaluate(pid, 0, text, options)

  test "expressions are evaluated in the process, as they are written", context do
    debugging(context, fn _target, pid ->
      ask(pid, {:price, "pear"})
      %{at: %{function: :handle_call, arity: 3}} = standing(pid)

      before =
        :erpc.call(node(pid), Process, :info, [pid, [:dictionary, :messages, :links, :monitors]])

      this = inspect(:erpc.call(node(pid), :erlang, :apply, [Kernel, :inspect, [pid]]))

      assert {:ok, %{value: ^this}} = value(pid, "inspect(self())")
      assert {:ok, %{value: "42", type: "integer"}} = value(pid, "count + 42")
      assert {:ok, %{value: "40"}} = value(pid, "P.of(name)")
      assert {:ok, %{value: "{:ok, 7}"}} = value(pid, "init(7)")
      assert {:ok, %{value: "Programs.Server"}} = value(pid, "__MODULE__")
      assert {:ok, %{children: 1000, path: path}} = value(pid, "Enum.map(1..1000, &(&1 * 2))")

      assert {:ok, [%{value: "1800", name: "899"}, _]} =
               Stopped.value(pid, 0, path, start: 899, count: 2)

      assert {:ok, %{value: "[hidden]"}} = value(pid, ~s(%{token: "x"}.token))

      for {text, said} <- [
            {"1 +", "syntax"},
            {"raise \"no\"", "(RuntimeError) no"},
            {"exit(:now)", ":now"},
            {"throw(:away)", ":away"},
            {"nobody", "nobody"},
            {"loop(1, 2)", "loop"}
          ] do
        assert {:error, %Error{reason: :not_evaluated} = error} = value(pid, text)
        assert Exception.message(error) =~ said
      end

      assert {:error, %Error{reason: :not_evaluated} = error} =
               value(pid, "f = fn f -> f.(f) end; f.(f)", timeout_ms: 200)

      assert Exception.message(error) =~ "longer than 200 ms"
      assert {:error, %Error{reason: :not_evaluated}} = value(pid, "P.of(name)", context: "hover")
      assert {:ok, %{value: ~s("pear")}} = value(pid, "name", context: "hover")

      assert before ==
               :erpc.call(node(pid), Process, :info, [
                 pid,
                 [:dictionary, :messages, :links, :monitors]
               ])

      :ok = Stopped.continue(pid)
      assert_receive {:answer, 40}, 5_000
    end)
  end

  test "what only compiled code can end is told, and the process stands again after it",
       context do
    debugging(context, fn _target, pid ->
      ask(pid, {:price, "pear"})
      standing(pid)

      assert {:error, %Error{reason: :too_long}} =
               value(pid, "Process.sleep(900)", timeout_ms: 100)

      assert {:error, %Error{reason: :evaluating}} = Stopped.step(pid, :over)
      eventually(fn -> assert :ok = Stopped.step(pid, :over) end)
      assert %{reason: :step} = standing(pid)
      :ok = Stopped.continue(pid)
      assert_receive {:answer, 40}, 5_000
    end)
  end

  test "large values come in pages, frames too, and what is not there is an error", context do
    debugging(context, fn _target, pid ->
      ask(pid, {:price, "fig"})
      standing(pid)
      for _line <- 1..2, do: :ok = Stopped.step(pid, :over) |> tap(fn :ok -> standing(pid) end)
      {:ok, bindings} = Stopped.bindings(pid, 0)

      assert %{children: 3, path: ["user"], value: value} =
               Enum.find(bindings, &(&1.name == "user"))

      assert value =~ "password: [hidden]"

      {:ok, [%{name: "big", path: big, children: 1000}, _name, _password]} =
        Stopped.value(pid, 0, ["user"])

      pages =
        for start <- 0..999//300,
            {:ok, page} = Stopped.value(pid, 0, big, start: start, count: 300),
            one <- page,
            do: one.value

      assert pages == Enum.map(1..1000, &to_string/1)

      {:ok, %{frames: frames, total: total}} = Stopped.stack(pid)
      assert [%{interpreted?: true, line: 15} | compiled] = frames
      assert total == length(frames) and Enum.any?(compiled, &(&1.module == :gen_server))
      assert {:ok, %{frames: [%{index: 1}]}} = Stopped.stack(pid, start: 1, count: 1)
      assert {:error, %Error{reason: :compiled_frame}} = Stopped.bindings(pid, 1)
      assert {:error, %Error{reason: :no_frame}} = Stopped.bindings(pid, 99)
      assert {:error, %Error{reason: :no_such_value}} = Stopped.value(pid, 0, ["user", 77])
      assert {:error, %Error{reason: :no_such_value}} = Stopped.value(pid, 0, ["nobody"])
      assert {:error, %Error{reason: :no_such_value}} = Stopped.value(pid, 0, result: 7)
      assert {:ok, [%Stopped{pid: ^pid, reason: :step}]} = Stopped.stopped(node(pid))

      {:ok, %{processes: [%{pid: ^pid, state: :standing, initial: {Server, :init, 1}} | _]}} =
        Stopped.processes(node(pid), count: 3)

      :ok = Stopped.continue(pid)
      assert_receive {:answer, 30}, 5_000
      assert {:error, %Error{reason: :not_stopped}} = Stopped.bindings(pid, 0)
      assert {:error, %Error{reason: :not_stopped}} = Stopped.step(pid, :over)
    end)
  end

  test "a step enters what is not interpreted yet, where its owner wants that", context do
    debugging(context, [auto: ["Programs.*"]], fn target, pid ->
      ask(pid, {:price, "pear"})
      standing(pid)
      refute Prices in :erpc.call(target, :int, :interpreted, [])
      :ok = Stopped.step(pid, :into)
      assert %{at: %{module: Prices, function: :of, line: 3}} = standing(pid)
      :ok = Stopped.step(pid, :out)
      assert %{at: %{module: Server, line: 14}} = standing(pid)
      :ok = Stopped.continue(pid)
      assert_receive {:answer, 40}, 5_000
    end)
  end

  test "breakpoints on the way of a step over a call are kept", context do
    debugging(context, fn target, pid ->
      ask(pid, {:loop, 20})
      standing(pid)
      :ok = :erpc.call(target, :int, :break, [Server, 32])
      :ok = Stopped.step(pid, :over)
      assert %{reason: :breakpoint, at: %{line: 32}} = standing(pid)
      :ok = :erpc.call(target, :int, :delete_break, [Server, 32])
      :ok = Stopped.step(pid, :out)
      standing(pid)
      :ok = Stopped.continue(pid)
      assert_receive {:answer, 20}, 5_000
    end)
  end

  test "who runs can be paused, who runs nothing interpreted cannot, and some never stand",
       context do
    debugging(context, fn target, pid ->
      :ok = :erpc.call(target, :int, :no_break, [])
      ask(pid, {:loop, 100_000_000})
      eventually(fn -> assert :ok = Stopped.pause(pid) end)
      # It may have been on its way to the loop.
      assert %{reason: :pause, at: %{module: Server, function: function}} = standing(pid)
      {:ok, bindings} = Stopped.bindings(pid, 0)
      names = Enum.map(bindings, & &1.name)
      assert function == :handle_call or names == ["times", "total"]

      compiled = Node.spawn(target, Process, :sleep, [:infinity])

      assert {:error, %Error{reason: :not_interpreted, details: %{stacktrace: [_ | _]}}} =
               Stopped.pause(compiled)

      kernel = :erpc.call(target, Process, :whereis, [:code_server])
      assert {:error, %Error{reason: :never_stands}} = Stopped.pause(kernel)
      Process.exit(compiled, :kill)
      eventually(fn -> assert {:error, %Error{reason: :no_process}} = Stopped.pause(compiled) end)
      Process.exit(pid, :kill)
      assert_receive {:elixir_scope_stopped, _node, {:exited, ^pid, :killed}}, 5_000
      assert {:error, %Error{reason: :no_process}} = Stopped.bindings(pid, 0)
    end)
  end

  test "what raises is shown where it did, to who asked for it", context do
    debugging(context, fn target, pid ->
      :ok = Stopped.exceptions(target, [:uncaught])
      assert {:error, %Error{reason: :not_a_filter}} = Stopped.exceptions(target, [:all])
      :ok = :erpc.call(target, :int, :no_break, [])
      ask(pid, :boom)

      assert %{reason: :exception, text: text, at: %{function: :handle_call, line: 21}} =
               standing(pid)

      assert text =~ "(ArgumentError) {:bad, 0}"
      assert {:ok, %{frames: [%{module: Server, line: 21} | _]}} = Stopped.stack(pid)
      assert {:error, %Error{reason: :ended}} = value(pid, "1")
      :ok = Stopped.continue(pid)

      # Where nothing interpreted runs after it, with its variables.
      raised = Node.spawn(target, Server, :handle_call, [:boom, nil, 3])
      assert %{reason: :exception, at: %{function: :handle_call, line: 21}} = standing(raised)
      {:ok, bindings} = Stopped.bindings(raised, 0)
      assert %{value: "{:bad, 3}"} = Enum.find(bindings, &(&1.name == "reason"))
      :ok = Stopped.continue(raised)
      :ok = Stopped.exceptions(target, [])
      assert {:ok, []} = Stopped.stopped(target)
    end)
  end

  test "an owner's end lets go what stands because of it, another one keeps it", context do
    debugging(context, fn target, pid ->
      other = another_owner(target)
      ask(pid, {:price, "pear"})
      standing(pid)
      Process.exit(other, :kill)
      assert {:ok, _bindings} = Stopped.bindings(pid, 0)
      :ok = Stopped.detach(target)
      assert_receive {:answer, 40}, 5_000

      alone = another_owner(target)
      ask(pid, {:price, "pear"})
      eventually(fn -> assert {:ok, [%Stopped{pid: ^pid}]} = Stopped.stopped(target) end)
      Process.exit(alone, :kill)
      assert_receive {:answer, 40}, 5_000
      assert {:ok, []} = Stopped.stopped(target)
    end)
  end

  defp another_owner(target) do
    self = self()

    owner =
      spawn(fn ->
        :ok = Stopped.attach(target)
        send(self, :attached)
        receive do: (:never -> :ok)
      end)

    assert_receive :attached, 5_000
    owner
  end

  test "one that is killed while it stands is told of, and is no more", context do
    debugging(context, fn target, pid ->
      ask(pid, {:price, "fig"})
      standing(pid)
      Process.exit(pid, :kill)
      assert_receive {:elixir_scope_stopped, _node, {:exited, ^pid, :killed}}, 5_000
      assert_receive {:answer, {:exit, :killed}}, 5_000
      assert {:ok, []} = Stopped.stopped(target)
    end)
  end

  test "what stands goes on when the process that looks after it is killed", context do
    debugging(context, fn target, pid ->
      ask(pid, {:price, "pear"})
      standing(pid)
      Process.exit(:erpc.call(target, Process, :whereis, [Stopped.Host]), :kill)
      assert_receive {:answer, 40}, 5_000
      eventually(fn -> assert :ok = Stopped.attach(target) end)
    end)
  end

  test "a node that does not allow it is neither looked at nor stopped", context do
    [closed] = start_nodes([:closed], capture: false)
    connect([closed, context.controller])

    on(context.controller, fn ->
      for ask <- [&Stopped.attach/1, &Stopped.stopped/1, &Stopped.processes/1],
          do: assert({:error, %Error{reason: :not_allowed}} = ask.(closed))

      pid = :erpc.call(closed, Process, :whereis, [:code_server])
      assert {:error, %Error{reason: :not_allowed}} = Stopped.evaluate(pid, 0, "1")
      assert {:error, %Error{reason: :not_allowed}} = Stopped.pause(pid)
    end)
  end
end
