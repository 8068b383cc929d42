defmodule ElixirScope.Distributed.Debug.Session.EndsTest do
  # Each side of a session is killed at each of twenty steps. Afterwards the machine is as before: processes,
  # names at the port mapper, modules that are interpreted, breakpoints.
  #
  # Two of them by default; all with `mix test --include long`, or some of them (`SCOPE_STEPS`).
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Eventually

  alias ElixirScope.Distributed.Debug.Session
  alias ElixirScope.Distributed.{Debugged, Debugged.Steps}

  @moduletag :cluster
  @moduletag timeout: 900_000
  @missing (cond do
              not Debugged.told?() -> "needs /proc, to see what is left"
              match?({:error, _}, Code.ensure_loaded(:int)) -> "needs Erlang's debugger"
              true -> false
            end)
  @moduletag skip: @missing

  # How long a lease is, and what may come on top: the end of a VM.
  @lease_ms 3_000
  @after_ms 10_000

  # Before all nodes are there, seen from outside.
  @beginning ~w(nothing program vm name names connected)a
  @steps @beginning ++ [:started] ++ Steps.all()

  test "there are twenty steps" do
    assert length(@steps) + length([:stop]) >= 20
  end

  setup_all do
    folder = Debugged.project!()
    on_exit(fn -> File.rm_rf!(folder) end)
    [folder: folder]
  end

  test "who debugs is killed while a process stands in what it started", %{folder: folder} do
    started(:evaluate, :debugger, folder)
  end

  test "who debugs is killed while a process stands on a node that goes on", %{folder: folder} do
    joined([{:step, :debugger}], folder)
  end

  @tag :long
  test "any side is killed at any step, of what a session started", %{folder: folder} do
    for step <- chosen(@steps ++ [:stop]), victim <- [:debugger, :target, :language] do
      ms = started(step, victim, folder)
      IO.puts("#{step}, #{victim} killed: as before after #{ms} ms")
    end
  end

  @tag :long
  test "any side is killed at any step, of nodes that go on", %{folder: folder} do
    joined(
      for(
        step <- chosen(Steps.all() -- [:run]),
        victim <- [:debugger, :language],
        do: {step, victim}
      ),
      folder
    )
  end

  # SCOPE_STEPS=hit,step are these alone.
  defp chosen(steps) do
    case System.get_env("SCOPE_STEPS") do
      nil -> steps
      names -> for step <- steps, Atom.to_string(step) in String.split(names, ","), do: step
    end
  end

  # What a session has started: nothing is left of it, whoever is killed.

  defp started(step, victim, folder) do
    debugger = debugger()
    starting = Task.async(fn -> start(debugger, folder) end)
    session = reached(step, debugger, starting)
    began = System.monotonic_time(:millisecond)
    kill(victim, debugger, session)
    if victim != :debugger, do: over(debugger, starting, session)
    nothing_left(debugger, if(victim == :debugger, do: [], else: debugger.own))
    ms = System.monotonic_time(:millisecond) - began
    Task.shutdown(starting, :brutal_kill)
    Debugged.clear(debugger)
    ms
  end

  defp debugger do
    debugger = Debugged.debugger!([], true)
    on_exit(fn -> Debugged.clear(debugger) end)
    debugger
  end

  defp start(debugger, folder) do
    Debugged.start(debugger,
      target: {:mix, "run", ["-e", "Shop.Day.forever()"]},
      project_dir: folder,
      hold: true,
      lease_ms: @lease_ms,
      stop_ms: 2_000
    )
  catch
    # It was killed meanwhile.
    :exit, _reason -> :killed
  end

  defp reached(step, debugger, _starting) when step in @beginning do
    eventually(fn -> there?(step, debugger) end, within: 20_000)
    nil
  end

  defp reached(step, debugger, starting) do
    {:ok, session} = Task.await(starting, 60_000)
    Debugged.call(debugger, Steps, :use, [session])
    before = Enum.take_while(@steps, &(&1 != step)) ++ if(step == :stop, do: [], else: [step])

    for step <- before,
        step in Steps.all(),
        do: :ok = Debugged.call(debugger, Steps, :take, [step])

    if step == :stop, do: spawn(fn -> Debugged.call(debugger, Session, :stop, [session]) end)
    session
  end

  defp there?(:nothing, _debugger), do: true
  defp there?(:program, debugger), do: Debugged.left(debugger) != []
  defp there?(:vm, debugger), do: vms(debugger) != []
  defp there?(:name, debugger), do: Debugged.names(debugger.mark) != []
  defp there?(:names, debugger), do: length(Debugged.names(debugger.mark)) == 2

  defp there?(:connected, debugger),
    do: :peer.call(debugger.control, Node, :list, [:hidden]) != []

  defp vms(debugger),
    do: for({pid, line} <- Debugged.all(debugger.mark), line =~ "Session.Boot", do: {pid, line})

  # At a step at which it is not there yet, nothing is.
  defp kill(:debugger, debugger, _session), do: Debugged.signal(debugger.os_pid, "KILL")

  defp kill(role, debugger, session) do
    for {pid, line} <- vms(debugger),
        of?(role, pid, line, debugger, session),
        do: Debugged.signal(pid, "KILL")
  end

  # Before they have names, by their command lines.
  defp of?(role, _pid, line, _debugger, nil), do: line =~ "Shop.Day" == (role == :target)
  defp of?(:target, _pid, line, _debugger, _session), do: line =~ "Shop.Day"
  defp of?(:language, _pid, line, _debugger, _session), do: not (line =~ "Shop.Day")

  # Who debugs is there, hears of it, and can end what is left.
  defp over(debugger, starting, nil) do
    case Task.await(starting, 60_000) do
      {:ok, session} -> stop(debugger, session)
      {:error, _why} -> :ok
    end
  end

  defp over(debugger, _starting, session), do: stop(debugger, session)
  defp stop(debugger, session), do: :ok = Debugged.call(debugger, Session, :stop, [session])

  defp nothing_left(debugger, own) do
    eventually(
      fn ->
        left =
          for {pid, line} <- Debugged.all(debugger.mark),
              pid not in own,
              not (line =~ "inet_gethost"),
              do: line

        assert {left, Debugged.names(debugger.mark)} == {[], []}
        true
      end,
      within: @lease_ms + @after_ms
    )
  end

  # Nodes that were there before, and are there afterwards: nothing of a session is left on them.

  defp joined(kills, folder) do
    owner = debugger()

    {:ok, nodes} =
      Debugged.start(owner,
        target: {:mix, "run", ["-e", "Shop.Day.forever()"]},
        project_dir: folder
      )

    cookie = Debugged.call(owner, Session, :cookie, [nodes])
    before = traces(owner, nodes)

    for {step, victim} <- kills do
      guest = debugger()

      options = [
        target: nodes.target,
        language: nodes.language,
        cookie: cookie,
        project_dir: folder
      ]

      {:ok, session} = Debugged.start(guest, options)
      Debugged.call(guest, Steps, :use, [session])

      for step <- Steps.all() |> Enum.take_while(&(&1 != step)) |> Kernel.++([step]),
          do: :ok = Debugged.call(guest, Steps, :take, [step])

      # There is something to be undone.
      if step in Steps.held(), do: assert(traces(owner, nodes) != before)
      lose(victim, guest, session)

      eventually(fn -> match?(^before, traces(owner, nodes)) end,
        within: 10_000 + @after_ms
      )

      Debugged.clear(guest)
      if length(kills) > 1, do: IO.puts("#{step}, #{victim} killed: the target is as before")
    end

    stop(owner, nodes)
    nothing_left(owner, owner.own)
  end

  defp lose(victim, guest, session) do
    kill(victim, guest, session)
    if victim == :language, do: stop(guest, session)
    nothing_left(guest, if(victim == :debugger, do: [], else: guest.own))
  end

  defp traces(owner, nodes),
    do: Debugged.call(owner, :erpc, :call, [nodes.target, Steps, :traces, [], 10_000])
end
