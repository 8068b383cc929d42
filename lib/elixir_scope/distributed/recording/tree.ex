defmodule ElixirScope.Distributed.Recording.Tree do
  @moduledoc false
  # The scope that an opened recording is: its store, and processes that read it. Nobody hears of it, it
  # hears of nobody, and nothing happens in it; so it needs none of the others.

  use Supervisor

  alias ElixirScope.Distributed.{Cluster.Memory, Error, Options, Scope, Storages, Transport}

  @doc "Starts it under the application. It ends with its file, and is not begun again."
  @spec start(atom, Path.t(), boolean) :: {:ok, pid} | {:error, Error.t()}
  def start(name, path, salvage) do
    child = child_spec({name, path, salvage})
    {_module, [{:name, scopes} | _options]} = Scope.supervisor()

    with {:ok, _started} <- Application.ensure_all_started(:elixir_scope_distributed),
         pid when is_pid(pid) <- Process.whereis(scopes) do
      pid |> DynamicSupervisor.start_child(child) |> started(name)
    else
      nil ->
        {:error, Error.new(:disabled)}

      {:error, reason} ->
        {:error, Error.new(:no_scope, recording: path, message: inspect(reason))}
    end
  end

  defp started({:ok, pid}, _name), do: {:ok, pid}

  defp started({:error, {:already_started, _pid}}, name),
    do: {:error, Error.new(:scope_taken, recording: name)}

  defp started({:error, {:shutdown, {:failed_to_start_child, _child, %Error{} = error}}}, _name),
    do: {:error, error}

  defp started({:error, reason}, name),
    do: {:error, Error.new(:no_scope, recording: name, message: inspect(reason))}

  @doc false
  @spec child_spec({atom, Path.t(), boolean}) :: Supervisor.child_spec()
  def child_spec({name, _path, _salvage} = recording),
    do: %{super(recording) | id: {Scope, name}} |> Map.put(:restart, :temporary)

  @doc false
  @spec start_link({atom, Path.t(), boolean}) :: Supervisor.on_start()
  def start_link({name, _path, _salvage} = recording),
    do: Supervisor.start_link(__MODULE__, recording, name: Scope.via(name, Scope))

  @impl true
  def init({name, path, salvage}) do
    own = %Scope{name: name, memory: Memory.new(), recording: {path, salvage}}
    inbox = Transport.Inbox.new()
    scope = Scope.describe(%{own | inbox: inbox}, Options.validate!(:start, name: name))
    workers = {Task.Supervisor, name: Scope.via(name, Task.Supervisor)}
    Supervisor.init([{Storages.Native, scope}, workers], strategy: :rest_for_one)
  end
end
