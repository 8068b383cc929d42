defmodule ElixirScope.Distributed.Debug.Interpreter.Served do
  @moduledoc false
  # What other nodes can ask of the interpreter, behind `Desk`, which has looked at what is granted.

  alias ElixirScope.Distributed.Capture.Pattern
  alias ElixirScope.Distributed.Debug.{Int, Interpreter, Owners}
  alias ElixirScope.Distributed.Debug.Interpreter.{Choice, Needed, Server}

  @doc "Interprets modules for an owner."
  def interpret(owner, patterns, _options) do
    with :ok <- there(),
         {:ok, patterns} <- Pattern.parse(patterns, atoms: :existing),
         :ok <- Owners.admit(owner),
         {:ok, server} <- Interpreter.ensure(),
         do: Server.interpret(server, owner, Choice.modules(patterns))
  end

  @doc "Gives an owner's modules their compiled code back."
  def restore(owner, patterns) do
    with {:ok, modules} <- modules(patterns),
         {:ok, server} <- Interpreter.ensure(),
         do: {:ok, Server.restore(server, owner, modules)}
  end

  @doc "How interpretation stands."
  def status do
    with {:ok, server} <- Interpreter.ensure(), do: {:ok, server |> Server.status() |> full()}
  end

  defp full(status) do
    {options, status} = Map.pop!(status, :options)
    connected? = Needed.connected?(options[:language_server_node], options)
    Map.merge(status, %{language_server_connected: connected?, cache_size: Needed.cache_size()})
  end

  defp there, do: if(Int.Code.there?(), do: :ok, else: {:error, :no_debugger})

  defp modules(:all), do: {:ok, :all}

  defp modules(patterns) do
    with {:ok, patterns} <- Pattern.parse(patterns, atoms: :existing),
         do: {:ok, Choice.modules(patterns)}
  end
end
