defmodule ElixirScope.Distributed.Storage.Keeper do
  @moduledoc false
  # A plugged storage, called: whatever it raises, throws or exits with is an error.

  alias ElixirScope.Distributed.{Part, Scope}

  # How long a storage may take to end.
  @end_ms 1_000

  @doc "Starts it, linked to the caller."
  @spec start(Scope.t()) :: {:ok, pid} | {:error, term}
  def start(scope) do
    case attempt(fn -> Part.start_link(:storage, scope) end) do
      {:ok, pid} when is_pid(pid) -> {:ok, pid}
      {:error, reason} -> {:error, reason}
      other -> {:error, {:bad_return, other}}
    end
  end

  @doc "Calls one of its callbacks."
  @spec call(Scope.t(), atom, [term]) :: term | {:error, term}
  def call(%{storage: {module, name}}, function, arguments),
    do: attempt(fn -> apply(module, function, [name | arguments]) end)

  @doc "Ends it."
  @spec stop(pid | nil) :: :ok
  def stop(nil), do: :ok

  def stop(pid) do
    monitor = Process.monitor(pid)
    Process.unlink(pid)
    Process.exit(pid, :shutdown)

    receive do
      {:DOWN, ^monitor, :process, ^pid, _reason} -> :ok
    after
      @end_ms -> kill(pid)
    end
  end

  defp kill(pid) do
    Process.exit(pid, :kill)
    :ok
  end

  @doc "What a function of somebody else returns."
  @spec attempt((... -> result)) :: result | {:error, term} when result: term
  def attempt(fun) do
    fun.()
  catch
    kind, reason -> {:error, {kind, reason}}
  end
end
