defmodule ElixirScope.Distributed.TimeTravel.Callbacks do
  @moduledoc false
  # Which of the calls of a process are callbacks that keep its state. It is read from the events
  # themselves, as the module need not be loaded where they are looked at: only callbacks leave
  # events of the kind `:state`. Pure.

  alias ElixirScope.Distributed.{Capture, Event}

  # Those of a server that no state machine has: of `init/1` and `code_change` either may be meant.
  @server [handle_call: 3, handle_cast: 2, handle_info: 2, handle_continue: 2]
  @server_too [init: 1, code_change: 3]

  @type t :: %{module => :gen_server | :handle_event | {:state_functions, [name :: atom]}}

  @doc "What the modules of these states are."
  @spec of([Event.t()]) :: t
  def of(states) do
    states
    |> Enum.group_by(&elem(&1.subject, 0))
    |> Map.new(fn {module, events} -> {module, behaviour(events)} end)
  end

  defp behaviour(events) do
    functions = for %{subject: {_m, f, a}} <- events, uniq: true, do: {f, a}

    cond do
      {:handle_event, 4} in functions -> :handle_event
      Enum.any?(functions, &(&1 in @server)) -> :gen_server
      Enum.all?(functions, &(&1 in @server_too)) -> :gen_server
      true -> {:state_functions, names(events)}
    end
  end

  # Functions that were a state, or left one: any other of three arguments is a helper of theirs.
  defp names(events) do
    called = for %{subject: {_module, name, 3}} <- events, do: name
    left = for %{data: {name, _data}} when is_atom(name) <- events, do: name
    Enum.uniq(called ++ left)
  end

  @doc "Which callback a function is, if any."
  @spec rule(t, mfa | term) :: Capture.State.rule() | nil
  def rule(callbacks, {module, function, arity}) do
    case callbacks do
      %{^module => behaviour} -> rule(behaviour, function, arity)
      _other -> nil
    end
  end

  def rule(_callbacks, _subject), do: nil

  defp rule(:gen_server, f, a),
    do: if({f, a} in (@server ++ @server_too), do: {:gen_server, f})

  defp rule(_machine, :init, 1), do: {:gen_statem, :init}
  defp rule(_machine, :code_change, 4), do: {:gen_statem, :code_change}
  defp rule(:handle_event, :handle_event, 4), do: {:gen_statem, :handle_event}

  defp rule({:state_functions, names}, name, 3),
    do: if(name in names, do: {:gen_statem, {:state, name}})

  defp rule(_behaviour, _function, _arity), do: nil
end
