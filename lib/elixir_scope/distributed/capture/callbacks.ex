defmodule ElixirScope.Distributed.Capture.Callbacks do
  @moduledoc false
  # The callbacks whose states a trace shows: those of the modules that it names, and of
  # the servers among the processes that it names, by the table of `Capture.State`.

  alias ElixirScope.Distributed.Capture.{State, Targets}
  alias ElixirScope.Distributed.Error

  @typedoc "A callback, and whether it is a state machine's."
  @type t :: {mfa, machine? :: boolean}

  @doc "The callbacks of what was found; none where no state is wanted."
  @spec resolve(boolean, Targets.t(), Targets.Processes.t()) :: {:ok, [t]} | {:error, Error.t()}
  def resolve(false, _targets, _processes), do: {:ok, []}

  def resolve(true, targets, processes) do
    modules = named(targets) ++ started(processes)
    found = Enum.map(Enum.uniq(modules), &State.functions/1)

    case {for({:ok, functions} <- found, one <- functions, do: callback(one)), targets.waiting} do
      {[], []} -> {:error, nothing(found)}
      {callbacks, _waiting} -> {:ok, callbacks}
    end
  end

  @doc "The same with those of a module that came, or came again."
  @spec loaded([t], boolean, module) :: [t]
  def loaded(callbacks, false, _module), do: callbacks

  def loaded(callbacks, true, module) do
    others = Enum.reject(callbacks, fn {{of, _, _}, _machine?} -> of == module end)

    case State.functions(module) do
      {:ok, functions} -> others ++ Enum.map(functions, &callback/1)
      {:error, _none} -> others
    end
  end

  defp callback({mfa, {behaviour, _callback}}), do: {mfa, behaviour == :gen_statem}

  defp named(targets),
    do: for(%{mfa: {module, _, _}} <- targets.functions, uniq: true, do: module)

  defp started(%{existing: :all}), do: []
  defp started(processes), do: Enum.flat_map(processes.existing, &module/1)

  # How a process was started says whose callbacks it calls. An agent says the function that
  # it was given; those of `Agent.Server` tell of nobody else.
  defp module(pid) do
    case :proc_lib.initial_call(pid) do
      {module, :init, _arguments} -> [module]
      _other -> [Agent]
    end
  end

  defp nothing([{:error, error} | _more]), do: error

  defp nothing([]),
    do: Error.new(:no_state, module: :none, why: "name servers, by their modules or processes")
end
