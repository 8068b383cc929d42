defmodule ElixirScope.Distributed.Debug.Supervisor do
  @moduledoc false
  # What this VM has for debugging, one of each below the application: the desk where other nodes ask,
  # and two places for what is started when it is first needed, one for who knows the code and
  # one for who runs it. Until then there are three idle processes and OTP's `:pg`.
  #
  # The table belongs to this process: what is registered outlives a crash of the desk. What keeps
  # crashing here gives up, and takes nothing else along.

  use Supervisor, restart: :temporary

  alias ElixirScope.Distributed.{Debug, Error}
  alias ElixirScope.Distributed.Debug.{Desk, Table}

  @language Module.concat(__MODULE__, Language)
  @target Module.concat(__MODULE__, Target)
  @places %{language: @language, target: @target}

  @type place :: :language | :target

  def start_link(_options), do: Supervisor.start_link(__MODULE__, [], name: __MODULE__)

  @doc """
  The process of a child specification that has its module's name, started where it does not run yet:

      {:ok, pid} = Debug.Supervisor.ensure(:target, {Owners, []})

  It runs until the VM ends, or it stops by itself with a reason that its `restart:` takes for good.
  """
  @spec ensure(place, module | {module, term} | Supervisor.child_spec()) ::
          {:ok, pid} | {:error, term}
  def ensure(place, child) do
    spec = Supervisor.child_spec(child, [])

    if pid = is_atom(spec.id) && Process.whereis(spec.id),
      do: {:ok, pid},
      else: start(place, spec)
  end

  defp start(place, spec) do
    once = %{spec | start: {__MODULE__, :start_once, [spec.start]}}

    case DynamicSupervisor.start_child(Map.fetch!(@places, place), once) do
      {:ok, pid} -> {:ok, pid}
      {:error, reason} -> {:error, reason}
      # Somebody else was faster.
      :ignore -> there(Process.whereis(spec.id))
    end
  catch
    :exit, _not_there -> {:error, Error.new(:disabled)}
  end

  defp there(nil), do: {:error, :ignore}
  defp there(pid), do: {:ok, pid}

  @doc """
  Starts a part unless it runs. The supervisor that begins one again after a crash may find that
  somebody has wanted it meanwhile: that is no failure, of which it would bear only a few.
  """
  @spec start_once({module, atom, [term]}) :: Supervisor.on_start() | :ignore
  def start_once({module, function, arguments}) do
    with {:error, {:already_started, _pid}} <- apply(module, function, arguments), do: :ignore
  end

  @doc "Every process of it, which nobody interprets or traces."
  @spec processes() :: [pid]
  def processes do
    named = [__MODULE__, Debug, Desk, @language, @target]
    places = for place <- [@language, @target], Process.whereis(place), do: children(place)
    Enum.filter(Enum.map(named, &Process.whereis/1) ++ List.flatten(places), &is_pid/1)
  end

  defp children(place),
    do: for({_id, pid, _type, _modules} <- DynamicSupervisor.which_children(place), do: pid)

  @impl true
  def init(_options) do
    Table.new()

    Supervisor.init(
      [
        place(@language),
        place(@target),
        # Members of other nodes are found from the start, so that the first question sees them.
        %{id: :pg, start: {:pg, :start_link, [Debug]}},
        # Last: when it falls nothing else does, and when the node stops, it is the first to go, so that
        # nobody is answered by what is half gone.
        Desk
      ],
      strategy: :rest_for_one,
      max_restarts: 15,
      max_seconds: 10
    )
  end

  # One that keeps crashing takes its place along, and with it what the place held.
  defp place(name) do
    options = [name: name, strategy: :one_for_one, max_restarts: 10, max_seconds: 10]
    Supervisor.child_spec({DynamicSupervisor, options}, id: name)
  end
end
