defmodule ElixirScope.Distributed.Debug.BreakpointsNodesTest do
  # The controlling side, a node that knows the code, and nodes that run it: real ones.
  use ElixirScope.Distributed.Case, async: true

  alias ElixirScope.Distributed.Debug.{Breakpoints, Int, Interpreter, Owners, Stopped}
  alias ElixirScope.Distributed.Debug.Breakpoints.{Breakpoint, Passing}

  @moduletag skip: if(not Int.Code.there?(), do: "OTP's application debugger is not installed")
  @options [scope: ElixirScope.Distributed, deps: :none]
  @place {Troubles.Stock, :handle_call, 3}

  setup_all do
    # Nodes are asked over distribution: one of them is the controlling side.
    {:ok,
     config: [
       elixir_scope_distributed: [autostart: true, allow: [:record, :query, :trace, :debug]]
     ]}
  end

  defp nodes(names, config), do: start_nodes(names, config: config, capture: false)

  # On the controlling node, a process that owns what it sets and keeps what it is told.
  def boss do
    pid = spawn(fn -> bossing([]) end)
    Process.register(pid, :boss)
    pid
  end

  defp bossing(told) do
    receive do
      {:do, from, {m, f, a}} -> send(from, {:done, apply(m, f, a)}) && bossing(told)
      {:told?, from} -> send(from, {:told, told}) && bossing(told)
      message -> bossing([message | told])
    end
  end

  def boss(request) do
    send(:boss, request)
    receive do: ({_kind, answer} -> answer), after: (60_000 -> :no_answer)
  end

  defp control!(node, calls) do
    on(node, fn -> __MODULE__.boss() end)
    for call <- calls, do: on(node, fn -> __MODULE__.boss({:do, self(), call}) end)
  end

  defp told(node), do: on(node, fn -> __MODULE__.boss({:told?, self()}) end)

  defp told!(node, which) do
    eventually(fn -> Enum.find(told(node), which) end, within: 30_000)
  end

  defp set(place, options), do: {Breakpoints, :set, [place, options ++ @options]}

  # What there is of us on a node.
  defp left(node), do: on(node, fn -> __MODULE__.of_us() end)

  def of_us do
    {Int.Breaks.asking(Passing), Interpreter.get_interpretation_status().interpreted_modules,
     Owners.list()}
  end

  @nothing {[], [], []}

  test "a breakpoint on another node stops a process there, and is undone with its owner", %{
    config: config
  } do
    [control, target] = nodes([:control, :target], config)
    attach = {Stopped, :attach, [target, [scope: ElixirScope.Distributed]]}
    [:ok, {:ok, [{:ok, breakpoint, _}]}] = control!(control, [attach, set(@place, node: target)])
    assert %Breakpoint{verified: true, node: ^target, module: Troubles.Stock} = breakpoint

    {:ok, stock} = on(target, Troubles.Stock, :start, [7])
    on(target, fn -> __MODULE__.ask_later(stock) end)
    told!(control, &match?({:elixir_scope_stopped, ^target, {:stopped, %{pid: ^stock}}}, &1))
    # Who controls is gone: the process goes on, and nothing of it is left.
    on(control, fn -> Process.exit(Process.whereis(:boss), :kill) end)

    assert eventually(fn -> on(target, fn -> :persistent_term.get(:counted, nil) end) end,
             within: 20_000
           ) == 7

    eventually(fn -> left(target) == @nothing end, within: 20_000)
    assert on(target, Process, :alive?, [stock])
  end

  def ask_later(stock),
    do: spawn(fn -> :persistent_term.put(:counted, GenServer.call(stock, :count, 60_000)) end)

  test "a node that is killed and comes back, and one that comes later, get them", %{
    config: config
  } do
    [control, target] = nodes([:control, :target], config)
    [{:ok, results}] = control!(control, [set(@place, node: :all, log: "here")])
    assert length(results) == 2 and Enum.all?(results, &match?({:ok, _, _}, &1))

    restart(target)
    on(control, Node, :connect, [target])
    told!(control, &match?({:breakpoint, :back, %{node: ^target, verified: true}}, &1))
    # A trace tells of it: nothing has to be interpreted.
    assert {[], [], [_owner]} = left(target)

    [late] = nodes([:late], config)
    on(control, Node, :connect, [late])
    told!(control, &match?({:breakpoint, :verified, %{node: ^late, verified: true}}, &1))
    {:ok, stock} = on(late, Troubles.Stock, :start, [7])
    7 = on(late, GenServer, :call, [stock, :count])
    told!(control, &match?({:elixir_scope_stopped, ^late, {:logged, _id, _pid, "here"}}, &1))
  end

  test "both nodes interpret at once, each for itself, also as they meet", %{config: config} do
    [one, other] = nodes([:one, :other], config)

    for node <- [one, other],
        do: {:ok, [{:ok, _}]} = on(node, fn -> __MODULE__.interpreted_here() end)

    partition(one, other)
    heal([one, other])
    on(one, Node, :connect, [other])

    for node <- [one, other], n <- 1..3 do
      {:ok, stock} = on(node, GenServer, :start, [Troubles.Stock, n])
      assert on(node, GenServer, :call, [stock, :count]) == n
    end

    eventually(fn -> Enum.all?([one, other], &(node(on(&1, :dbg_iserver, :find, [])) == &1)) end,
      within: 10_000
    )
  end

  # By a process that stays.
  def interpreted_here do
    {:ok, owner} = Agent.start(fn -> :there end)
    Interpreter.interpret(Troubles.Stock, owner: owner)
  end

  # At every change it is killed at a step below, which leads to the same end.
  @tag :long
  test "whoever controls is killed: within its lease nothing is left", %{config: config} do
    [control, target] = nodes([:control, :target], config)
    [{:ok, [{:ok, _, _}]}] = control!(control, [set(@place, node: target)])
    kill(control)
    eventually(fn -> left(target) == @nothing end, within: Owners.lease_ms() + 10_000)
  end

  @steps [
    {Owners.Leases, :hold, 4},
    {Interpreter.Choice, :prepare, 1},
    {Int.Code, :load, 1},
    {Breakpoints.Places, :add, 3}
  ]

  for {module, function, arity} = step <- @steps, side <- [:control, :target] do
    if module != Int.Code, do: @tag(:long)

    test "#{side} killed at #{inspect(module)}.#{function}/#{arity} of setting one", %{
      config: config
    } do
      [control, target] = nodes([:control, :target], config)
      step = unquote(Macro.escape(step))
      on(target, fn -> __MODULE__.hold_at(step) end)
      on(control, fn -> __MODULE__.begin(target, @place, @options) end)
      eventually(fn -> on(target, fn -> :persistent_term.get(:held, nil) end) end, within: 20_000)
      killed(unquote(side), control, target)
    end
  end

  # Of one that is gone nothing is left.
  defp killed(:control, control, target) do
    kill(control)
    on(target, fn -> __MODULE__.let_go() end)
    eventually(fn -> left(target) == @nothing end, within: Owners.lease_ms() + 15_000)
  end

  # One that was begun again has it again.
  defp killed(:target, control, target) do
    restart(target)
    on(control, Node, :connect, [target])

    eventually(
      fn -> match?({[{Troubles.Stock, _} | _], [Troubles.Stock], [_owner]}, left(target)) end,
      within: 30_000
    )
  end

  def begin(target, place, options) do
    spawn(fn ->
      Breakpoints.set(place, [node: target] ++ options)
      receive do: (:never -> :ok)
    end)
  end

  # Holds whoever first calls a function, as the VM tells of it.
  def hold_at({module, _, _} = mfa) do
    {:module, _} = Code.ensure_loaded(module)

    pid =
      spawn(fn ->
        :erlang.trace(:all, true, [:call])
        :erlang.trace_pattern(mfa, true, [:local])
        receive do: ({:trace, pid, :call, _call} -> held(pid))
        :erlang.trace(:all, false, [:all])
        receive do: (:go -> :ok)
      end)

    Process.register(pid, :holding)
  end

  defp held(pid) do
    :erlang.suspend_process(pid)
    :persistent_term.put(:held, true)
  rescue
    # It was done already.
    ArgumentError -> :persistent_term.put(:held, true)
  end

  # Whom it holds goes on when it ends.
  def let_go, do: send(:holding, :go)
end
