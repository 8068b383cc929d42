defmodule ElixirScope.Distributed.Capture.State do
  @moduledoc false
  # Which functions of a module hold the state of a process, and where it stands in what they
  # are given and what they return. The module's own attributes say which behaviour it
  # implements; what they do not say is not guessed from a name or from a value.

  alias ElixirScope.Distributed.Capture.Targets.Modules
  alias ElixirScope.Distributed.Error

  @servers [:gen_server, GenServer]
  @machines [:gen_statem]
  @supervisors [:supervisor, :supervisor_bridge, Supervisor, DynamicSupervisor] ++
                 [PartitionSupervisor, Task.Supervisor]

  @modes [:state_functions, :handle_event_function]

  @supervises "a supervisor's is its children, and changes with their events"
  @none "its attributes name no behaviour that keeps one; an agent's is that of Agent, in the " <>
          "process of the agent"

  # Callbacks and, counted from zero, which argument the state before is.
  @server [
    init: {1, nil},
    handle_call: {3, 2},
    handle_cast: {2, 1},
    handle_info: {2, 1},
    handle_continue: {2, 1},
    code_change: {3, 1}
  ]

  @event_types ~w(cast info internal enter timeout state_timeout)a

  @typedoc """
  The behaviour and which of its callbacks. In a state machine with one function for each
  state, that function's name is the state's.
  """
  @type rule ::
          {:gen_server, atom}
          | {:gen_statem, :init | :handle_event | :code_change | {:state, atom}}

  @typedoc """
  The state of a server, and of a state machine its state and data. `:data` is what has come
  of a machine that stays in the state in which it was.
  """
  @type found :: {:state, term} | {:data, term} | :none

  @type outcome :: {:return, term} | {:exception, :error | :exit | :throw, term}

  @doc """
  The functions of a loaded module that hold a state.

  An agent's state is in `Agent.Server`, and so is every other agent's: `Agent` stands for
  its functions, of which only the calls of chosen processes are to be traced.
  """
  @spec functions(module) :: {:ok, [{mfa, rule}]} | {:error, Error.t()}
  def functions(Agent), do: functions(Agent.Server)
  def functions(module) when module in @supervisors, do: no_state(module, @supervises)

  def functions(module) do
    case {Modules.loaded?(module), behaviours(module)} do
      {false, _none} -> no_state(module, "it is not loaded")
      {true, behaviours} -> by_behaviour(module, Enum.map(behaviours, &kind/1))
    end
  end

  @doc "The state that a callback is called with."
  @spec state_before(rule, [term]) :: found
  def state_before({:gen_server, callback}, arguments) do
    case @server[callback] do
      {_arity, nil} -> :none
      {arity, _at} when length(arguments) != arity -> :none
      {_arity, at} -> {:state, Enum.at(arguments, at)}
    end
  end

  def state_before({:gen_statem, {:state, name}}, [type, _content, data]),
    do: if(event?(type), do: {:state, {name, data}}, else: :none)

  def state_before({:gen_statem, :handle_event}, [_type, _content, name, data]),
    do: {:state, {name, data}}

  def state_before({:gen_statem, :code_change}, [_version, name, data, _extra]),
    do: {:state, {name, data}}

  def state_before(_rule, _arguments), do: :none

  @doc "The arguments of a callback with another state in them, or something that stands for it."
  @spec with_state(rule, [term], term) :: [term]
  def with_state({:gen_server, callback}, arguments, state) do
    case @server[callback] do
      {_arity, nil} -> arguments
      {_arity, at} -> List.replace_at(arguments, at, state)
    end
  end

  def with_state({:gen_statem, {:state, _}}, [type, content, _], {_, data}),
    do: [type, content, data]

  def with_state({:gen_statem, :handle_event}, [type, content | _], {name, data}),
    do: [type, content, name, data]

  def with_state({:gen_statem, :code_change}, [version, _, _, extra], {name, data}),
    do: [version, name, data, extra]

  def with_state(_rule, arguments, _state), do: arguments

  @doc "The state that a callback leaves; a thrown value counts as if it were returned."
  @spec state_after(rule, outcome) :: found
  def state_after(rule, {:return, value}), do: left(rule, value)
  def state_after(rule, {:exception, :throw, value}), do: left(rule, value)
  def state_after(_rule, {:exception, _class, _reason}), do: :none

  # Servers

  defp left({:gen_server, callback}, value), do: server(callback, value)
  defp left({:gen_statem, :init}, {:ok, name, data}), do: {:state, {name, data}}
  defp left({:gen_statem, :init}, {:ok, name, data, _actions}), do: {:state, {name, data}}
  defp left({:gen_statem, :init}, _other), do: :none
  defp left({:gen_statem, :code_change}, {:ok, name, data}), do: {:state, {name, data}}
  defp left({:gen_statem, :code_change}, _other), do: :none
  defp left({:gen_statem, {:state, name}}, value), do: value |> machine() |> stayed(name)
  defp left({:gen_statem, :handle_event}, value), do: machine(value)

  defp server(:init, {:ok, state}), do: {:state, state}
  defp server(:init, {:ok, state, _next}), do: {:state, state}
  defp server(:code_change, {:ok, state}), do: {:state, state}
  defp server(callback, _other) when callback in [:init, :code_change], do: :none
  defp server(:handle_call, {:reply, _reply, state}), do: {:state, state}
  defp server(:handle_call, {:reply, _reply, state, _next}), do: {:state, state}
  defp server(:handle_call, {:stop, _reason, _reply, state}), do: {:state, state}
  defp server(_callback, {:noreply, state}), do: {:state, state}
  defp server(_callback, {:noreply, state, _next}), do: {:state, state}
  defp server(_callback, {:stop, _reason, state}), do: {:state, state}
  defp server(_callback, _other), do: :none

  # State machines

  defp machine({:next_state, name, data}), do: {:state, {name, data}}
  defp machine({:next_state, name, data, _actions}), do: {:state, {name, data}}
  defp machine({keep, data}) when keep in [:keep_state, :repeat_state], do: {:data, data}

  defp machine({keep, data, _actions}) when keep in [:keep_state, :repeat_state],
    do: {:data, data}

  defp machine({:stop, _reason, data}), do: {:data, data}
  defp machine({:stop_and_reply, _reason, _replies, data}), do: {:data, data}
  defp machine(_other), do: :none

  defp stayed({:data, data}, name), do: {:state, {name, data}}
  defp stayed(other, _name), do: other

  # Any function of three arguments may be called a state.
  defp event?({:call, _from}), do: true
  defp event?({:timeout, _name}), do: true
  defp event?(type), do: type in @event_types

  # Behaviours

  defp behaviours(module) do
    attributes = Modules.info(module, :attributes) || []
    for {key, names} <- attributes, key in [:behaviour, :behavior], name <- names, do: name
  end

  defp kind(behaviour) when behaviour in @servers, do: :gen_server
  defp kind(behaviour) when behaviour in @machines, do: :gen_statem
  defp kind(behaviour) when behaviour in @supervisors, do: :supervisor
  defp kind(_other), do: nil

  defp by_behaviour(module, kinds) do
    case Enum.uniq(kinds) -- [nil] do
      [:gen_server] -> {:ok, server_functions(module)}
      [:gen_statem] -> machine_functions(module, mode(module))
      [:supervisor] -> no_state(module, @supervises)
      [] -> no_state(module, @none)
      _several -> no_state(module, "its attributes name several behaviours that keep one")
    end
  end

  defp server_functions(module) do
    for {name, {arity, _at}} <- @server, exports?(module, name, arity) do
      {{module, name, arity}, {:gen_server, name}}
    end
  end

  defp machine_functions(module, mode) when mode in @modes do
    fixed = [{{:init, 1}, :init}, {{:code_change, 4}, :code_change}]

    functions =
      for {{name, arity}, rule} <- fixed ++ handlers(module, mode),
          exports?(module, name, arity) do
        {{module, name, arity}, {:gen_statem, rule}}
      end

    {:ok, functions}
  end

  defp machine_functions(module, _none), do: no_state(module, "its callback_mode/0 names no mode")

  defp handlers(_module, :handle_event_function), do: [{{:handle_event, 4}, :handle_event}]

  defp handlers(module, :state_functions) do
    for {name, 3} <- Modules.info(module, :exports), name != :terminate do
      {{name, 3}, {:state, name}}
    end
  end

  # A constant, which the VM asks for whenever such a process starts.
  defp mode(module) do
    module.callback_mode() |> List.wrap() |> Enum.find(&(&1 in @modes))
  rescue
    _error -> nil
  catch
    _kind, _value -> nil
  end

  defp exports?(module, name, arity), do: {name, arity} in Modules.info(module, :exports)

  defp no_state(module, why), do: {:error, Error.new(:no_state, module: module, why: why)}
end
