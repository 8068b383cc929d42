defmodule ElixirScope.Distributed.Debug.SessionTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Eventually

  alias ElixirScope.Distributed.{Debugged, Error, Scope}
  alias ElixirScope.Distributed.Debug.Session

  @moduletag :cluster
  @moduletag skip: if(Debugged.told?(), do: false, else: "needs /proc, to see what is left")

  setup_all do
    folder = Debugged.project!()
    on_exit(fn -> File.rm_rf!(folder) end)

    File.write!(Path.join(folder, "test/shop_test.exs"), """
    defmodule ShopTest do
      use ExUnit.Case

      test "writes" do
        File.write!("/dev/stdout", <<255, 0, 1>>)
        IO.binwrite(:stderr, "complaint")
        IO.puts(inspect(flags: System.get_env("ERL_AFLAGS"), cookie: System.get_env("ELIXIR_SCOPE_COOKIE")))
        assert Shop.hello() == :wrong
      end
    end
    """)

    [folder: folder]
  end

  setup do
    debugger = Debugged.debugger!([{"ELIXIR_SCOPE_COOKIE", "inherited"}])
    on_exit(fn -> Debugged.clear(debugger) end)
    [debugger: debugger]
  end

  defp output(messages, stream) do
    for {:elixir_scope_session, _id, {:output, ^stream, bytes}} <- messages, into: "", do: bytes
  end

  defp told(messages), do: for({:elixir_scope_session, _id, what} <- messages, do: what)

  # All messages until one that is asked for.
  defp until(debugger, wanted, before \\ []) do
    eventually(
      fn ->
        messages = Process.get(:messages, before) ++ Debugged.messages(debugger)
        Process.put(:messages, messages)
        assert Enum.any?(told(messages), wanted), inspect(told(messages))
        Process.delete(:messages)
      end,
      within: 20_000
    )
  end

  defp nothing_left(debugger) do
    eventually(
      fn ->
        left = Debugged.left(debugger)
        assert {left, Debugged.names(debugger.mark)} == {[], []}
        assert Path.wildcard(Path.join(System.tmp_dir!(), "elixir_scope.*/pipe")) == []
        true
      end,
      within: 15_000
    )
  end

  test "a test of a project that does not have the library, and a node that knows its code",
       context do
    %{debugger: debugger, folder: folder} = context

    {:ok, session} =
      Debugged.start(debugger, target: {:test, []}, project_dir: folder, hold: true)

    assert %Session{target: target, language: language, id: id} = session
    assert to_string(target) =~ ~r/\A#{debugger.mark}-target-[0-9a-f]{10}@127\.0\.0\.1\z/

    # It is granted to the one, and not to the other.
    granted = fn node ->
      {:ok, scope} =
        Debugged.call(debugger, :erpc, :call, [node, Scope, :fetch, [ElixirScope.Distributed]])

      :debug in scope.options[:allow]
    end

    assert granted.(target)
    refute granted.(language)
    in_secret(debugger, session)
    at_loopback(debugger)

    # Nobody's member.
    assert Debugged.call(debugger, Node, :list, []) == []

    assert Enum.sort(Debugged.call(debugger, Node, :list, [:hidden])) ==
             Enum.sort([target, language])

    {:ok, status} = Debugged.call(debugger, Session, :status, [session])
    assert %{id: ^id, phase: :held} = status
    assert Enum.all?(status.nodes, &(&1.state == :ready and &1.os_pid))

    # What it writes comes before its end, each byte as it was.
    :ok = Debugged.call(debugger, Session, :run, [id])
    messages = until(debugger, &match?({:exited, ^target, _status}, &1))
    assert {:exited, target, 2} in told(messages)

    assert List.last(Enum.filter(told(messages), &match?({_, ^target, _}, &1))) ==
             {:exited, target, 2}

    assert output(messages, :stdout) =~ <<255, 0, 1>>
    assert output(messages, :stdout) =~ "[flags: nil, cookie: nil]"
    assert output(messages, :stdout) =~ "Assertion with == failed"
    assert output(messages, :stderr) =~ "complaint"
    refute output(messages, :stderr) =~ "Assertion with"

    {:ok, %{nodes: nodes}} = Debugged.call(debugger, Session, :status, [session])
    assert %{state: :gone, status: 2} = Enum.find(nodes, &(&1.role == :target))
    assert :ok == Debugged.call(debugger, Session, :stop, [session])
    assert :ok == Debugged.call(debugger, Session, :stop, [id])
    assert {:error, %Error{reason: :no_session}} = Debugged.call(debugger, Session, :status, [id])
    nothing_left(debugger)
    assert Debugged.call(debugger, Kernel, :node, []) == :nonode@nohost
  end

  # Neither shown by the system, nor by what Elixir prints.
  defp in_secret(debugger, session) do
    cookie = Debugged.call(debugger, Session, :cookie, [session])
    assert byte_size(cookie) > 40
    refute inspect(session, structs: false) =~ cookie
    refute inspect(session) =~ cookie
    state = Debugged.call(debugger, :sys, :get_state, [session.id])
    refute inspect(state, limit: :infinity, structs: false) =~ cookie

    for {os_pid, line} <- Debugged.all(debugger.mark) do
      refute line =~ cookie
      refute File.read!("/proc/#{os_pid}/environ") =~ cookie
    end
  end

  defp at_loopback(debugger) do
    {:ok, listening} = File.read("/proc/net/tcp")

    for {name, port} <- Debugged.call(debugger, :erl_epmd, :names, []) |> elem(1),
        String.starts_with?(to_string(name), debugger.mark) do
      assert listening =~ ":0100007F:" || listening =~ "0100007F:#{hex(port)}"
      refute listening =~ "00000000:#{hex(port)}"
    end
  end

  defp hex(port), do: port |> Integer.to_string(16) |> String.pad_leading(4, "0")

  test "nodes that are lost, silent or ended are told, and tried again", context do
    %{debugger: debugger, folder: folder} = context
    run = {:mix, "run", ["-e", "Shop.Day.forever()"]}
    options = [target: run, language: :none, project_dir: folder, lease_ms: 1_200]
    {:ok, session} = Debugged.start(debugger, options)
    target = session.target
    os_pid = os_pid(debugger, session)

    # A connection that is cut is opened again.
    Debugged.call(debugger, :erlang, :disconnect_node, [target])
    messages = until(debugger, &match?({:back, ^target, _}, &1))
    assert Enum.find(told(messages), &match?({:down, ^target, _}, &1))

    # One that stands still is silent.
    Debugged.signal(os_pid, "STOP")
    until(debugger, &(&1 == {:down, target, :silent}))
    Debugged.signal(os_pid, "CONT")
    until(debugger, &(&1 == {:back, target, :silent}))

    Debugged.signal(os_pid, "KILL")
    until(debugger, &(&1 == {:exited, target, 137}))
    nothing_left(debugger)
  end

  defp os_pid(debugger, session) do
    {:ok, %{nodes: [%{os_pid: os_pid}]}} = Debugged.call(debugger, Session, :status, [session])
    os_pid
  end

  test "what a session started ends with its owner, and with a VM that stands still",
       context do
    %{debugger: debugger, folder: folder} = context
    options = [target: :plain, language: :none, project_dir: folder, lease_ms: 1_200]
    {:ok, session} = Debugged.start(debugger, options)
    Debugged.signal(debugger.os_pid, "STOP")
    nothing_left(debugger)
    Debugged.signal(debugger.os_pid, "CONT")
    target = session.target
    until(debugger, &match?({:exited, ^target, _}, &1))

    {:ok, _session} = Debugged.start(debugger, options)

    true =
      :peer.call(debugger.control, Process, :exit, [
        :peer.call(debugger.control, Process, :whereis, [Debugged]),
        :kill
      ])

    nothing_left(debugger)
  end

  test "a node that runs is joined, hidden, by several, and left as it is", context do
    %{debugger: debugger, folder: folder} = context
    other = Debugged.debugger!()
    on_exit(fn -> Debugged.clear(other) end)

    # A language node that one debugger has, and another one uses.
    {:ok, owner} = Debugged.start(debugger, target: :none, project_dir: folder)
    cookie = Debugged.call(debugger, Session, :cookie, [owner])
    joining = [target: :none, language: owner.language, cookie: cookie, project_dir: folder]
    # With another cookie nobody gets in.
    wrong = Keyword.put(joining, :cookie, "wrong")
    assert {:error, %Error{reason: :unreachable} = error} = Debugged.start(other, wrong)
    assert Exception.message(error) =~ "refuses this cookie"
    refute Exception.message(error) =~ "wrong"

    assert {:ok, guest} = Debugged.start(other, joining)
    assert guest.language == owner.language
    assert {:up, owner.language, :joined} in told(Debugged.messages(other))

    :ok = Debugged.call(other, Session, :stop, [guest])
    assert {:ok, %{phase: :running}} = Debugged.call(debugger, Session, :status, [owner])
    assert [_language] = Debugged.names(debugger.mark)
    :ok = Debugged.call(debugger, Session, :stop, [owner])
    nothing_left(debugger)
  end

  test "what cannot be started is an error that says why, and nothing is left", context do
    %{debugger: debugger, folder: folder} = context

    for {options, reason, says} <- [
          {[target: {:mix, "no.such.task"}], :bad_session, "none of those that the options name"},
          {[target: :none, language: :none], :bad_session, "nothing to start"},
          {[target: {:release, folder, []}, language: :none], :bad_session, "no release"},
          {[project_dir: "/no/such"], :bad_session, "no folder"},
          {[name: "x; rm -rf {id}"], :bad_node_name, "a letter, then"},
          {[name: "{nothing}"], :bad_node_name, "{nothing} is none of"},
          {[name: "same"], :bad_node_name, "put {role} into it"},
          {[interface: "everywhere"], :bad_session, "no IPv4 address"},
          {[cookie: "a b", target: :"x@127.0.0.1"], :bad_cookie, "no spaces"},
          {[target: :"no@127.0.0.1", cookie: "c", language: :none], :unreachable,
           "no node called"},
          {[tarject: 1], :bad_options, "unknown option :tarject, did you mean"},
          {[boot_ms: 150, target: :plain], :not_in_time, "within 150 ms"}
        ] do
      options = Keyword.put_new(options, :project_dir, folder)
      assert {:error, %Error{reason: ^reason} = error} = Debugged.start(debugger, options)
      assert Exception.message(error) =~ says
    end

    File.write!(Path.join(folder, "lib/broken.ex"), "defmodule Broken do")

    assert {:error, %Error{reason: :exited, details: %{why: 1}}} =
             Debugged.start(debugger, project_dir: folder)

    File.rm!(Path.join(folder, "lib/broken.ex"))
    # Versions of Elixir differ in where they complain.
    messages = Debugged.messages(debugger)
    assert output(messages, :stdout) <> output(messages, :stderr) =~ "lib/broken.ex"
    nothing_left(debugger)
  end
end
