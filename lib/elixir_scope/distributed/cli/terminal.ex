defmodule ElixirScope.Distributed.CLI.Terminal do
  @moduledoc false
  # The terminal that a command was typed at, if any: how wide it is, whether it has colours, how to ask
  # for what nobody shall see, and what Ctrl-C does.
  #
  # The VM keeps Ctrl-C to itself: its break handler stops everything and asks what to do, and no program
  # can take SIGINT from it. So while a command waits, the terminal is told to send SIGQUIT for Ctrl-C, which
  # programs do get. A shell beside the VM sets that and puts it back when its standard input ends, which
  # it does with the VM, whatever ends that.

  alias ElixirScope.Distributed.CLI.Signals

  @columns 120

  # $1 is the terminal. What it was is written down before anything is changed.
  @setting ~S"""
  was=$(stty -g <"$1") && stty SETTINGS <"$1" && echo set || { echo not; exit 1; }
  read -r _
  stty "$was" <"$1"
  """

  @doc "The width of what is written to, where it is a terminal; else what text is made for."
  @spec width() :: pos_integer
  def width, do: if(printed?(), do: columns() || @columns, else: @columns)

  defp columns do
    with {:error, _} <- :io.columns(),
         path when is_binary(path) <- path(),
         {text, 0} <-
           System.cmd("sh", ["-c", ~S(stty size <"$1"), "sh", path], stderr_to_stdout: true),
         [_rows, columns] <- String.split(text),
         {columns, ""} when columns > 0 <- Integer.parse(columns) do
      columns
    else
      {:ok, columns} -> columns
      _unknown -> nil
    end
  end

  @doc "Whether colours are wanted, as nobody says."
  @spec color?() :: boolean
  def color?,
    do: printed?() and System.get_env("NO_COLOR", "") == "" and System.get_env("TERM") != "dumb"

  @doc """
  Where is said what is no answer: standard error, but in a node that was asked by `bin/app rpc`, whose
  own is not where the command was typed.
  """
  @spec complaints() :: pid
  def complaints do
    device = Process.group_leader()
    if node(device) == node(), do: Process.whereis(:standard_error), else: device
  end

  @doc "Whether standard output is a terminal."
  @spec printed?() :: boolean
  def printed?, do: node(Process.group_leader()) == node() and terminal_printed?()

  defp terminal_printed? do
    case File.read_link("/proc/self/fd/1") do
      {:ok, path} -> terminal?(path)
      # Where there is no /proc.
      {:error, _} -> match?({:ok, _}, :io.columns())
    end
  end

  @doc "Whether somebody can be asked: a terminal is at standard input, and we have it."
  @spec there?() :: boolean
  def there?, do: path() != nil

  defp path do
    with {:ok, stat} <- File.read("/proc/self/stat"),
         {:ok, path} <- File.read_link("/proc/self/fd/0") do
      if terminal?(path) and foreground?(stat), do: path
    else
      _no_proc -> from_ps()
    end
  end

  defp terminal?(path), do: String.starts_with?(path, ["/dev/pts/", "/dev/tty", "/dev/console"])

  # A job in the background must not touch the terminal of its shell. proc(5): behind the name, which is
  # in parentheses, state, parent, group, session, terminal, and the group that has the terminal.
  defp foreground?(stat) do
    [_state, _parent, group, _session, _terminal, front | _] =
      stat |> String.split(")") |> List.last() |> String.split()

    group == front
  end

  defp from_ps do
    arguments = ["-o", "tty=,pgid=,tpgid=", "-p", System.pid()]

    with path when path != nil <- System.find_executable("ps"),
         {text, 0} <- System.cmd(path, arguments, stderr_to_stdout: true),
         [name, group, group] <- String.split(text),
         true <- match?({:ok, _}, :io.columns()) do
      Path.join("/dev", name)
    else
      _none -> nil
    end
  end

  @doc "Asks for what is typed without being shown."
  @spec secret(String.t()) :: {:ok, String.t()} | {:error, :no_terminal}
  def secret(prompt) do
    with path when path != nil <- path(),
         {:ok, hidden} <- change(path, "-echo") do
      answer = IO.gets(prompt)
      restore(hidden)
      # The end of the line was not shown, either.
      IO.write("\n")
      if is_binary(answer), do: {:ok, String.trim(answer)}, else: {:error, :no_terminal}
    else
      _none -> {:error, :no_terminal}
    end
  end

  @doc "Asks a question that is answered by y or n."
  @spec agreed?(String.t()) :: boolean
  def agreed?(question) do
    answer = IO.gets(question <> " [y/N] ")
    is_binary(answer) and String.downcase(String.trim(answer)) in ["y", "yes"]
  end

  @doc """
  From now on the calling process is sent `{:scope_signal, name}` for Ctrl-C (`:sigquit`), for SIGTERM, and
  where the terminal is closed (`:sighup`).
  """
  @spec take_signals() :: port | nil
  def take_signals do
    Signals.take()

    with path when path != nil <- path(),
         {:ok, setting} <- change(path, "intr undef quit '^C'"),
         do: setting,
         else: (_none -> nil)
  end

  @doc "The terminal and the signals are as they were."
  @spec give_back_signals(port | nil) :: :ok
  def give_back_signals(setting) do
    restore(setting)
    Signals.give_back()
  end

  defp restore(nil), do: :ok

  defp restore(port) do
    send(port, {self(), {:command, "\n"}})

    receive do
      {^port, {:exit_status, _status}} -> :ok
    after
      1_000 -> :ok
    end
  end

  defp change(path, settings) do
    script = String.replace(@setting, "SETTINGS", settings)
    arguments = ["-c", script, "sh", path]
    sh = System.find_executable("sh")

    port =
      Port.open({:spawn_executable, sh}, [
        :binary,
        :exit_status,
        :stderr_to_stdout,
        args: arguments
      ])

    changed(port)
  end

  defp changed(port) do
    receive do
      {^port, {:data, "set" <> _}} -> {:ok, port}
      {^port, {:data, _said}} -> changed(port)
      {^port, {:exit_status, _status}} -> :error
    after
      2_000 -> :error
    end
  end
end
