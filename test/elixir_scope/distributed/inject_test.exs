defmodule ElixirScope.Distributed.InjectTest do
  # A node with the library traces one that has it not, and leaves it as it was.
  use ElixirScope.Distributed.Case, async: true
  import ElixirScope.Distributed.Injected

  alias ElixirScope.Distributed.{Bare, Causality, Error, GlobalClock, Inject, Opaque, OtherOtp}
  alias ElixirScope.Distributed.Capture.Only
  alias ElixirScope.Distributed.Query.Result
  alias ElixirScope.Distributed.View.Timeline

  @moduletag timeout: 120_000
  @hidden %Opaque{type: :redacted}

  setup context do
    [tool] = start_nodes([:tool], apps: [], args: ["-hidden"])
    on(tool, fn -> Code.ensure_loaded!(ElixirScope.Distributed.Inject) end)
    target = Bare.start(elixir: context[:elixir])
    connected(tool, target)
    {:ok, tool: tool, target: target, before: Bare.state(target)}
  end

  describe "what is seen" do
    test "calls, returns and exceptions of plain Erlang, secrets hidden there",
         %{tool: tool, target: target, before: before} do
      calls = [buy: [1, %{password: "canary", n: 2}], buy: [2, 3], fail: [:x], tick: [7]]
      patterns = [":shop.buy(1, _) -> return", {:shop, :fail}]
      assert {:ok, result} = traced(tool, target, patterns, [return: true], calls)

      assert [
               {:call, {:shop, :buy, 2}, [1, %{password: @hidden, n: 2}]},
               {:return, {:shop, :buy, 2}, {:bought, 1, %{password: @hidden, n: 2}}},
               {:call, {:shop, :fail, 1}, [:x]},
               {:exception, {:shop, :fail, 1}, {:error, {:no, :x}}}
             ] = brief(result.events)

      assert result.reason == :stopped
      assert %{dropped: 0, events: 4} = result.figures
      assert_as_before(target, before, result)
    end

    @tag elixir: true
    test "a node with Elixir but without the library", context do
      %{tool: tool, target: target, before: before} = context
      assert {:ok, result} = traced(tool, target, [{:shop, :buy, 2}], [], buy: [1, 2])
      assert [{:call, {:shop, :buy, 2}, [1, 2]}] = brief(result.events)
      assert_as_before(target, before, result)
    end

    test "events are whole: identity, order, time and node; every view takes them", context do
      %{tool: tool, target: target} = context
      calls = for n <- 1..1_200, do: {:tick, [n]}
      options = [events_per_s: 100_000]

      assert {:ok, %{events: events} = result} =
               traced(tool, target, [{:shop, :tick}], options, calls)

      ticks = for %{subject: {:shop, :tick, 1}} = event <- events, do: event
      assert {length(ticks), result.reason, result.figures} == {1_200, :stopped, result.figures}
      assert Enum.map(ticks, & &1.data) == for(n <- 1..1_200, do: [n])
      assert Enum.uniq(for e <- events, do: {e.node, elem(e.id, 0)}) |> length() == 1

      assert for({{_origin, seq}, _} <- for(e <- events, do: {e.id, e}), do: seq) |> Enum.sort() ==
               Enum.to_list(1..length(events))

      assert Enum.all?(Enum.zip(events, tl(events)), fn {a, b} ->
               GlobalClock.compare(a.at, b.at) != :gt
             end)

      there = Bare.call(target, :os, :system_time, [:nanosecond])
      {0, last, node} = List.last(events).at
      assert node == target.node and abs(there - last) < 60_000_000_000

      {:ok, picture} = Causality.build(%Result{events: events, nodes: [target.node]})
      text = picture |> Timeline.render(width: 80) |> Enum.to_list()
      assert IO.iodata_to_binary(text) =~ "call :shop.tick/1"
    end

    test "messages in pairs, of a process that is named", %{tool: tool, target: target} do
      server = Bare.spawn(target, :server, [])
      Bare.call(target, :erlang, :register, [:till, server])
      calls = for n <- [1, 2], do: {:ask, [server, {:sum, n}]}
      assert {:ok, result} = traced(tool, target, [], [processes: :till, messages: true], calls)

      assert [
               {:receive, from, {:ask, from, ref, {:sum, 1}}},
               {:send, from, {:answer, ref, {:sum, 1}}} | _
             ] = brief(result.events)

      assert is_reference(ref) and node(from) == target.node
      assert Enum.all?(result.events, &(&1.pid == server))
      assert length(result.events) == 4
    end

    test "both ends of a message name each other", %{tool: tool, target: target, before: before} do
      server = Bare.spawn(target, :server, [])
      options = [messages: true, processes: :all]

      assert {:ok, result} =
               traced(tool, target, [{:shop, :ask}, {:shop, :server}], options,
                 ask: [server, 1],
                 ask: [server, 2]
               )

      answers = for %{data: {:answer, _ref, 2}} = event <- result.events, do: event
      assert [%{kind: :send} = send, %{kind: :receive} = received] = answers
      assert {send.meta.pairing, send.meta.pair} == {:exact, received.id}
      assert {received.meta.pairing, received.meta.pair} == {:exact, send.id}
      Bare.call(target, :erlang, :exit, [server, :kill])
      assert_as_before(target, before, result)
    end

    test "only slow calls, also before they end", %{tool: tool, target: target} do
      options = [only: Only.slower_than(50)]

      assert {:ok, result} =
               traced(tool, target, [{:shop, :slow}], options, slow: [1], slow: [120])

      assert [{:call, {:shop, :slow, 1}, [120]}, {:return, _, {:slept, 120}}] =
               brief(result.events)

      begin(tool, target, [{:shop, :slow}], options)
      pid = Bare.spawn(target, :slow, [60_000])
      node = target.node

      eventually(fn ->
        assert Bare.call(target, :erlang, :process_info, [pid, :current_function]) ==
                 {:current_function, {:shop, :slow, 1}}
      end)

      wait(150)
      assert {:ok, result} = ended(tool)
      assert [%{kind: :call, data: [60_000], node: ^node, pid: ^pid}] = result.events
    end

    test "no arguments, or all there is of them", %{tool: tool, target: target} do
      long = Enum.to_list(1..100)

      assert {:ok, none} =
               traced(tool, target, [{:shop, :buy}], [capture: :calls, return: true],
                 buy: [1, long]
               )

      assert [{:call, _, nil}, {:return, _, nil}] = brief(none.events)

      assert {:ok, some} = traced(tool, target, [{:shop, :buy}], [], buy: [1, long])
      assert [%{data: [1, cut], meta: %{truncated?: true}}] = some.events
      assert List.last(cut) == %Opaque{type: :cut} and length(cut) < 50

      assert {:ok, full} = traced(tool, target, [{:shop, :buy}], [capture: :full], buy: [1, long])
      assert [%{data: [1, ^long], meta: meta}] = full.events
      assert meta == %{}
    end

    test "processes that begin and end, and those that a supervisor starts", context do
      %{tool: tool, target: target} = context
      holder = Bare.spawn(target, :sup, [])
      child = {1, {:shop, :child, []}, :permanent, 5_000, :worker, [:shop]}
      eventually(fn -> assert is_pid(Bare.call(target, :erlang, :whereis, [:shop_sup])) end)
      {:ok, first} = Bare.call(target, :supervisor, :start_child, [:shop_sup, child])
      options = [processes: {:supervised_by, :shop_sup}, messages: true]
      begin(tool, target, [], options)

      {:ok, second} =
        Bare.call(target, :supervisor, :start_child, [:shop_sup, put_elem(child, 0, 2)])

      for pid <- [first, second], do: Bare.call(target, :erlang, :send, [pid, {:go, holder}])
      assert {:ok, result} = ended(tool)
      went = for %{kind: :send, data: :went, pid: pid} <- result.events, do: pid
      assert Enum.sort(went) == Enum.sort([first, second])
      Bare.call(target, :erlang, :exit, [holder, :kill])

      begin(tool, target, [], processes: :new, kinds: [:spawn, :exit])
      pid = Bare.spawn(target, :tick, [1])
      assert {:ok, result} = ended(tool)
      assert [:normal] = for(%{kind: :exit, pid: ^pid, data: data} <- result.events, do: data)
    end
  end

  describe "what is bounded" do
    test "a flood ends the trace: memory stays, other work goes on", context do
      %{tool: tool, target: target, before: before} = context
      other = Bare.spawn(target, :loop, [])
      memory = Bare.call(target, :erlang, :memory, [:total])
      begin(tool, target, [{:shop, :tick}], [])
      floods = for _ <- 1..2, do: Bare.spawn(target, :spin, [2_000_000])

      assert {:ok, result} = result(tool)
      assert result.reason in [:rate, :behind]
      assert result.message =~ "limit"
      assert length(result.events) <= 2_001
      grown = Bare.call(target, :erlang, :memory, [:total]) - memory
      assert grown < 64 * 1024 * 1024

      Bare.call(target, :erlang, :send, [
        other,
        {:go, Bare.call(target, :erlang, :whereis, [:user])}
      ])

      eventually(fn -> assert Enum.all?(floods, &(not alive?(target, &1))) end, within: 30_000)
      Bare.call(target, :erlang, :send, [other, :stop])
      assert_as_before(target, before, result)
    end

    test "every budget ends it, and says so", %{tool: tool, target: target, before: before} do
      for {options, reason} <- [
            {[events: 10], :events},
            {[bytes: 500], :bytes},
            {[events_per_s: 20], :rate},
            {[duration_ms: 300], :duration},
            {[only: Only.slower_than(1_000), calls_per_s: 20], :calls}
          ] do
        begin(tool, target, [{:shop, :tick}], options)
        Bare.call(target, :shop, :run, [for(n <- 1..100, do: {:tick, [n]})])
        assert {:ok, result} = result(tool)
        assert result.reason == reason, inspect({options, result.reason})
        assert result.equal?
      end

      assert_as_before(target, before)
    end

    test "a node that becomes ill ends it", %{tool: tool, target: target, before: before} do
      begin(tool, target, [{:shop, :tick}],
        health: [scheduler: 0.000001, run_queue: :infinity, memory: :infinity, available: 0]
      )

      assert {:ok, result} = result(tool)
      assert result.reason == :scheduler
      assert_as_before(target, before, result)
    end

    test "a loop whose returns never come ends it", %{tool: tool, target: target} do
      begin(tool, target, [{:shop, :loop, 0}],
        return: true,
        events_per_s: 100_000,
        events: 100_000
      )

      pid = Bare.spawn(target, :loop, [])
      user = Bare.call(target, :erlang, :whereis, [:user])
      Bare.call(target, :lists, :foreach, [&:erlang.send(pid, &1), []])
      sends = List.duplicate({:go, user}, 10_100)
      Bare.call(target, :lists, :zipwith, [&:erlang.send/2, List.duplicate(pid, 10_100), sends])
      assert {:ok, %{reason: :runaway_returns}} = result(tool)
    end

    test "a side that does not answer makes nothing grow there; its lease ends it", context do
      %{tool: tool, target: target, before: before} = context

      begin(tool, target, [{:shop, :tick}],
        lease_ms: 1_500,
        events_per_s: 1_000_000,
        events: 1_000_000,
        bytes: 1_000_000_000
      )

      freeze(tool)
      memory = Bare.call(target, :erlang, :memory, [:total])

      for _ <- 1..6 do
        Bare.call(target, :shop, :run, [for(n <- 1..3_000, do: {:tick, [n]})])
        eventually(fn -> assert Bare.queued(target) < 100 end)
      end

      assert Bare.call(target, :erlang, :memory, [:total]) - memory < 64 * 1024 * 1024

      eventually(
        fn ->
          assert Bare.call(target, :erlang, :whereis, [Inject.Guest.Warden.name()]) == :undefined
        end,
        within: 20_000
      )

      thaw(tool)
      assert {:ok, result} = result(tool)
      assert result.reason == :lease
      assert result.figures.dropped > 0
      assert_as_before(target, before, result)
    end
  end

  describe "what is asked, and refused" do
    test "it says what it will do, and does nothing without a yes", context do
      %{tool: tool, target: target, before: before} = context

      for {answer, expected} <- [
            {"n\n", :declined},
            {:eof, :declined},
            {"", :declined},
            {"y\n", :done},
            {" YES \n", :done}
          ] do
        {outcome, lines} = asked(tool, target, answer)
        assert outcome == expected, inspect({answer, outcome})
        text = Enum.join(lines, "\n")
        assert text =~ "On #{target.node} (OTP " and text =~ "without Elixir"
        assert text =~ "ElixirScope.Distributed.Inject.Guest.Tracer (" and text =~ "10,000 events"
        assert text =~ "shop.tick/1" and text =~ ":call"
      end

      assert_as_before(target, before)
    end

    test "what is wrong is an error that says why", %{tool: tool, target: target, before: before} do
      for {patterns, options, reason} <- [
            {[:nothing_like_it], [], :no_match},
            {[{:shop, :bye}], [], :no_match},
            {["Nothing.*"], [], :no_match},
            {[{:app, :nothing}], [], :no_match},
            {[":shop.buy("], [], :bad_pattern},
            {[:lists], [], :banned},
            {[], [], :too_wide},
            {[], [processes: :init, messages: true], :banned},
            {[], [processes: :nobody_there, messages: true], :no_match},
            {[{:shop, :buy}], [state: true], :bad_option},
            {[{:shop, :buy}], [profile: :recorder], :bad_option},
            {[{:shop, :buy}], [events: 0], :bad_option},
            {[{:shop, :buy}], [health: [memory: 1]], :short_of_memory}
          ] do
        node = target.node
        options = Keyword.put_new(options, :health, calm())

        assert {:error, %Error{} = error} =
                 on(tool, fn -> Inject.plan(node, patterns, options) end)

        assert error.reason == reason, inspect({patterns, options, error})
        assert Exception.message(error) != inspect(reason)
      end

      assert {:error, %{reason: :not_connected}} =
               on(tool, fn -> Inject.run(:nobody@nowhere, [:shop]) end)

      assert {:error, %{reason: :not_connected}} =
               on(tool, fn -> Inject.run("no node", [:shop]) end)

      assert_as_before(target, before)
    end

    test "a node that has the library, or does not want it", %{tool: tool, target: target} do
      [other] = start_nodes([:other], apps: [])
      assert on(tool, Node, :connect, [other])

      assert {:error, %{reason: :library_there}} =
               on(tool, fn -> Inject.plan(other, [:lists]) end)

      for {app, value} <- [{:kernel, [allow: [:trace]]}, {:kernel, :wrong}] do
        Bare.call(target, :application, :set_env, [app, :elixir_scope_distributed, value])
        assert {:error, %{reason: :inject_not_allowed} = error} = plan(tool, target)
        assert Exception.message(error) =~ "allow:"
      end

      Bare.call(target, :application, :set_env, [
        :kernel,
        :elixir_scope_distributed,
        [allow: [:inject]]
      ])

      assert {:ok, _plan} = plan(tool, target)
      Bare.call(target, :application, :set_env, [:elixir_scope_distributed, :allow, []])
      assert {:error, %{reason: :inject_not_allowed}} = plan(tool, target)
    end

    @tag :tmp_dir
    test "returns of a loop, where its file says that it is one", context do
      %{tool: tool, target: target, tmp_dir: tmp_dir} = context
      Bare.in_file(target, tmp_dir)
      node = target.node

      plan = fn patterns ->
        on(tool, fn -> Inject.plan(node, patterns, return: true, health: calm()) end)
      end

      assert {:error, %{reason: :runaway_return}} = plan.([{:shop, :spin, 1}])
      assert {:ok, %{functions: %{refused: refused}}} = plan.([:shop])
      assert {:shop, :spin, 1} in refused and {:shop, :buy, 2} not in refused
    end

    test "a second run at a time, and a module of that name", %{tool: tool, target: target} do
      begin(tool, target, [{:shop, :tick}], [])
      assert {:error, %{reason: :already_injected}} = plan(tool, target)
      assert {:ok, %{equal?: true}} = ended(tool)

      name = Inject.Guest.Budget
      {:ok, ^name, code} = :compile.forms([{:attribute, 1, :module, name}])
      Bare.call(target, :code, :load_binary, [name, ~c"theirs", code])
      assert {:error, %{reason: :module_taken} = error} = plan(tool, target)
      assert Exception.message(error) =~ "Budget"
      assert Bare.call(target, :erlang, :module_loaded, [name])
    end

    test "another tool that traces, where all share one tracer", %{tool: tool, target: target} do
      before = Bare.state(target)
      pid = Bare.spawn(target, :loop, [])
      Bare.call(target, :erlang, :apply, [:dbg, :tracer, []])
      {:ok, _} = Bare.call(target, :dbg, :p, [pid, [:call]])

      if Bare.sessions(target) == [] do
        assert {:error, %{reason: :other_tracer}} = plan(tool, target)
      else
        assert {:ok, _plan} = plan(tool, target)
      end

      Bare.call(target, :dbg, :stop, [])
      Bare.call(target, :erlang, :send, [pid, :stop])
      assert {:ok, _plan} = eventually(fn -> assert {:ok, _} = plan(tool, target) end)
      assert Bare.difference(target, before) |> Keyword.take([:modules, :flags]) == []
    end
  end

  # SCOPE_OTHER_OTP says how to start newer ones.
  @tag :other_otp
  @tag timeout: 300_000
  test "nodes of newer versions", %{tool: tool} do
    for other <- OtherOtp.all() do
      target = Bare.start(exec: other[:exec])
      connected(tool, target)
      server = Bare.spawn(target, :server, [])
      before = Bare.state(target)
      options = [messages: true]
      begin(tool, target, [{:shop, :tick}])
      assert Keyword.keys(Bare.sessions(target)) == [Inject.Guest.Vm.name()]
      assert {:ok, %{equal?: true}} = ended(tool)
      patterns = [{:shop, :buy}, {:shop, :ask}, {:shop, :server, 0}]
      calls = [buy: [1, %{token: 2}], ask: [server, 3], ask: [server, 4]]
      assert {:ok, result} = traced(tool, target, patterns, options, calls)
      assert {:call, {:shop, :buy, 2}, [1, %{token: @hidden}]} in brief(result.events)

      answers = for %{data: {:answer, _ref, 4}} = event <- result.events, do: event
      assert [%{kind: :send, meta: %{pairing: :exact}}, %{kind: :receive}] = answers
      assert_as_before(target, before, result)
    end
  end

  defp plan(tool, target) do
    node = target.node
    on(tool, fn -> Inject.plan(node, [{:shop, :tick}], health: calm()) end)
  end

  defp asked(tool, target, answer) do
    node = target.node

    on(tool, fn ->
      me = self()
      say = &send(me, {:said, &1})

      ask = fn question ->
        send(me, {:asked, question})
        answer
      end

      options = [say: say, ask: ask, duration_ms: 100, health: calm()]
      result = Inject.run(node, [{:shop, :tick}], options)
      true = Process.info(me, :messages) |> elem(1) |> List.keymember?(:asked, 0)
      {outcome(result), for({:said, line} <- elem(Process.info(me, :messages), 1), do: line)}
    end)
  end

  defp outcome({:ok, %{equal?: true}}), do: :done
  defp outcome({:error, error}), do: error.reason

  defp alive?(target, pid), do: Bare.call(target, :erlang, :is_process_alive, [pid])

  defp wait(ms) do
    until = System.monotonic_time(:millisecond) + ms
    eventually(fn -> System.monotonic_time(:millisecond) > until end)
  end
end
