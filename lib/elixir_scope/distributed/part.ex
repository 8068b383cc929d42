defmodule ElixirScope.Distributed.Part do
  @moduledoc """
  A part of a scope that can be replaced: its clock, its synchronizer, its storage.

  A part is one process, started with `start_link/1`, to which is given

    * `:name` - under which it registers, and by which the other callbacks find it,
    * `:scope` - the name of the scope it belongs to,
    * `:node` - what this member is called,

  and the options it was plugged in with. This module is what such a process may need of its scope.
  One that only changes something of the default starts the default inside:

      def start_link(options) do
        EventSynchronizer.start_link(Keyword.update!(options, :name, &Part.inner(&1, :default)))
      end

      def describe(name), do: EventSynchronizer.describe(Part.inner(name, :default))
  """

  alias ElixirScope.Distributed.Capture.Correlation.Token
  alias ElixirScope.Distributed.{Error, Scope, Transport}

  @typedoc "The name a part is started under."
  @type name :: GenServer.name()

  @type role :: :clock | :synchronizer | :storage

  @doc """
  A name for another process of the same part.

      name = Part.inner(options[:name], :worker)
  """
  @spec inner(name, atom) :: name
  def inner({:via, registry, {table, {scope, role}}}, tag),
    do: {:via, registry, {table, {scope, {role, tag}}}}

  @doc """
  The scope that a part belongs to.

      :shop = Part.scope(name)
  """
  @spec scope(name) :: atom
  def scope({:via, _registry, {_table, {scope, _role}}}), do: scope

  @doc """
  Sends a message to the same part of another member, which `deliver/3` gets.

      :ok = Part.send(name, :"orders@127.0.0.1", %GlobalClockUpdate{source_node: node, kind: :ping, sent_at: stamp})
  """
  @spec send(name, node, Transport.message()) :: :ok | {:error, :busy | :unreachable | Error.t()}
  def send(name, to, message) do
    with {:ok, scope} <- Scope.fetch(scope(name)), do: Transport.send_to(scope, to, message)
  end

  @doc false
  # The module of a part, and the name of its process.
  @spec address(module | {module, keyword}, atom, module) :: {module, name}
  def address({module, _options}, scope, process), do: address(module, scope, process)
  def address(module, scope, process), do: {module, Scope.via(scope, process)}

  @doc false
  @spec child(role, module, Scope.t()) :: Supervisor.child_spec()
  def child(role, process, scope),
    do: %{id: process, start: {__MODULE__, :start_link, [role, scope]}}

  @doc false
  # Its node may be called otherwise by now than when the tree was described.
  @spec start_link(role, Scope.t()) :: GenServer.on_start()
  def start_link(role, described) do
    with {:ok, scope} <- Scope.fetch(described.name) do
      {module, name} = Map.fetch!(scope, role)
      given = [name: name, scope: scope.name, node: scope.node]
      module.start_link(Keyword.merge(extra(scope.options[role]), given))
    end
  end

  @doc false
  # Asks a part; where it is not there, or ends meanwhile, the scope does not run.
  @spec ask(atom, role, atom, [term]) :: term | {:error, Error.t()}
  def ask(scope, role, function, arguments \\ []) do
    with {:ok, running} <- Scope.fetch(scope),
         do: Token.aside(fn -> call(Map.fetch!(running, role), function, arguments) end)
  catch
    :exit, {:timeout, {GenServer, :call, [_part, _request, ms]}} ->
      {:error, Error.new(:no_time, scope: scope, role: role, ms: ms)}

    :exit, {_ended, _call} ->
      {:error, Scope.not_there(scope)}
  end

  @doc false
  # Tells a part something, if it is there.
  @spec tell(atom, role, atom, [term]) :: :ok
  def tell(scope, role, function, arguments) do
    with {:ok, running} <- Scope.fetch(scope),
         do: call(Map.fetch!(running, role), function, arguments)

    :ok
  catch
    :exit, _not_there -> :ok
  end

  defp call({module, name}, function, arguments), do: apply(module, function, [name | arguments])

  defp extra({_module, options}), do: options
  defp extra(_module), do: []
end
