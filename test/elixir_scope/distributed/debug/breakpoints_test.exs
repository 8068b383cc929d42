defmodule ElixirScope.Distributed.Debug.BreakpointsTest do
  # Interpretation is the VM's, so not beside others.
  use ExUnit.Case, async: false

  import ElixirScope.Distributed.Case, only: [eventually: 1]

  alias ElixirScope.Distributed.{DiskModules, Error}
  alias ElixirScope.Distributed.Debug.{Breakpoints, Int, Interpreter, Stopped}
  alias ElixirScope.Distributed.Debug.Breakpoints.{Board, Breakpoint, Passing}

  @compile {:no_warn_undefined, [Broken.Cart]}
  @moduletag skip: if(not Int.Code.there?(), do: "OTP's application debugger is not installed")

  @source """
  defmodule Broken.Cart do
    def total(cart) do
      sum = Enum.sum(cart.items)
      sum = sum + cart.fee

      total = max(sum, 0)
      {:total, total}
    end

    def kind(0), do: :none
    def kind(n) when n > 100 do
      size = n
      {:many, size}
    end
    def kind(n), do: {:some, n}

    def within(fun) do
      done = fun.()
      {:within, done}
    end

    def reduced(items) do
      Enum.reduce(items, 0, fn item, sum -> add(sum, item) end)
    end

    def add(sum, item) do
      price = item * 2
      sum + price
    end
  end
  """

  setup_all do
    scope = :breakpoints_test
    start_supervised!({ElixirScope.Distributed, name: scope, allow: [:record, :debug]})
    {:ok, options: [scope: scope, deps: :none]}
  end

  setup %{options: options} do
    folder = DiskModules.on_path!(@source)

    on_exit(fn ->
      assert eventually(fn -> Int.Breaks.asking(Passing) == [] end)
      assert eventually(fn -> Interpreter.get_interpretation_status().interpreted_count == 0 end)
    end)

    {:ok, folder: folder, options: options}
  end

  defp set!(where, options) do
    {:ok, [{:ok, %Breakpoint{verified: true} = breakpoint, result}]} =
      Breakpoints.set(where, options)

    assert result.interpreted ==
             for(:interpreted <- [breakpoint.how], do: {:ok, breakpoint.module})

    breakpoint
  end

  defp attach!(options), do: :ok = Stopped.attach(node(), Keyword.take(options, [:scope]))

  # In a process of its own, as this one must not stand.
  defp call(function, arguments), do: Task.async(Broken.Cart, function, arguments)

  defp stopped do
    assert_receive {:elixir_scope_stopped, _node, {:stopped, %Stopped{} = stopped}}, 5_000
    stopped
  end

  defp logged do
    assert_receive {:elixir_scope_stopped, _node, {:logged, _id, _pid, text}}, 5_000
    text
  end

  @cart %{items: [1, 2], fee: 3}

  test "stops a process at a line, and lets it go on", %{options: options} do
    attach!(options)
    breakpoint = set!({Broken.Cart, 4}, options)
    assert %{function: :total, arity: 1, line: 4, kind: :line, how: :interpreted} = breakpoint
    task = call(:total, [@cart])
    assert %{pid: pid, breakpoints: [id], at: %{line: 4}} = stopped()
    assert {pid, id} == {task.pid, breakpoint.id}
    :ok = Stopped.continue(pid, scope: options[:scope])
    assert Task.await(task) == {:total, 6}
    assert [%{hits: 1}] = Breakpoints.list()
    {:ok, %{bounds: bounds}} = ElixirScope.Distributed.status(options[:scope])
    assert %{used: 1, limit: 10_000} = bounds.breakpoint_places
    assert %{used: 1, limit: 10_000} = bounds.interpreted_modules
    :ok = Breakpoints.clear(breakpoint.id)
    assert Breakpoints.list() == []
    :ok = Stopped.detach(node(), scope: options[:scope])
  end

  test "a function's breakpoint is at each of its clauses", %{options: options} do
    %{line: 10, kind: :log} = set!("Broken.Cart.kind/1", options ++ [log: "kind {n}"])
    assert {Broken.Cart.kind(3), Broken.Cart.kind(200)} == {{:some, 3}, {:many, 200}}
    assert [logged(), logged()] == ["kind 3", "kind 200"]
    :ok = Breakpoints.clear(:all)
  end

  test "a line without code is that of the next one, or none", %{options: options} do
    assert %{line: 6} = set!({Broken.Cart, 5}, options)
    # Later compilers have code at the line of the head itself.
    assert set!({Broken.Cart, 11}, options).line in [11, 12]

    assert {:ok, [{:error, %{verified: {false, reason}}, reason}]} =
             Breakpoints.set({Broken.Cart, 90}, options)

    assert {:no_code_on_line, _nearest} = reason
    assert {:ok, [{:error, _, :no_function}]} = Breakpoints.set({Broken.Cart, :total, 7}, options)
    assert {:ok, [{:error, _, :no_module}]} = Breakpoints.set({Broken.None, 1}, options)

    assert {:ok, [{:error, _, %Error{reason: :bad_pattern}}]} =
             Breakpoints.set("Broken..", options)

    :ok = Breakpoints.clear(:all)
  end

  test "conditions, hit counts and the text of log points", %{options: options} do
    set!({Broken.Cart, 4}, options ++ [condition: "cart.fee > 3", log: "dear: {cart.fee}"])
    set!({Broken.Cart, 4}, options ++ [hit: "% 2", log: "every second"])

    set!(
      {Broken.Cart, 6},
      options ++ [hit: ">= 3", log: "{sum}, {length(cart.items)} {{}} {cart}"]
    )

    for fee <- 1..4, do: Broken.Cart.total(%{@cart | fee: fee})

    texts = for _ <- 1..5, do: logged()
    assert Enum.count(texts, &(&1 == "every second")) == 2
    assert "dear: 4" in texts
    assert Enum.any?(texts, &String.starts_with?(&1, "6, 2 {} %{"))
    refute_received {:elixir_scope_stopped, _node, _event}
    :ok = Breakpoints.clear(:all)
  end

  test "a condition that raises, loops or grows does not count, and is told", %{options: options} do
    for {condition, why} <- [
          {"cart.nothing > 1", "nothing"},
          {"Enum.each(Stream.cycle([1]), & &1) && sum", "ms"},
          {":lists.seq(1, 100_000_000) && sum", "memory"},
          {"nobody > 1", "nobody"}
        ] do
      breakpoint = set!({Broken.Cart, 4}, options ++ [condition: condition, log: "counts"])
      assert Broken.Cart.total(@cart) == {:total, 6}
      assert_receive {:breakpoint, {:condition_failed, text}, %Breakpoint{}}, 5_000
      assert text =~ why
      :ok = Breakpoints.clear(breakpoint)
    end

    refute_received {:elixir_scope_stopped, _node, _event}
  end

  test "what cannot be read is refused as it is set", %{options: options} do
    for wrong <- [[condition: "a >"], [hit: "often"], [hit: "% 0"], [log: "{cart"], [log: "{}"]] do
      assert {:ok, [{:error, %{verified: {false, {reason, text}}}, _why}]} =
               Breakpoints.set({Broken.Cart, 4}, options ++ wrong)

      assert reason in [:bad_expression, :bad_hit] and is_binary(text)
    end

    assert_raise ArgumentError, fn -> Breakpoints.set({Broken.Cart, 4}, options ++ [hit: 5]) end
    :ok = Breakpoints.clear(:all)
  end

  test "a thousand conditional ones, with no more names than places", %{options: options} do
    results =
      1..1_000
      |> Task.async_stream(
        fn n ->
          Breakpoints.set(
            {Broken.Cart, 4},
            [owner: self_of(), condition: "cart.fee == #{n}", log: "is {cart.fee}"] ++ options
          )
        end,
        max_concurrency: 20
      )
      |> Enum.count(&match?({:ok, {:ok, [{:ok, _, _}]}}, &1))

    assert results == 1_000
    assert length(Int.Breaks.asking(Passing)) == 1
    Broken.Cart.total(%{@cart | fee: 777})
    assert logged() == "is 777"
    refute_received {:elixir_scope_stopped, _node, {:logged, _, _, _}}
    :ok = Breakpoints.clear(:all)
  end

  # The process of the test, whichever runs.
  defp self_of, do: hd(Process.get(:"$callers", [self()]))

  test "editors say which ones there are in a file", %{options: options} do
    file = "nofile"
    wanted = [%{line: 4, log: "one"}, %{line: 6}]
    {:ok, first} = Breakpoints.handle_set_breakpoints_request(file, wanted, options)
    assert length(first) == 2

    {:ok, _second} =
      Breakpoints.handle_set_breakpoints_request(file, [%{line: 4, log: "one"}], options)

    assert [%{where: {^file, 4}}] = Breakpoints.list()
    {:ok, []} = Breakpoints.handle_set_breakpoints_request(file, [], options)
    assert Breakpoints.list() == []
  end

  test "they hold when the module was compiled again, and say where", %{
    options: options,
    folder: folder
  } do
    set!({Broken.Cart, :total, 1}, options ++ [log: "sum of {cart.fee}"])
    gone = set!({Broken.Cart, 12}, options ++ [log: "gone"])

    compile_again(
      folder,
      "defmodule Broken.Cart do\n\n\ndef total(cart) do\nx = cart.fee\n{:new, x}\nend\nend"
    )

    assert_receive {:breakpoint, :moved, %{line: 5, verified: true}}, 5_000
    assert_receive {:breakpoint, :gone, %{id: id, verified: {false, _why}}}, 5_000
    assert id == gone.id
    assert Broken.Cart.total(%{fee: 9}) == {:new, 9}
    assert logged() == "sum of 9"
    :ok = Breakpoints.clear(:all)
  end

  defp compile_again(folder, source) do
    before = Code.compiler_options(ignore_module_conflict: true, debug_info: true)
    [{module, code}] = Code.compile_string(source)
    Code.compiler_options(before)
    File.write!(Path.join(folder, "#{module}.beam"), code)
    :code.purge(module)
    {:module, ^module} = :code.load_abs(to_charlist(Path.join(folder, "#{module}")))
  end

  test "they end with their owner", %{options: options} do
    owner = spawn(fn -> receive do: (:go -> :ok) end)
    set!({Broken.Cart, 4}, [owner: owner] ++ options)
    assert [{Broken.Cart, 4}] = Int.Breaks.asking(Passing)
    Process.exit(owner, :kill)
    assert eventually(fn -> Int.Breaks.asking(Passing) == [] end)
    assert eventually(fn -> Breakpoints.list() == [] end)
  end

  test "what keeps them here may fall: its owner gets them again", %{options: options} do
    set!({Broken.Cart, 4}, options ++ [log: "still"])
    {:ok, holder} = Breakpoints.Holder.ensure()
    Process.exit(holder, :kill)
    assert eventually(fn -> Board.at(Broken.Cart, 4) == :error end)
    send(Breakpoints.Server, :round)
    assert_receive {:breakpoint, :back, %Breakpoint{verified: true}}, 10_000
    Broken.Cart.total(@cart)
    assert logged() == "still"
    :ok = Breakpoints.clear(:all)
  end

  test "a log point at which a step arrives shows the variables there", %{options: options} do
    attach!(options)
    scope = [scope: options[:scope]]
    set!({Broken.Cart, 4}, options)
    set!({Broken.Cart, 6}, options ++ [condition: "sum > 1", log: "sum {sum} of {cart.fee}"])

    for how <- [:over, :into] do
      task = call(:total, [@cart])
      assert %{pid: pid, at: %{line: 4}} = stopped()
      :ok = Stopped.step(pid, how, scope)
      assert logged() == "sum 6 of 3"
      assert %{pid: ^pid, reason: :step, at: %{line: 6}} = stopped()
      :ok = Stopped.continue(pid, scope)
      assert Task.await(task) == {:total, 6}
    end

    refute_received {:elixir_scope_stopped, _node, {:logged, _, _, _}}
    :ok = Breakpoints.clear(:all)
    :ok = Stopped.detach(node(), scope)
  end

  test "a log point at which a step arrives in a function that another one calls", %{
    options: options
  } do
    attach!(options)
    scope = [scope: options[:scope]]
    set!({Broken.Cart, 27}, options ++ [condition: "item == 2"])
    set!({Broken.Cart, 28}, options ++ [log: "sum {sum}"])
    task = call(:reduced, [[1, 2, 3]])
    assert %{pid: pid, at: %{line: 27}} = stopped()
    assert {:ok, %{value: "42"}} = Stopped.evaluate(pid, 0, "sum + 40", scope)
    :ok = Stopped.step(pid, :over, scope)
    assert %{pid: ^pid, reason: :step, at: %{line: 28}} = stopped()
    :ok = Stopped.continue(pid, scope)
    assert Task.await(task) == 12
    assert [logged(), logged(), logged()] == ["sum 0", "sum 2", "sum 6"]
    :ok = Breakpoints.clear(:all)
    :ok = Stopped.detach(node(), scope)
  end

  # A process that calls what it is told to, again and again.
  defp caller do
    spawn_link(fn -> calls() end)
  end

  defp calls do
    receive do
      {:call, from, function, arguments} ->
        send(from, {:came, apply(Broken.Cart, function, arguments)})
        calls()
    end
  end

  defp tell(pid, function, arguments), do: send(pid, {:call, self(), function, arguments})

  test "who looks after what stands may fall: the next breakpoint of that process is told again",
       %{options: options} do
    attach!(options)
    set!({Broken.Cart, 6}, options)
    pid = caller()
    tell(pid, :total, [@cart])
    assert %{pid: ^pid, at: %{line: 6}} = stopped()
    Process.exit(Process.whereis(Stopped.Host), :kill)
    assert_receive {:came, {:total, 6}}, 5_000

    # It attaches again before its breakpoints are looked after.
    eventually(fn -> attach!(options) end)
    assert_receive {:breakpoint, :back, %Breakpoint{line: 6}}, 10_000

    for _time <- 1..2 do
      tell(pid, :total, [@cart])
      assert %{pid: ^pid, at: %{line: 6}} = stopped()
      :ok = Stopped.continue(pid, scope: options[:scope])
      assert_receive {:came, {:total, 6}}, 5_000
    end

    :ok = Breakpoints.clear(:all)
    :ok = Stopped.detach(node(), scope: options[:scope])
  end

  test "one that was in a call while its module was interpreted anew stops in the next one",
       %{options: options} do
    attach!(options)
    breakpoint = set!({Broken.Cart, 6}, options)
    pid = caller()
    self = self()
    tell(pid, :within, [fn -> send(self, :inside) && receive(do: (:out -> :ok)) end])
    assert_receive :inside, 5_000
    :ok = Breakpoints.clear(breakpoint)
    set!({Broken.Cart, 6}, options)
    send(pid, :out)
    assert_receive {:came, {:within, :ok}}, 5_000
    assert eventually(fn -> Broken.Cart not in Int.Tables.behind() end)
    tell(pid, :total, [@cart])
    assert %{pid: ^pid, at: %{line: 6}} = stopped()
    :ok = Stopped.continue(pid, scope: options[:scope])
    assert_receive {:came, {:total, 6}}, 5_000
    :ok = Breakpoints.clear(:all)
    :ok = Stopped.detach(node(), scope: options[:scope])
  end

  test "a log point at a head that shows arguments alone is traced, and needs no interpretation" do
    start_supervised!(
      {ElixirScope.Distributed, name: :traced_logs, allow: [:record, :query, :trace, :debug]},
      id: :traced_logs
    )

    options = [scope: :traced_logs, deps: :none]

    assert %{how: :traced, line: 2} =
             set!(
               "Broken.Cart.total/1",
               options ++ [log: "fee {cart.fee}", condition: "cart.fee > 1"]
             )

    assert %{how: :traced} = set!({Broken.Cart, 11}, options ++ [log: "many {n}"])
    # What is bound behind the head, or not in every clause, is not known there.
    assert %{how: :interpreted} = set!({Broken.Cart, 4}, options ++ [log: "sum {sum}"])
    :ok = Breakpoints.clear(:all)
    assert eventually(fn -> Interpreter.get_interpretation_status().interpreted_count == 0 end)

    set!("Broken.Cart.total/1", options ++ [log: "fee {cart.fee}", condition: "cart.fee > 1"])
    set!({Broken.Cart, 11}, options ++ [log: "many {n}"])
    assert Interpreter.get_interpretation_status().interpreted_count == 0
    for fee <- [1, 2], do: call(:total, [%{@cart | fee: fee}]) |> Task.await()
    for n <- [0, 7, 200], do: call(:kind, [n]) |> Task.await()
    assert Enum.sort([logged(), logged()]) == ["fee 2", "many 200"]
    assert Enum.sort(for b <- Breakpoints.list(), do: b.hits) == [1, 1]
    # As soon as their module is interpreted, they are: no trace sees what interpreted code calls.
    {:ok, [{:ok, _}]} = Interpreter.interpret(Broken.Cart, scope: :traced_logs)
    assert eventually(fn -> Enum.all?(Breakpoints.list(), &(&1.how == :interpreted)) end)
    call(:kind, [300]) |> Task.await()
    assert logged() == "many 300"
    :ok = Interpreter.restore(:all, scope: :traced_logs)
    :ok = Breakpoints.clear(:all)
    call(:total, [@cart]) |> Task.await()
    refute_receive {:elixir_scope_stopped, _node, _event}, 300
  end

  test "a node that does not allow it has none" do
    start_supervised!({ElixirScope.Distributed, name: :not_broken}, id: :not_broken)
    assert {:ok, [{:error, _, reason}]} = Breakpoints.set({Broken.Cart, 4}, scope: :not_broken)
    assert %Error{reason: :not_allowed} = reason
    :ok = Breakpoints.clear(:all)
  end
end
