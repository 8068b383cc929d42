defmodule ElixirScope.Distributed.CLI.Commands.Dap do
  @moduledoc false
  # `mix scope.dap`: the debug adapter, for one client at standard input and output or for several over TCP.

  @behaviour ElixirScope.Distributed.CLI.Command

  alias ElixirScope.Distributed.CLI.{Failure, Kept, Terminal}
  alias ElixirScope.Distributed.Debug.Adapter.{Import, Stdio, Tcp}

  @impl true
  def spec do
    %{
      summary: "Serves editors that speak the Debug Adapter Protocol",
      about: """
      By itself it speaks with one client at standard input and output, and ends with
      it, and with it all that was started for it. With --port it listens at loopback:
      each client has a session of its own. What is debugged, and how, stands in the
      launch configuration that the editor sends: see the guide on editors.
      """,
      arguments: {"", 0..0},
      options: [:port, :import],
      common: [:help],
      examples: [
        {"", "for an editor that starts its adapters itself"},
        {"--port 4711", "for editors that connect to 127.0.0.1:4711"},
        {"--import .vscode/launch.json", "what becomes of a configuration for ElixirLS"}
      ]
    }
  end

  @impl true
  def check(%{options: %{port: _port, import: _file}}),
    do: {:error, "--import reads a file and ends: leave out --port"}

  def check(%{options: %{port: port}}) when port > 65_535,
    do: {:error, "--port: expected one of 1 to 65535, got: #{port}"}

  def check(_fine), do: :ok

  @impl true
  def here(%{options: %{import: path}}), do: path |> read!() |> Import.text() |> imported()

  def here(%{options: %{port: port}}) do
    Kept.library()
    listen(Tcp.start_link(port: port))
  end

  def here(_stdio) do
    Kept.library()
    :ok = Stdio.run()
    :fine
  end

  defp read!(path) do
    case File.read(path) do
      {:ok, text} -> text
      {:error, reason} -> raise Failure.new(:usage, "#{path}: #{:file.format_error(reason)}")
    end
  end

  defp imported({:ok, %{json: json, table: table}}) do
    IO.puts(json)
    IO.puts(Terminal.complaints(), table)
    :fine
  end

  defp imported({:error, message}), do: raise(Failure.new(:usage, message))

  # A program that starts us waits for this line.
  defp listen({:ok, server}) do
    IO.puts("listening at 127.0.0.1:#{Tcp.port(server)}")
    Terminal.take_signals()
    receive do: ({:scope_signal, _name} -> Tcp.stop(server))
    :fine
  end

  defp listen({:error, {:shutdown, reason}}),
    do: raise(Failure.new(:failed, "it cannot listen: #{:inet.format_error(reason)}"))
end
