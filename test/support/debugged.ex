defmodule ElixirScope.Distributed.Debugged do
  @moduledoc false
  # VMs that debug, each of its own, and what of them and of all that they start there is on this
  # machine: a variable in the environment, which every child inherits, says to which test a process belongs.

  alias ElixirScope.Distributed.Case.{Epmd, Run}
  alias ElixirScope.Distributed.Debug.Session
  alias ElixirScope.Distributed.Scratch

  @mark "SCOPE_TEST_MARK"
  @call_ms 60_000

  @doc "A project that does not know the library."
  def project! do
    folder = Scratch.folder!()
    Scratch.application!(folder, "shop", "", "")

    Scratch.write!(folder, "lib/shop/till.ex", """
    defmodule Shop.Till do
      def total(items) do
        sum = add(items, 0)
        tax = div(sum, 5)
        sum + tax
      end

      defp add([], sum), do: sum
      defp add([item | items], sum), do: add(items, sum + item)
    end
    """)

    # Whoever never leaves a module stays in the code of it that it is in: so it is another one.
    Scratch.write!(folder, "lib/shop/day.ex", """
    defmodule Shop.Day do
      def forever do
        Shop.Till.total([1, 2, 3])
        receive after: (20 -> forever())
      end
    end
    """)

    Scratch.write!(folder, "test/test_helper.exs", "ExUnit.start()")
    folder
  end

  @doc "Whether this machine shows environments of processes."
  def told?, do: File.exists?("/proc/self/environ")

  @doc "A VM that will debug, with the library running in it or not, and everything that it will start."
  def debugger!(env \\ [], library? \\ false) do
    Run.ensure_started()
    mark = "m#{System.pid()}x#{System.unique_integer([:positive])}"
    {:ok, control, _node} = :peer.start(peer(mark, env))
    os_pid = control |> :peer.call(:os, :getpid, []) |> to_string()
    apps = [:elixir | if(library?, do: [:elixir_scope_distributed], else: [])]
    for app <- apps, do: {:ok, _} = :peer.call(control, :application, :ensure_all_started, [app])
    _runner = :peer.call(control, __MODULE__, :begin, [])
    own = for {os_pid, _line} <- all(mark), do: os_pid
    %{control: control, os_pid: os_pid, mark: mark, own: own}
  end

  defp peer(mark, env) do
    own = [{"ERL_EPMD_PORT", "#{Epmd.port()}"}, {@mark, mark}, {"MIX_ENV", ""}]
    build = for name <- ~w(MIX_BUILD_ROOT MIX_BUILD_PATH), do: {name, ""}

    %{
      connection: :standard_io,
      wait_boot: 30_000,
      args: Enum.map(["-pa" | paths()], &to_charlist/1),
      env: for({name, value} <- build ++ own ++ env, do: {to_charlist(name), to_charlist(value)})
    }
  end

  defp paths do
    root = to_string(:code.lib_dir())
    :code.get_path() |> Enum.map(&Path.expand/1) |> Enum.reject(&String.starts_with?(&1, root))
  end

  @doc "Starts a session of it, whose names say whose they are."
  def start(debugger, options) do
    options = Keyword.put_new(options, :name, debugger.mark <> "-{role}-{id}")
    call(debugger, Session, :start, [options])
  end

  @doc "Calls a function in the process of it that owns its sessions."
  def call(debugger, module, function, arguments) do
    case :peer.call(debugger.control, __MODULE__, :ask, [module, function, arguments], @call_ms) do
      {:ok, value} -> value
      {:raised, kind, reason, stack} -> :erlang.raise(kind, reason, stack)
    end
  end

  @doc "The messages that its owner got since it was asked last."
  def messages(debugger), do: call(debugger, __MODULE__, :drain, [])

  @doc "The end of all that belongs to a test, at its end."
  def clear(debugger) do
    for {os_pid, _line} <- all(debugger.mark), do: signal(os_pid, "KILL")
    :ok
  end

  @doc "A signal to a process that is one of a test's."
  def signal(os_pid, name) do
    System.cmd("kill", ["-#{name}", "#{os_pid}"], stderr_to_stdout: true)
    :ok
  end

  @doc "The processes that belong to a test, with their command lines."
  def all(mark) do
    for path <- Path.wildcard("/proc/[0-9]*/environ"),
        {:ok, bytes} <- [File.read(path)],
        String.contains?(bytes, @mark <> "=" <> mark <> "\0"),
        folder = Path.dirname(path),
        {:ok, line} <- [File.read(Path.join(folder, "cmdline"))],
        line != "",
        do: {Path.basename(folder), String.replace(line, "\0", " ")}
  end

  @doc "The command lines of what a VM that debugs has started, without what every VM has."
  def left(debugger) do
    for {os_pid, line} <- all(debugger.mark),
        os_pid not in debugger.own and not (line =~ "inet_gethost"),
        do: line
  end

  @doc "The names of a test that the port mapper knows."
  def names(mark) do
    {:ok, socket} = :gen_tcp.connect({127, 0, 0, 1}, Epmd.port(), [:binary, active: false])
    :ok = :gen_tcp.send(socket, <<0, 1, ?n>>)
    text = all(socket, "")

    for [_all, name] <- Regex.scan(~r/^name (\S+) at/m, text),
        String.starts_with?(name, mark),
        do: name
  end

  defp all(socket, text) do
    case :gen_tcp.recv(socket, 0, 5_000) do
      {:ok, bytes} -> all(socket, text <> bytes)
      {:error, :closed} -> binary_part(text, 4, byte_size(text) - 4)
    end
  end

  # In the VM that debugs

  def begin do
    pid = spawn(fn -> serve([]) end)
    Process.register(pid, __MODULE__)
    pid
  end

  def ask(module, function, arguments) do
    ref = Process.monitor(__MODULE__)
    send(__MODULE__, {__MODULE__, self(), ref, module, function, arguments})

    receive do
      {^ref, answer} -> Process.demonitor(ref, [:flush]) && answer
      {:DOWN, ^ref, _, _, reason} -> exit(reason)
    end
  end

  defp serve(_state) do
    receive do
      {__MODULE__, from, ref, module, function, arguments} ->
        send(from, {ref, run(module, function, arguments)})
        serve([])
    end
  end

  defp run(module, function, arguments) do
    {:ok, apply(module, function, arguments)}
  catch
    kind, reason -> {:raised, kind, reason, __STACKTRACE__}
  end

  @doc false
  def drain do
    receive do
      message when elem(message, 0) != __MODULE__ -> [message | drain()]
    after
      0 -> []
    end
  end
end
