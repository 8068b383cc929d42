defmodule ElixirScope.Distributed.DapClient do
  @moduledoc false
  # A client of the debug adapter, over TCP or at the standard streams of a process. It keeps all that was
  # said, in order. An answer is looked for by its number, an event by what it is like; each is taken once.

  use GenServer

  import ExUnit.Assertions

  alias ElixirScope.Distributed.Case.{Epmd, Run}
  alias ElixirScope.Distributed.Debug.Adapter.{Json, Protocol}
  alias ElixirScope.Distributed.Shell

  @wait_ms 30_000

  # Those of the specification that clients send, as of its version 1.71.
  @names ~w(attach breakpointLocations cancel completions configurationDone continue dataBreakpointInfo
            disassemble disconnect evaluate exceptionInfo goto gotoTargets initialize launch loadedSources
            locations modules next pause readMemory restart restartFrame reverseContinue scopes
            setBreakpoints setDataBreakpoints setExceptionBreakpoints setExpression
            setFunctionBreakpoints setInstructionBreakpoints setVariable source stackTrace stepBack
            stepIn stepInTargets stepOut terminate terminateThreads threads variables writeMemory)

  @doc "Every request of the protocol, by name."
  def names, do: @names

  @doc "Connects to an adapter that listens."
  def tcp(port), do: started({:tcp, port})

  @doc "Starts an adapter as a process, and speaks with it at its standard streams; what else it says is in a file."
  def stdio(options \\ []), do: started({:stdio, options})

  defp started(via) do
    {:ok, client} = GenServer.start_link(__MODULE__, via)
    client
  end

  @doc "Sends a request; its number."
  def send_request(client, command, arguments \\ %{}),
    do: GenServer.call(client, {:request, command, arguments})

  @doc "Sends bytes."
  def send_bytes(client, bytes), do: GenServer.call(client, {:bytes, bytes})

  @doc "The answer to the request of that number."
  def response(client, seq),
    do:
      take(
        client,
        "an answer to #{seq}",
        &match?(%{"type" => "response", "request_seq" => ^seq}, &1)
      )

  @doc "Sends a request, and its answer's body; it has to succeed."
  def ask(client, command, arguments \\ %{}) do
    response = response(client, send_request(client, command, arguments))
    assert response["success"], "#{command}: #{response["message"]}\n#{transcript(client)}"
    response["body"] || %{}
  end

  @doc "The same for one that has to fail: what it says."
  def refused(client, command, arguments \\ %{}) do
    response = response(client, send_request(client, command, arguments))
    refute response["success"], "#{command} was answered: #{inspect(response["body"])}"
    response["message"]
  end

  @doc "The next event of that name, of those whose body is as a function wants it."
  def event(client, name, like \\ fn _body -> true end) do
    matching = &(&1["type"] == "event" and &1["event"] == name and like.(&1["body"] || %{}))
    take(client, "the event #{name}", matching)["body"] || %{}
  end

  @doc "Waits until the output of a category holds a text."
  def output(client, category, text) do
    event(client, "output", &(&1["category"] == category and &1["output"] =~ text))["output"]
  end

  defp take(client, what, matching) do
    GenServer.call(client, {:take, matching}, @wait_ms)
  catch
    :exit, _timeout -> flunk("no #{what} in:\n#{transcript(client)}")
  end

  @doc "All that was said, the client's own requests included, in order."
  def log(client), do: GenServer.call(client, :log)

  @doc "The same, to be read."
  def transcript(client) do
    Enum.map_join(
      log(client),
      "\n",
      &(&1 |> inspect(limit: 60, printable_limit: 300, width: 160))
    )
  end

  @doc "What came that was no message."
  def refused_bytes(client), do: GenServer.call(client, :refused)

  @doc "Closes the connection, or the adapter's standard input."
  def close(client), do: GenServer.call(client, :close)

  @doc "The operating system's number of the adapter."
  def os_pid(client), do: GenServer.call(client, :os_pid)

  @doc "The exit code of a process, or `:closed`; when it is over."
  def ended(client), do: GenServer.call(client, :ended, @wait_ms)

  @doc "What the process said besides."
  def said(client), do: GenServer.call(client, :said)

  # The process

  @impl true
  def init(via) do
    state = %{protocol: Protocol.new(), seq: 0, log: [], open: [], waiting: [], refused: []}
    {:ok, Map.merge(state, Map.merge(open(via), %{over: nil, ends: []}))}
  end

  defp open({:tcp, port}) do
    {:ok, socket} = :gen_tcp.connect({127, 0, 0, 1}, port, [:binary, active: true, nodelay: true])
    %{socket: socket, port: nil, said: nil}
  end

  # The shell closes the adapter's standard input when ours is told to be closed by a line of its own: a port
  # cannot close one direction alone.
  defp open({:stdio, options}) do
    said =
      Path.join(System.tmp_dir!(), "dap-#{System.pid()}-#{System.unique_integer([:positive])}")

    main = "ElixirScope.Distributed.CLI.main(System.argv())"

    line =
      options[:line] || ["elixir", "-pa", Shell.ebin(), "-e", options[:run] || main, "--", "dap"]

    port =
      Port.open({:spawn_executable, System.find_executable("sh")}, [
        :binary,
        :exit_status,
        args: ["-c", ~S(said=$1; shift; exec "$@" 2>"$said"), "sh", said | line],
        cd: options[:cd] || File.cwd!(),
        env: for({name, value} <- env(options), do: {to_charlist(name), to_charlist(value)})
      ])

    %{socket: nil, port: port, said: said}
  end

  # The run's own port mapper and cookie: nothing of a test meets anything else.
  defp env(options) do
    Run.ensure_started()
    run = [{"ERL_EPMD_PORT", "#{Epmd.port()}"}, {"SCOPE_COOKIE", "#{Run.cookie()}"}]
    run ++ (options[:env] || [])
  end

  @impl true
  def handle_call({:request, command, arguments}, _from, state) do
    seq = state.seq + 1
    write(state, Protocol.request(seq, command, arguments))
    sent = %{"type" => "request", "seq" => seq, "command" => command, "arguments" => arguments}
    {:reply, seq, %{state | seq: seq, log: [sent | state.log]}}
  end

  def handle_call({:bytes, bytes}, _from, state) do
    write(state, bytes)
    {:reply, :ok, state}
  end

  def handle_call({:take, matching}, from, state) do
    case Enum.find(state.open, matching) do
      nil -> {:noreply, %{state | waiting: state.waiting ++ [{from, matching}]}}
      message -> {:reply, message, %{state | open: List.delete(state.open, message)}}
    end
  end

  def handle_call(:os_pid, _from, state),
    do: {:reply, state.port |> Port.info(:os_pid) |> elem(1), state}

  def handle_call(:log, _from, state), do: {:reply, Enum.reverse(state.log), state}
  def handle_call(:refused, _from, state), do: {:reply, Enum.reverse(state.refused), state}
  def handle_call(:said, _from, state), do: {:reply, File.read!(state.said), state}

  def handle_call(:close, _from, %{socket: nil} = state) do
    Port.close(state.port)
    {:reply, :ok, state}
  end

  def handle_call(:close, _from, state) do
    :gen_tcp.close(state.socket)
    {:reply, :ok, state}
  end

  def handle_call(:ended, from, %{over: nil} = state),
    do: {:noreply, %{state | ends: [from | state.ends]}}

  def handle_call(:ended, _from, state), do: {:reply, state.over, state}

  defp write(%{socket: nil, port: port}, bytes), do: Port.command(port, bytes)
  defp write(%{socket: socket}, bytes), do: :gen_tcp.send(socket, bytes)

  @impl true
  def handle_info({_from, {:data, bytes}}, state), do: {:noreply, read(bytes, state)}
  def handle_info({:tcp, _socket, bytes}, state), do: {:noreply, read(bytes, state)}
  def handle_info({_port, {:exit_status, code}}, state), do: {:noreply, over(code, state)}
  def handle_info({:tcp_closed, _socket}, state), do: {:noreply, over(:closed, state)}
  def handle_info(_other, state), do: {:noreply, state}

  defp over(how, state) do
    for from <- state.ends, do: GenServer.reply(from, how)
    %{state | over: how, ends: []}
  end

  # The protocol reads requests; here it is answers and events, so bodies are taken as they are.
  defp read(bytes, state) do
    {bodies, rest} = bodies(Map.get(state, :rest, "") <> bytes, [])
    Enum.reduce(bodies, Map.put(state, :rest, rest), &message/2)
  end

  defp bodies(bytes, done) do
    with ["Content-Length: " <> length, rest] <- String.split(bytes, "\r\n\r\n", parts: 2),
         length = String.to_integer(length),
         true <- byte_size(rest) >= length do
      behind = binary_part(rest, length, byte_size(rest) - length)
      bodies(behind, [binary_part(rest, 0, length) | done])
    else
      false -> {Enum.reverse(done), bytes}
      [""] -> {Enum.reverse(done), ""}
      _part when byte_size(bytes) < 16 -> {Enum.reverse(done), bytes}
      _other when is_binary(bytes) -> partial(bytes, done)
    end
  end

  defp partial("Content-Length: " <> _ = bytes, done), do: {Enum.reverse(done), bytes}
  defp partial(bytes, done), do: {Enum.reverse([{:junk, bytes} | done]), ""}

  defp message({:junk, bytes}, state), do: %{state | refused: [bytes | state.refused]}

  defp message(body, state) do
    {:ok, message} = Json.decode(body)
    state = %{state | log: [message | state.log]}

    case Enum.split_while(state.waiting, fn {_from, matching} -> not matching.(message) end) do
      {_all, []} ->
        %{state | open: state.open ++ [message]}

      {before, [{from, _matching} | rest]} ->
        GenServer.reply(from, message)
        %{state | waiting: before ++ rest}
    end
  end
end
