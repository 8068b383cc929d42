defmodule ElixirScope.Distributed.CLI.Job do
  @moduledoc false
  # A command, on the node that answers it: a process that writes to the devices of who asked, and
  # ends with the name of an exit code. Whatever becomes of who asked, `Watch` ends it, and what it
  # owns with it, such as a trace on all nodes.

  alias ElixirScope.Distributed.CLI.{Commands, Failure, Options, Request, Watch}
  alias ElixirScope.Distributed.Scope

  @doc "What a tool asks first: which tools this node understands."
  @spec hello() :: %{protocol: pos_integer, version: String.t()}
  def hello do
    version = Application.spec(:elixir_scope_distributed, :vsn) || ~c"not started"
    %{protocol: Request.protocol(), version: to_string(version)}
  end

  @doc "Answers a request; the calling process ends with `{:scope_exit, name}`."
  @spec run(Request.t()) :: no_return
  def run(request) do
    Scope.hide()
    Watch.start(self(), request)
    exit({:scope_exit, answer(request)})
  end

  defp answer(request) do
    with {:ok, command} <- Commands.fetch(request.command),
         :ok <- known(request.options) do
      command.run(request)
    else
      {:error, what} -> too_old(request, what)
    end
  rescue
    failure in Failure -> said(request, failure)
    # The node is another one than a moment ago, or this is a mistake of ours: not to be lost.
    error -> said(request, Failure.new(:failed, Exception.format(:error, error, __STACKTRACE__)))
  catch
    :exit, reason -> said(request, Failure.new(:failed, Exception.format_exit(reason)))
  end

  defp known(options) do
    case Map.keys(options) -- Keyword.keys(Options.all()) do
      [] -> :ok
      [key | _] -> {:error, Options.switch(key)}
    end
  end

  defp too_old(request, what),
    do: said(request, Failure.new(:version, "the library on #{node()} does not know #{what}"))

  defp said(request, failure) do
    say(request, failure.message)
    failure.exit
  end

  @doc "Says something about the answer, which is no part of it."
  @spec say(Request.t(), iodata) :: :ok
  def say(request, text), do: IO.write(request.err, [text, ?\n])

  @doc "Writes a line of the answer."
  @spec line(Request.t(), iodata) :: :ok
  def line(request, text), do: IO.write(request.out, [text, ?\n])

  @doc "Writes lines of the answer, many at a time."
  @spec lines(Request.t(), Enumerable.t()) :: :ok
  def lines(request, lines) do
    lines
    |> Stream.chunk_every(200)
    |> Enum.each(&IO.write(request.out, for(line <- &1, do: [line, ?\n])))
  end
end
