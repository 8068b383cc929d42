defmodule ElixirScope.Distributed.Debugged.Steps do
  @moduledoc false
  # A debugging session in steps, as the process that owns it takes them: each returns when it is done. What
  # the owner has at hand is in its dictionary, as somebody else tells it when to go on.

  alias ElixirScope.Distributed.Debug.{Breakpoints, DependencyService, Interpreter, Owners}
  alias ElixirScope.Distributed.Debug.{Services, Session, Stopped}

  @wait_ms 30_000
  @module Shop.Till

  # The line of `tax = div(sum, 5)` in Debugged's project, and its file.
  @line 4
  @file_name "lib/shop/till.ex"

  @doc "The steps after a session's nodes are there, in order."
  def all do
    ~w(hello dependencies attach interpret set run hit stack bindings step evaluate continue clear)a
  end

  @doc "After which there is something of it on the target."
  def held, do: all() -- ~w(hello dependencies clear)a

  @doc "The session that is meant."
  def use(session) do
    Process.put(:session, session)
    :ok
  end

  @doc "Takes a step."
  def take(step), do: step(step, Process.get(:session))

  defp step(:hello, session) do
    {:ok, [], %{source: :service}} =
      Services.call(:process_monitoring, :stopped, [], node: session.target, timeout_ms: @wait_ms)

    :ok
  end

  defp step(:dependencies, session) do
    {:ok, _result} =
      DependencyService.get_breakpoint_dependencies(@file_name, @line,
        node: session.language,
        timeout_ms: @wait_ms
      )

    :ok
  end

  defp step(:attach, session), do: :ok = Stopped.attach(session.target, timeout_ms: @wait_ms)

  defp step(:interpret, session) do
    {:ok, [{:ok, @module}]} = Interpreter.interpret(@module, node: session.target)
    :ok
  end

  defp step(:set, session) do
    {:ok, [{:ok, %{verified: true}, _result}]} =
      Breakpoints.set({@module, @line}, node: session.target)

    :ok
  end

  # One that was joined runs already.
  defp step(:run, session), do: with({:error, _ended} <- Session.run(session), do: :ok)

  defp step(:hit, _session) do
    receive do
      {:elixir_scope_stopped, _node, {:stopped, %Stopped{pid: pid, at: %{line: @line}}}} ->
        Process.put(:stopped, pid)
        :ok
    after
      @wait_ms -> raise "nothing stopped"
    end
  end

  defp step(:stack, _session) do
    {:ok, %{frames: [%{module: @module} | _]}} = Stopped.stack(stopped(), timeout_ms: @wait_ms)
    :ok
  end

  defp step(:bindings, _session) do
    {:ok, bindings} = Stopped.bindings(stopped(), 0, timeout_ms: @wait_ms)
    %{value: "6"} = Enum.find(bindings, &(&1.name == "sum"))
    :ok
  end

  defp step(:step, _session) do
    :ok = Stopped.step(stopped(), :over, timeout_ms: @wait_ms)

    receive do
      {:elixir_scope_stopped, _node, {:stopped, %Stopped{at: %{line: line}}}}
      when line != @line ->
        :ok
    after
      @wait_ms -> raise "it did not step"
    end
  end

  defp step(:evaluate, _session) do
    {:ok, %{value: "7"}} = Stopped.evaluate(stopped(), 0, "sum + tax", timeout_ms: @wait_ms)
    :ok
  end

  defp step(:continue, _session), do: :ok = Stopped.continue(stopped(), timeout_ms: @wait_ms)

  defp step(:clear, _session), do: :ok = Breakpoints.clear(:all)

  defp stopped, do: Process.get(:stopped)

  @doc "What of debugging there is on a node, asked there."
  def traces do
    held = %{
      interpreted: Interpreter.get_interpretation_status().interpreted_modules,
      breakpoints: if(server?(), do: Enum.map(ask(:all_breaks), &elem(&1, 0)), else: []),
      standing: if(server?(), do: standing(), else: []),
      owners: Owners.list(),
      module: {:code.which(@module), @module.module_info(:md5), :code.is_loaded(@module)}
    }

    Map.put(held, :new_calls, if(server?() and nothing?(held), do: called(), else: :compiled))
  end

  # Who asks would stand at a breakpoint.
  defp nothing?(held), do: held.interpreted == [] and held.breakpoints == []

  defp standing, do: for({_pid, _mfa, :break, _where} <- ask(:snapshot), do: :stands)

  # A table of OTP's may stay for those who were in the module; whoever comes does not see it.
  defp called do
    {pid, monitor} = spawn_monitor(fn -> exit({apply(@module, :total, [[1]]), known()}) end)
    receive do: ({:DOWN, ^monitor, :process, ^pid, {1, how}} -> how)
  end

  defp known,
    do: if(List.keymember?(ask(:snapshot), self(), 0), do: :interpreted, else: :compiled)

  # Erlang's debugger may not be there.
  defp ask(what), do: apply(:int, what, [])

  # OTP's own questions would start what is not there.
  defp server?, do: Process.whereis(:dbg_iserver) != nil
end
