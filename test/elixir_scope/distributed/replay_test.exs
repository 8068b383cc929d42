Code.require_file("../../shared/past.exs", __DIR__)

defmodule ElixirScope.Distributed.ReplayTest do
  # Real servers, replayed in real nodes; what such a node must not do is tried in it.
  use ExUnit.Case

  import ElixirScope.Distributed.Case, only: [eventually: 2]
  import ElixirScope.Distributed.PastTraced

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{Error, Event, Scratch}
  alias ScopePast.{Changed, Events, Server, States, Value}

  @allow [:record, :query, :trace, :replay]

  # The replay node loads modules from files.
  setup_all do
    folder = Scratch.folder!()
    path = Path.join(__DIR__, "../../shared/past.exs")
    options = Code.compiler_options(ignore_module_conflict: true)

    for {module, code} <- Code.compile_file(path),
        do: File.write!(Path.join(folder, "#{module}.beam"), code)

    Code.compiler_options(options)
    true = :code.add_patha(to_charlist(folder))

    on_exit(fn ->
      :code.del_path(to_charlist(folder))
      File.rm_rf!(folder)
    end)
  end

  setup context do
    [scope: scope!(allow: Map.get(context, :allow, @allow))]
  end

  defp server!(scope, argument \\ 1) do
    {:ok, pid} = GenServer.start_link(Server, argument)
    done(pid)
    watch!(scope, pid, Server)
    pid
  end

  defp replay(pid, module, scope, options \\ []),
    do: Scope.replay(pid, 0, :now, module, [scope: scope] ++ options)

  defp machine!(scope, module, data) do
    {:ok, pid} = :gen_statem.start_link(module, data, [])
    watch!(scope, pid, module)
    pid
  end

  defp error(result) do
    assert {:error, %Error{} = error} = result
    assert is_binary(Exception.message(error))
    {error.reason, error.details}
  end

  describe "what is equal" do
    test "a server, from its beginning", %{scope: scope} do
      trace!(scope, Server)
      {:ok, pid} = GenServer.start_link(Server, 3)
      watch!(scope, pid, Server)
      :ok = GenServer.call(pid, {:add, :apple})
      for n <- 1..20, do: GenServer.cast(pid, {:inc, n})
      send(pid, :twice)
      send(pid, :soon)
      eventually(fn -> assert %{late: true} = :sys.get_state(pid) end, [])
      GenServer.cast(pid, :throw)
      assert %{n: 0} = GenServer.call(pid, :get)

      assert {:ok, result} = replay(pid, Server, scope)
      assert %{messages: 28, states: 28, last: nil} = result
      assert %{to: to, message: :ok, event: {_origin, _seq}} = hd(result.sends)
      assert to == self()
    end

    test "a server that runs already, from the state in which the trace found it", %{scope: scope} do
      pid = server!(scope, 5)
      for n <- 1..5, do: GenServer.cast(pid, {:inc, n})
      done(pid)
      assert {:ok, %{messages: 5, states: 5, sent: 0}} = replay(pid, Server, scope)
    end

    test "part of it, between two events", %{scope: scope} do
      pid = server!(scope)
      for n <- 1..9, do: GenServer.cast(pid, {:inc, n})
      done(pid)
      {:ok, states} = Scope.events(pids: [pid], kinds: [:state], scope: scope)
      {from, to} = {Enum.at(states, 2), Enum.at(states, 5)}

      assert {:ok, %{messages: 3, states: 3}} =
               Scope.replay(pid, Event.Id.text(from.id), to.id, Server, scope: scope)
    end

    test "pids are the same ones, its own and those of its children too", %{scope: scope} do
      pid = server!(scope)
      GenServer.call(pid, {:add, 1})
      for cast <- [:me, :start], do: GenServer.cast(pid, cast)
      %{child: child} = :sys.get_state(pid)
      GenServer.cast(pid, {:child, child})
      GenServer.cast(pid, {:set, :pids, [child, pid, self()]})
      assert %{same: true} = :sys.get_state(pid)
      assert {:ok, %{messages: 5, states: 5}} = replay(pid, Server, scope)
    end

    test "others answer what they answered", %{scope: scope} do
      {:ok, value} = GenServer.start_link(Value, 10)
      pid = server!(scope)
      assert 10 = GenServer.call(pid, {:ask, value})
      assert 11 = GenServer.call(pid, {:ask, value})
      assert {:ok, %{messages: 2, states: 2}} = replay(pid, Server, scope)
      assert GenServer.call(value, :value) == 12
    end

    test "others that have a name", %{scope: scope} do
      {:ok, _value} = GenServer.start_link(Value, 10, name: :scope_past_value)
      pid = server!(scope)
      assert 10 = GenServer.call(pid, {:ask, :scope_past_value})
      assert {:ok, %{messages: 1, states: 1}} = replay(pid, Server, scope)
    end

    test "what is sent reaches nobody", %{scope: scope} do
      pid = server!(scope)
      GenServer.cast(pid, {:tell, self()})
      assert_receive {:told, ^pid, 1}

      assert {:ok, %{sends: [%{to: to, message: {:told, me, 1}}], sent: 1}} =
               replay(pid, Server, scope)

      assert {to, me} == {self(), pid}
      refute_received {:told, _pid, _n}
    end

    test "references in messages, as long as no state has them", %{scope: scope} do
      pid = server!(scope)
      send(pid, {:message, make_ref()})
      done(pid)
      assert {:ok, %{messages: 1}} = replay(pid, Server, scope)
    end

    test "a machine with a function for each state, with what it postponed and its timeouts", %{
      scope: scope
    } do
      trace!(scope, States)
      pid = machine!(scope, States, %{a: 1})
      for cast <- [:open, {:put, :b, 2}, :open, :shut, :later], do: :gen_statem.cast(pid, cast)
      eventually(fn -> assert {_state, %{over: true}} = :sys.get_state(pid) end, [])
      :gen_statem.call(pid, :get)
      # Of its last callback, which left the state as it was, nothing says that it has ended.
      assert {:ok, %{messages: messages, states: states, last: %{returned: true}}} =
               replay(pid, States, scope)

      assert {messages, states} == {13, 12}
    end

    test "a machine with one function for all", %{scope: scope} do
      trace!(scope, Events)
      pid = machine!(scope, Events, %{a: 1})

      for cast <- [:next, {:put, :b, 2}, :nothing, :next, {:put, :c, 3}],
          do: :gen_statem.cast(pid, cast)

      {{:count, 2}, _data} = :gen_statem.call(pid, :get)
      assert {:ok, %{messages: 9, states: states, sends: sends}} = replay(pid, Events, scope)
      assert states in [8, 9]
      assert %{message: {{:count, 2}, %{a: 1, b: 2, c: 3}}} = List.last(sends)
    end

    test "the message that a server died of", %{scope: scope} do
      ExUnit.CaptureLog.capture_log(fn ->
        {:ok, pid} = GenServer.start(Server, 1)
        done(pid)
        watch!(scope, pid, Server)
        monitor = Process.monitor(pid)
        GenServer.cast(pid, {:inc, 1})
        GenServer.cast(pid, :fail)
        assert_receive {:DOWN, ^monitor, :process, ^pid, _reason}

        assert {:ok, %{messages: 2, states: 1, last: %{raised: raised}}} =
                 replay(pid, Server, scope)

        assert raised =~ "no"
      end)
    end
  end

  describe "what differs" do
    test "the first difference is named", %{scope: scope} do
      pid = server!(scope)
      for n <- [1, 13, 2], do: GenServer.cast(pid, {:inc, n})
      done(pid)
      {:ok, states} = Scope.events(pids: [pid], kinds: [:state], scope: scope)

      assert {:different, details} = error(replay(pid, Changed, scope))
      assert %{path: [:n], expected: 15, got: 16, states: 1, messages: 2} = details
      assert details.event == Enum.at(states, 1).id
    end

    test "a callback that fails only now", %{scope: scope} do
      pid = server!(scope)
      for n <- [1, 14, 2], do: GenServer.cast(pid, {:inc, n})
      done(pid)
      assert {:different, %{path: [], got: {:raised, text}}} = error(replay(pid, Changed, scope))
      assert text =~ "unlucky"
    end

    test "another question to others stops it", %{scope: scope} do
      {:ok, value} = GenServer.start_link(Value, 10)
      pid = server!(scope)
      GenServer.call(pid, {:ask, value})
      assert {:asks, %{about: {^value, :another_value}}} = error(replay(pid, Changed, scope))
    end
  end

  describe "what is opaque" do
    test "a fun in a message stops it", %{scope: scope} do
      pid = server!(scope)
      GenServer.cast(pid, {:inc, 1})
      send(pid, {:message, fn -> 1 end})
      done(pid)

      assert {:opaque, %{type: :fun, where: :message, path: [0, 1], messages: 1, states: 1}} =
               error(replay(pid, Server, scope))
    end

    test "a fun in a state, also the first one, does too", %{scope: scope} do
      pid = server!(scope)
      GenServer.cast(pid, {:set, :f, fn -> 1 end})
      GenServer.cast(pid, {:inc, 1})
      done(pid)
      assert {:opaque, %{messages: 0, where: :message}} = error(replay(pid, Server, scope))

      {:ok, states} = Scope.events(pids: [pid], kinds: [:state], scope: scope)
      from = hd(states).id

      assert {:opaque, %{messages: 0, where: :state, path: [:f], type: :fun}} =
               error(Scope.replay(pid, from, :now, Server, scope: scope))
    end

    test "what redaction hides, large integers and references in states", %{scope: scope} do
      for {key, value, type} <- [
            {:password, "x", :redacted},
            {:big, Bitwise.bsl(1, 80), :integer},
            {:r, make_ref(), :reference}
          ] do
        pid = server!(scope)
        GenServer.cast(pid, {:set, key, value})
        done(pid)
        assert {:opaque, %{type: ^type}} = error(replay(pid, Server, scope))
      end
    end
  end

  describe "what is refused" do
    @tag allow: [:record, :query, :trace]
    test "without the capability", %{scope: scope} do
      pid = server!(scope)
      GenServer.cast(pid, {:inc, 1})
      done(pid)
      assert {:not_allowed, %{what: :replay}} = error(replay(pid, Server, scope))
    end

    test "where something was cut", %{scope: scope} do
      {:ok, pid} = GenServer.start_link(Server, 1)
      trace!(scope, Server, processes: done(pid), capture: :arguments)
      GenServer.cast(pid, {:set, :text, String.duplicate("x", 20_000)})
      done(pid)
      assert {:cut, _details} = error(replay(pid, Server, scope))
    end

    test "where calls were not captured, or not what they say", %{scope: scope} do
      {:ok, pid} = GenServer.start_link(Server, 1)
      trace!(scope, [], processes: done(pid))
      GenServer.cast(pid, {:inc, 1})
      done(pid)
      assert {:no_messages, _details} = error(replay(pid, Server, scope))

      {:ok, pid} = GenServer.start_link(Server, 1)
      trace!(scope, Server, processes: done(pid), capture: :calls)
      GenServer.cast(pid, {:inc, 1})
      done(pid)
      assert {:no_messages, _details} = error(replay(pid, Server, scope))
    end

    test "where the state changed unseen", %{scope: scope} do
      pid = server!(scope)
      GenServer.cast(pid, {:inc, 1})
      :sys.replace_state(pid, &%{&1 | n: 100})
      GenServer.cast(pid, {:inc, 1})
      done(pid)
      assert {:not_whole, _details} = error(replay(pid, Server, scope))
    end

    test "of nothing, and of too much", %{scope: scope} do
      assert {:no_state_captured, _} = error(replay(self(), Server, scope))
      pid = server!(scope)
      for n <- 1..5, do: GenServer.cast(pid, {:inc, n})
      done(pid)
      assert {:too_many_messages, _} = error(replay(pid, Server, scope, messages: 3))
    end

    test "a module that is nowhere on the disk", %{scope: scope} do
      pid = server!(scope)
      GenServer.cast(pid, {:inc, 1})
      done(pid)
      assert {:no_code, _} = error(replay(pid, NoSuchModuleAnywhere, scope))
    end

    test "wrong input", %{scope: scope} do
      for {arguments, reason} <- [
            {[:not_a_pid, 0, :now, Server, []], :bad_process},
            {[self(), :yesterday, :now, Server, []], :bad_moment},
            {[self(), 0, {1, 2}, Server, []], :bad_moment},
            {[self(), 0, :now, "Server", []], :bad_module},
            {[self(), 0, :now, nil, []], :bad_module},
            {[self(), 0, :now, Server, [deadline: 3]], :bad_option},
            {[self(), 0, :now, Server, [deadline_ms: 0]], :bad_option},
            {[self(), 0, :now, Server, [scope: :no_such_scope]], :not_running},
            {[self(), "nowhere@h#7", :now, Server, [scope: scope]], :unknown_event}
          ] do
        assert {^reason, _details} = error(apply(Scope, :replay, arguments))
      end
    end
  end

  describe "the replay node" do
    setup %{scope: scope} do
      [pid: server!(scope)]
    end

    defp only(pid, what) do
      GenServer.cast(pid, {:only, what})
      done(pid)
    end

    test "opens no file, program or socket, and removes nothing", %{scope: scope, pid: pid} do
      folder = Scratch.folder!()
      {kept, new} = {Scratch.write!(folder, "kept", "text"), Path.join(folder, "new")}
      {:ok, listening} = :gen_tcp.listen(0, active: false)
      {:ok, port} = :inet.port(listening)

      for {module, function, arguments} <- [
            {File, :write, [new, "x"]},
            {File, :write, [kept, "y"]},
            {File, :mkdir, [new]},
            {File, :rm, [kept]},
            {File, :rename, [kept, new]},
            {:file, :open, [to_charlist(new), [:raw, :write]]},
            {:file, :write_file, [to_charlist(new), "x", [:raw]]},
            {:prim_file, :open, [to_charlist(new), [:write]]},
            {System, :cmd, ["touch", [new]]},
            {:os, :cmd, [to_charlist("touch #{new}")]},
            {:gen_tcp, :connect, [~c"127.0.0.1", port, []]},
            {:gen_tcp, :connect, [~c"127.0.0.1", port, [inet_backend: :socket]]},
            {IO, :puts, ["written"]},
            {Node, :start, [:scope_replayed]}
          ],
          do: only(pid, {:apply, module, function, arguments})

      assert {:ok, %{messages: 14, states: 14}} = replay(pid, Server, scope)
      assert File.read!(kept) == "text"
      assert File.ls!(folder) == ["kept"]
      assert {:error, :timeout} = :gen_tcp.accept(listening, 0)
      File.rm_rf!(folder)
    end

    for what <- [:loop, :sleep, :busy] do
      @what what
      test "ends a callback that does not return: #{what}", %{scope: scope, pid: pid} do
        only(pid, @what)
        assert {:replay_too_long, _} = error(replay(pid, Server, scope, deadline_ms: 300))
        nothing_left()
      end
    end

    test "ends one that takes memory, or sends for ever", %{scope: scope, pid: pid} do
      only(pid, {:grow, []})
      bounds = [deadline_ms: 20_000, memory_bytes: 150_000_000]
      assert {:replay_too_large, _} = error(replay(pid, Server, scope, bounds))
      {:ok, states} = Scope.events(pids: [pid], kinds: [:state], scope: scope)
      only(pid, {:tell_forever, self()})

      result =
        Scope.replay(pid, List.last(states).id, :now, Server, scope: scope, deadline_ms: 1_000)

      assert elem(error(result), 0) in [:replay_too_large, :replay_too_long]
      nothing_left()
    end

    test "tells of one that ends its process, the VM, or fails", %{scope: scope, pid: pid} do
      for {what, reason} <- [die: :replay_ended, halt: :replay_node_ended, raise: :different] do
        {:ok, states} = Scope.events(pids: [pid], kinds: [:state], scope: scope)
        from = if states == [], do: 0, else: List.last(states).id
        only(pid, what)
        assert {^reason, _details} = error(Scope.replay(pid, from, :now, Server, scope: scope))
      end

      nothing_left()
    end

    test "ends with who asked for it", %{scope: scope, pid: pid} do
      only(pid, :sleep)
      asker = spawn(fn -> replay(pid, Server, scope) end)
      eventually(fn -> assert nodes() != [] end, within: 10_000)
      Process.exit(asker, :kill)
      eventually(&nothing_left/0, within: 10_000)
    end

    # Operating system processes of ours, and folders.
    defp nodes do
      {all, 0} = System.cmd("ps", ["-eo", "ppid,args"])

      for line <- String.split(all, "\n"), line =~ "scope_replay_of #{System.pid()} ", do: line
    end

    defp nothing_left do
      assert Path.wildcard(Path.join(System.tmp_dir!(), "elixir_scope_replay_#{System.pid()}_*")) ==
               []

      assert nodes() == []
    end
  end
end
