defmodule ElixirScope.Distributed.CLI do
  @moduledoc """
  The `mix scope.*` tasks, and the same from a release, where there is no Mix.

  A command asks a running cluster from outside, or the node that it runs in:

      # of a release that runs: the command runs in that node
      bin/my_app rpc 'ElixirScope.Distributed.CLI.main(["status"])'

      # in a VM of its own, which joins the cluster hidden and leaves it again
      bin/my_app eval 'ElixirScope.Distributed.CLI.main(~w(timeline --node my_app@10.0.0.2 --correlation r-17))'

  What there is: `#{inspect(Enum.map(ElixirScope.Distributed.CLI.Commands.all(), &elem(&1, 0)), limit: :infinity)}`; each
  explains itself with `--help`, and the guide on mix tasks explains all.

  The VM of a tool records nothing, keeps nothing, and is no member of the cluster; it does not need the native
  library, but for `--open`, as all that it prints is made on the node that it asks.
  """

  alias ElixirScope.Distributed.CLI.{Commands, Exit, Failure, Help, Parser, Session, Terminal}

  @doc """
  Runs a command line, the command's name first. It returns `:ok`, or ends the calling process with
  `{:shutdown, code}`, which `mix`, `bin/app eval` and `bin/app rpc` make their exit code.

      ElixirScope.Distributed.CLI.main(["query", "--node", "web@10.0.0.2", "--kind", "mark"])
  """
  @spec main([String.t()]) :: :ok
  def main(argv) do
    case run(argv) do
      0 -> :ok
      code -> exit({:shutdown, code})
    end
  end

  @doc """
  The same, and returns the exit code.

      iex> ExUnit.CaptureIO.capture_io(:stderr, fn ->
      ...>   send(self(), ElixirScope.Distributed.CLI.run(["stats"]))
      ...> end)
      "there is no command stats, did you mean status?\\n"
      iex> receive do: (code -> code)
      2
  """
  @spec run([String.t()]) :: 0..255
  def run(argv) do
    argv |> command() |> Exit.code()
  rescue
    failure in Failure -> said(failure.exit, failure.message)
  end

  defp command([]), do: printed(Help.overview())
  defp command([help]) when help in ["--help", "-h", "help"], do: printed(Help.overview())

  defp command([name | argv]) do
    case Commands.fetch(name) do
      {:ok, command} -> command(name, command, argv)
      {:error, _unknown} -> raise Failure.new(:usage, unknown(name))
    end
  end

  defp unknown(name) do
    names = Enum.map(Commands.all(), &elem(&1, 0))
    "there is no command #{name}" <> Parser.nearest(name, names)
  end

  defp command(name, command, argv) do
    with {:ok, parsed} <- Parser.parse(argv, Commands.options(command)),
         nil <- parsed.options[:help],
         :ok <- counted(parsed, command.spec()),
         :ok <- check(command, parsed) do
      if function_exported?(command, :here, 1),
        do: command.here(parsed),
        else: Session.run(name, parsed)
    else
      {:error, message} ->
        raise Failure.new(:usage, "#{message}\nmix scope.#{name} --help explains it")

      _help ->
        printed(Help.text(name))
    end
  end

  defp counted(%{arguments: arguments}, %{arguments: {written, count}}) do
    cond do
      length(arguments) in count -> :ok
      Enum.empty?(arguments) -> {:error, "expected #{written}"}
      count == 0..0 -> {:error, "takes options alone, and got: #{Enum.join(arguments, " ")}"}
      true -> {:error, "expected #{written}, got: #{Enum.join(arguments, " ")}"}
    end
  end

  defp check(command, parsed) do
    Code.ensure_loaded(command)
    if function_exported?(command, :check, 1), do: command.check(parsed), else: :ok
  end

  defp printed(text) do
    IO.puts(text)
    :fine
  end

  defp said(exit, message) do
    IO.puts(Terminal.complaints(), message)
    Exit.code(exit)
  end
end
