defmodule ElixirScope.Distributed.Shell do
  @moduledoc false
  # Commands as people type them: operating system processes of their own, some of them at a terminal,
  # against the nodes of a test.

  alias ElixirScope.Distributed, as: Library
  alias ElixirScope.Distributed.Case.{Epmd, Run}

  @main "ElixirScope.Distributed.CLI.main(System.argv())"
  @wait_ms 20_000

  @doc "What of traces there is on the node that this is called on: none where none runs."
  def traces do
    {:ok, status} = Library.status()
    running = for trace <- status.traces.running, do: {:running, trace.id}
    running ++ Enum.flat_map(sessions(), &watched/1)
  end

  # From OTP 27 on several tools can trace at a time, each by itself; what all of them shared before is
  # one of these.
  defp sessions do
    if function_exported?(:trace, :session_info, 1),
      do: apply(:trace, :session_info, [:all]),
      else: [{:legacy, :default}]
  end

  # The function, in any session, and the processes.
  defp watched(session) do
    {:all, function} = info(session, {Till, :work, 1}, :all)

    List.wrap(function || nil) ++
      for(pid <- Process.list(), flags = flags(session, pid), do: {pid, flags})
  end

  defp flags(session, pid) do
    with {:flags, [_ | _] = flags} <- info(session, pid, :flags), do: flags, else: (_none -> nil)
  end

  defp info({:legacy, :default}, what, item), do: :erlang.trace_info(what, item)
  defp info(session, what, item), do: apply(:trace, :info, [session, what, item])

  @doc "Begins a trace whose owner lives as long as the node; its number."
  def hold(pattern, options) do
    caller = self()
    spawn(fn -> keep(caller, pattern, options) end)
    receive do: ({:held, id} -> id)
  end

  defp keep(caller, pattern, options) do
    {:ok, trace} = Library.trace(pattern, options)
    send(caller, {:held, trace.id})
    receive do: (:never -> :ok)
  end

  @doc "Runs a command to its end: what it printed, what it said besides, and its exit code."
  def scope(arguments, options \\ []) do
    said = Path.join(System.tmp_dir!(), "said-#{System.unique_integer([:positive])}")
    script = ~S(said=$1; shift; exec "$@" 2>"$said" </dev/null)
    command = ["-c", script, "sh", said | line(arguments, options)]
    {out, code} = System.cmd("sh", command, env: env(options))
    result = %{out: out, err: File.read!(said), code: code}
    File.rm!(said)
    result
  end

  @doc "The same at a terminal, as a port: `type/2`, `read/2` and `ended/1` are what people do there."
  def terminal(arguments, options \\ []) do
    # `script` makes the terminal; what is typed comes to it by its standard input.
    quoted = Enum.map_join(line(arguments, options), " ", &quote_argument/1)

    port =
      Port.open({:spawn_executable, System.find_executable("script")}, [
        :binary,
        :exit_status,
        args: ["-qefc", "exec " <> quoted, "/dev/null"],
        env: for({name, value} <- env(options), do: {to_charlist(name), charlist(value)})
      ])

    %{port: port, seen: ""}
  end

  @doc "Whether this machine has a `script` that can do that."
  def terminal? do
    path = System.find_executable("script")
    path != nil and match?({"script from util-linux" <> _, 0}, System.cmd(path, ["--version"]))
  end

  @doc "Types something."
  def type(terminal, text) do
    Port.command(terminal.port, text)
    terminal
  end

  @doc "Reads until there is something."
  def read(%{port: port, seen: seen} = terminal, expected) do
    if seen =~ expected do
      terminal
    else
      receive do
        {^port, {:data, data}} ->
          read(%{terminal | seen: seen <> data}, expected)

        {^port, {:exit_status, code}} ->
          raise "ended with #{code} without #{inspect(expected)}:\n#{seen}"
      after
        @wait_ms -> raise "no #{inspect(expected)} in:\n#{seen}"
      end
    end
  end

  @doc "Reads to the end: all that was seen, and the exit code."
  def ended(%{port: port, seen: seen} = terminal) do
    receive do
      {^port, {:data, data}} -> ended(%{terminal | seen: seen <> data})
      {^port, {:exit_status, code}} -> {seen, code}
    after
      @wait_ms -> raise "it did not end:\n#{seen}"
    end
  end

  @doc "The operating system's numbers of the VMs that run a command with this argument."
  def pids(argument) do
    for path <- Path.wildcard("/proc/[0-9]*/cmdline"),
        {:ok, line} <- [File.read(path)],
        line =~ "beam" and line =~ argument,
        do: path |> String.split("/") |> Enum.at(2)
  end

  # The code of this run, without the start of Mix.
  defp line(arguments, options) do
    options[:line] || ["elixir", "-pa", ebin(), "-e", options[:run] || @main, "--" | arguments]
  end

  @doc "Where the code of this run is."
  def ebin, do: Application.app_dir(:elixir_scope_distributed, "ebin")

  defp env(options) do
    [{"ERL_EPMD_PORT", "#{Epmd.port()}"}, {"SCOPE_COOKIE", "#{Run.cookie()}"}, {"TERM", "xterm"}] ++
      [{"NO_COLOR", "1"} | options[:env] || []]
  end

  # Without a value it is taken away.
  defp charlist(nil), do: false
  defp charlist(value), do: to_charlist(value)

  defp quote_argument(text), do: "'" <> String.replace(text, "'", ~S('\'')) <> "'"
end

defmodule ElixirScope.Distributed.Shell.Json do
  @moduledoc false
  # JSON read back: by Elixir's reader of terms, as OTP 25 has none of JSON. Strings of the two are
  # written alike but for `#{`, which is none here, and escapes by number.

  @doc "The value of one line."
  def decode(text) do
    text
    |> String.replace("\\u", "\\\\u")
    |> String.replace("\#{", "\\\#{")
    |> tokens([])
    |> IO.iodata_to_binary()
    |> Code.string_to_quoted!()
    |> value()
  end

  # Outside of strings alone, `{` becomes `%{` and `:` becomes ` => `.
  defp tokens("", done), do: Enum.reverse(done)

  defp tokens(<<?", rest::binary>>, done) do
    {string, rest} = string(rest, 0, rest)
    tokens(rest, [[?", string, ?"] | done])
  end

  defp tokens(<<?{, rest::binary>>, done), do: tokens(rest, ["%{" | done])
  defp tokens(<<?:, rest::binary>>, done), do: tokens(rest, [" => " | done])
  defp tokens("null" <> rest, done), do: tokens(rest, ["nil" | done])
  defp tokens(<<byte, rest::binary>>, done), do: tokens(rest, [byte | done])

  defp string(<<?\\, _, rest::binary>>, size, all), do: string(rest, size + 2, all)
  defp string(<<?", rest::binary>>, size, all), do: {binary_part(all, 0, size), rest}
  defp string(<<_, rest::binary>>, size, all), do: string(rest, size + 1, all)

  defp value({:%{}, _meta, pairs}), do: Map.new(pairs, fn {key, value} -> {key, value(value)} end)
  defp value({:-, _meta, [number]}), do: -number
  defp value(list) when is_list(list), do: Enum.map(list, &value/1)
  defp value(plain), do: plain
end
