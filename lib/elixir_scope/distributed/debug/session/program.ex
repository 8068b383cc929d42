defmodule ElixirScope.Distributed.Debug.Session.Program do
  @moduledoc false
  # A VM that a session starts, as an operating system's process: what it writes, apart for standard
  # output and error, a pipe of its own in both directions (file descriptors 3 and 4), and its end.
  #
  # An Erlang port reads one stream. So each of both streams of the program leads through a named
  # pipe, in a folder that only this user can enter, to a reader, which is a port of its own. Nothing of that
  # may stay behind when this VM is killed in between: a reader ends when its standard input does,
  # takes its folder away as soon as both ends are open, and neither side ever waits to open one, as each
  # opens it for both directions first.

  # Waits for a line that says that the program has opened its end. What it could complain of itself is
  # that nobody reads any more.
  @reader """
  exec 2>/dev/null
  umask 077
  folder=$(mktemp -d "${TMPDIR:-/tmp}/elixir_scope.XXXXXXXX") || exit 1
  trap 'rm -rf "$folder"' EXIT
  mkfifo "$folder/pipe" || exit 1
  exec 3<>"$folder/pipe"
  printf '%s\\n' "$folder/pipe"
  read -r _ || exit 0
  exec 4<"$folder/pipe" 3>&-
  rm -rf "$folder"
  trap - EXIT
  exec cat <&4
  """

  # What it becomes has three standard streams that are nobody else's. The last line but one is a message
  # of four bytes, with its length before it.
  @starter """
  exec 5<>"$1" 6<>"$2" || exit 1
  exec </dev/null >"$1" 2>"$2" 5>&- 6>&-
  shift 2
  printf '\\000\\000\\000\\004open' >&4
  exec "$@"
  """

  # To make a folder and a pipe.
  @reader_ms 5_000

  @enforce_keys [:control, :readers, :os_pid]
  defstruct [:control, :readers, :os_pid, :status, open: false]

  @type stream :: :stdout | :stderr
  @type t :: %__MODULE__{
          control: port,
          readers: %{port => stream},
          os_pid: non_neg_integer | nil,
          status: non_neg_integer | nil,
          open: boolean
        }
  @type command :: %{
          program: Path.t(),
          args: [String.t()],
          folder: Path.t(),
          env: %{String.t() => String.t() | false}
        }

  @doc "The shell scripts, by what they are."
  @spec scripts() :: [{String.t(), String.t()}]
  def scripts, do: [{"reader", @reader}, {"starter", @starter}]

  @doc """
  Starts a program; the calling process owns it, and is sent what its ports say. It ends by itself when the
  pipe is closed, if it is one of ours.
  """
  @spec start(command) :: {:ok, t} | {:error, String.t()}
  def start(command) do
    with {:ok, out, out_path} <- reader(),
         {:ok, err, err_path} <- reader_after(out) do
      control = control(command, [out_path, err_path])
      readers = %{out => :stdout, err => :stderr}
      {:ok, %__MODULE__{control: control, readers: readers, os_pid: os_pid(control)}}
    end
  rescue
    error in ErlangError -> {:error, "#{command.program}: #{inspect(error.original)}"}
  end

  defp reader_after(first) do
    with {:error, _why} = error <- reader() do
      close(first)
      error
    end
  end

  defp reader do
    port = Port.open({:spawn_executable, shell()}, [:binary, :exit_status, args: ["-c", @reader]])
    told(port, "")
  end

  defp told(port, before) do
    receive do
      {^port, {:data, bytes}} -> line(port, before <> bytes)
      {^port, {:exit_status, _}} -> {:error, "no pipe can be made in #{System.tmp_dir!()}"}
    after
      @reader_ms ->
        close(port)
        {:error, "no pipe could be made within #{@reader_ms} ms"}
    end
  end

  defp line(port, bytes) do
    case String.split(bytes, "\n", parts: 2) do
      [path, ""] -> {:ok, port, path}
      _part -> told(port, bytes)
    end
  end

  defp control(command, pipes) do
    Port.open({:spawn_executable, shell()}, [
      :nouse_stdio,
      :binary,
      :exit_status,
      packet: 4,
      cd: command.folder,
      env: Enum.map(command.env, &environment/1),
      args: ["-c", @starter, "sh" | pipes] ++ [command.program | command.args]
    ])
  end

  defp environment({name, false}), do: {to_charlist(name), false}
  defp environment({name, value}), do: {to_charlist(name), to_charlist(value)}

  defp shell, do: "/bin/sh"

  @doc "Its standard streams lead to us: the readers may read."
  @spec opened(t) :: t
  def opened(program) do
    for {reader, _stream} <- program.readers, do: say(reader, "\n")
    %{program | open: true}
  end

  @doc "It has ended; if that was before it had opened its streams, it has written to none."
  @spec ended(t, non_neg_integer) :: t
  def ended(%{open: true} = program, status), do: %{program | status: status}

  def ended(program, status) do
    Enum.each(Map.keys(program.readers), &close/1)
    %{program | status: status, readers: %{}}
  end

  @doc "All of a stream was read."
  @spec read(t, stream) :: t
  def read(program, stream),
    do: %{program | readers: Map.reject(program.readers, &match?({_port, ^stream}, &1))}

  @doc "Sends a message to the VM that it is."
  @spec tell(t, binary) :: :ok
  def tell(program, bytes), do: say(program.control, bytes)

  defp say(port, bytes) do
    Port.command(port, bytes)
    :ok
  rescue
    # It has ended.
    ArgumentError -> :ok
  end

  @doc """
  Ends it at once; its end comes as ever. While its port is open, the number is that of no other process.
  """
  @spec kill(t, [String.t()]) :: :ok
  def kill(program, others \\ []) do
    if Port.info(program.control) && program.os_pid,
      do: kill_all(Enum.uniq(["#{program.os_pid}" | others]))

    :ok
  end

  defp kill_all(os_pids),
    do: System.cmd("kill", ["-KILL" | os_pids], stderr_to_stdout: true)

  @doc "Nothing of it is read any more."
  @spec close(t | port) :: :ok
  def close(%__MODULE__{} = program) do
    for port <- [program.control | Map.keys(program.readers)], do: close(port)
    :ok
  end

  # Closing does not end a reader that waits for a program's children to write.
  def close(port) do
    os_pid = os_pid(port)
    Port.close(port)
    os_pid && kill_all(["#{os_pid}"])
    :ok
  rescue
    ArgumentError -> :ok
  end

  defp os_pid(port), do: with({:os_pid, os_pid} <- Port.info(port, :os_pid), do: os_pid)
end
