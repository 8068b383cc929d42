defmodule ElixirScope.Distributed.Debug.Breakpoints.Holder do
  @moduledoc false
  # The breakpoints of this node, and the places at which they are. A place has one name, however many
  # breakpoints are there. They end with their owners, and are resolved again when their module was
  # compiled again.

  use GenServer, restart: :temporary

  alias ElixirScope.Distributed.Debug.{Int, Interpreter, Owners, Supervisor}
  alias ElixirScope.Distributed.Debug.Breakpoints.{Board, Breakpoint, Passing, Place, Places}
  alias ElixirScope.Distributed.Debug.Interpreter.Server

  defstruct set: %{}, places: Places.new(Board.most())

  def start_link(_options), do: GenServer.start_link(__MODULE__, [], name: __MODULE__)

  @doc "It, and before it what it depends on."
  def ensure do
    with {:ok, _interpreter} <- Interpreter.ensure(),
         do: Supervisor.ensure(:target, __MODULE__)
  end

  def get(holder, key), do: GenServer.call(holder, {:get, key})

  def put(holder, owner, wish, named, found),
    do: GenServer.call(holder, {:put, {owner, wish.id}, wish, named, found})

  @doc "One that a trace tells of."
  def put_traced(holder, owner, wish, named, {{name, arity}, line, tracer}) do
    found = %{function: name, arity: arity, line: line, lines: [], times: %{}, tracer: tracer}
    put(holder, owner, wish, named, found)
  end

  def clear(holder, owner, ids), do: GenServer.call(holder, {:clear, owner, ids})
  def list(holder), do: GenServer.call(holder, :list)
  def left_out(holder, key, modules), do: GenServer.cast(holder, {:left_out, key, modules})

  @impl true
  def init(_options) do
    with {:ok, owners} <- Owners.subscribe(),
         :ok <- Server.subscribe(Interpreter) do
      Board.new()
      forgotten()

      Process.monitor(owners)
      Process.monitor(Interpreter)
      {:ok, %__MODULE__{}}
    else
      {:error, reason} -> {:stop, reason}
    end
  end

  # Of one before this one, which fell. Its owners were told.
  defp forgotten, do: Enum.each(Int.Breaks.asking(Passing), &Int.Breaks.delete/1)

  @impl true
  def handle_call({:get, key}, _from, state) do
    case state.set do
      %{^key => one} -> {:reply, {:ok, shown(one, key)}, state}
      _none -> {:reply, :error, state}
    end
  end

  def handle_call({:put, key, wish, named, found}, _from, state) do
    one = %{
      wish: wish,
      named: named,
      breakpoint: Breakpoint.of(wish, named, found),
      lines: found.lines,
      times: found.times,
      tracer: found[:tracer]
    }

    case placed(state, key, one) do
      {:ok, state} -> {:reply, {:ok, shown(one, key)}, state}
      {:error, reason} -> {:reply, {:error, reason}, state}
    end
  end

  def handle_call({:clear, owner, ids}, _from, state) do
    keys = for {{^owner, id} = key, _one} <- state.set, ids == :all or id in ids, do: key
    {:reply, Enum.map(keys, &elem(&1, 1)), Enum.reduce(keys, state, &removed(&2, &1))}
  end

  def handle_call(:list, _from, state),
    do: {:reply, for({key, one} <- state.set, do: shown(one, key)), state}

  @impl true
  def handle_cast({:left_out, key, modules}, state) do
    case state.set do
      %{^key => one} ->
        {:noreply, keep(state, key, %{one | breakpoint: %{one.breakpoint | left_out: modules}})}

      _cleared ->
        {:noreply, state}
    end
  end

  @impl true
  def handle_info({:owner_gone, owner, _reason}, state) do
    keys = for {{^owner, _id} = key, _one} <- state.set, do: key
    {:noreply, Enum.reduce(keys, state, &removed(&2, &1))}
  end

  # What interpreted code calls of a module that is interpreted as well, no trace tells.
  def handle_info({:interpreted, module}, state) do
    traced =
      for {key, %{named: %{module: ^module}, tracer: pid}} when pid != nil <- state.set, do: key

    {:noreply, Enum.reduce(traced, state, &no_longer_traced(&2, &1, module))}
  end

  def handle_info({:interpreted_again, module}, state) do
    case Server.held(Interpreter, module) do
      {:ok, held} -> {:noreply, Enum.reduce(keys(state, module), state, &again(&2, &1, held))}
      :error -> {:noreply, state}
    end
  end

  def handle_info({:not_interpreted, module, reason}, state),
    do: {:noreply, Enum.reduce(keys(state, module), state, &lost(&2, &1, reason))}

  # Without them nobody knows whom anything belongs to, or what is interpreted.
  def handle_info({:DOWN, _monitor, :process, _pid, _reason}, state) do
    Enum.reduce(Map.keys(state.set), state, &removed(&2, &1))
    {:stop, :shutdown, state}
  end

  defp keys(state, module),
    do: for({key, %{named: %{module: ^module}, tracer: nil}} <- state.set, do: key)

  # -- one more, one less --

  defp placed(state, key, one) do
    with {:ok, places, new} <- Places.add(state.places, places(one), key) do
      state = keep(%{state | places: places}, key, one)
      write(state, places(one))
      broken(state, key, for({place, name} <- new, do: Int.Breaks.set(place, {Passing, name})))
    end
  end

  defp broken(state, key, results) do
    case Enum.find(results, &(&1 != :ok)) do
      nil ->
        {:ok, state}

      error ->
        removed(state, key)
        error
    end
  end

  defp removed(state, key) do
    {one, set} = Map.pop!(state.set, key)
    Board.forget(key)
    if one.tracer, do: Process.exit(one.tracer, :kill)
    unplaced(%{state | set: set}, key, places(one))
  end

  defp unplaced(state, key, places) do
    {now, free} = Places.remove(state.places, places, key)

    for {place, name} <- free do
      Int.Breaks.delete(place)
      Board.delete(name)
    end

    state = %{state | places: now}
    write(state, places)
    state
  end

  defp keep(state, key, one), do: %{state | set: Map.put(state.set, key, one)}

  # What those see who pass.
  defp write(state, places) do
    for place <- places,
        {:ok, name, keys} <- [Places.at(state.places, place)],
        do:
          Board.put(
            name,
            place,
            for(key <- keys, one = state.set[key], do: passed(key, one, place))
          )
  end

  defp passed(key, one, {_module, line}),
    do: %{Passing.seen(key, one.wish) | times: one.times[line] || 1, shown: one.breakpoint}

  defp places(%{named: %{module: module}, lines: lines}),
    do: for(line <- lines, do: {module, line})

  # -- compiled again --

  defp again(state, key, held) do
    one = state.set[key]
    state = unplaced(state, key, places(one))

    with {:ok, named} <- Place.name(one.wish.where),
         {:ok, found} <- Place.find(named, held),
         now = Breakpoint.of(one.wish, named, found),
         {:ok, state} <-
           placed(state, key, %{
             one
             | named: named,
               breakpoint: now,
               lines: found.lines,
               times: found.times
           }) do
      tell(state, key, moved(one.breakpoint, now))
    else
      {:error, reason} -> lost(state, key, reason)
    end
  end

  defp no_longer_traced(state, key, module) do
    one = state.set[key]
    Process.exit(one.tracer, :kill)
    state = keep(state, key, %{one | tracer: nil})

    with {:ok, [{:ok, ^module}]} <- Server.interpret(Interpreter, key, [module]),
         {:ok, held} <- Server.held(Interpreter, module) do
      again(state, key, held)
    else
      _gone_again -> lost(state, key, :owner_gone)
    end
  end

  defp moved(before, now) do
    if {before.function, before.arity, before.line} == {now.function, now.arity, now.line},
      do: :verified,
      else: :moved
  end

  defp lost(state, key, reason) do
    one = state.set[key]
    state = unplaced(state, key, places(one))
    breakpoint = %{one.breakpoint | verified: {false, reason}}
    state |> keep(key, %{one | breakpoint: breakpoint, lines: []}) |> tell(key, :gone)
  end

  defp tell(state, {owner, _id} = key, event) do
    send(owner, {:breakpoint, event, shown(state.set[key], key)})
    state
  end

  # -- as it is shown --

  defp shown(one, key), do: %{one.breakpoint | hits: Board.hits(key)}
end
