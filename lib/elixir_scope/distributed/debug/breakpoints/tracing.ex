defmodule ElixirScope.Distributed.Debug.Breakpoints.Tracing do
  @moduledoc false
  # A log point at the head of a function that shows nothing but its arguments: the calls are told by a trace
  # of the library, and no process is interpreted or stopped. One process for each; with it ends its trace.

  alias ElixirScope.Distributed
  alias ElixirScope.Distributed.Capture.Targets.Modules
  alias ElixirScope.Distributed.Debug.Breakpoints.{Expression, Heads, Holder, Passing, Wish}

  # A trace ends after an hour at the latest; it is begun again before.
  @again_ms 50 * 60 * 1_000
  @begins_ms 10_000

  @doc "Where such a log point can be told by a trace, and how; `:error` where it has to be interpreted."
  @spec can(Wish.t(), map) :: {:ok, {atom, arity}, Heads.t()} | :error
  def can(%Wish{log: nil}, _named), do: :error

  def can(wish, named) do
    with "Elixir." <> _ <- Atom.to_string(named.module),
         {:module, _} <- :code.ensure_loaded(named.module),
         {:ok, function, line} <- head(named),
         {:ok, heads} <- Heads.read(named.module, function, line, Wish.variables(wish)) do
      {:ok, function, heads}
    else
      _not_so -> :error
    end
  end

  defp head(%{asked: line, function: nil, module: module}) when is_integer(line),
    do: with({:ok, function} <- Heads.at(module, line), do: {:ok, function, line})

  defp head(%{function: {name, arity}}) when is_integer(arity), do: {:ok, {name, arity}, nil}
  defp head(_place), do: :error

  @doc "Begins it; whatever is against a trace here is an error."
  @spec start(map, map, {atom, arity}, Heads.t(), atom) :: {:ok, pid} | {:error, term}
  def start(passed, named, function, heads, scope) do
    {asker, ref} = {self(), make_ref()}

    state = %{
      passed: passed,
      module: named.module,
      function: function,
      asked: named[:asked],
      heads: heads,
      scope: scope
    }

    {pid, monitor} = spawn_monitor(fn -> run(state, {asker, ref}) end)

    receive do
      {^ref, :begun} -> Process.demonitor(monitor, [:flush]) && {:ok, pid}
      {:DOWN, ^monitor, :process, ^pid, reason} -> {:error, reason}
    after
      @begins_ms -> Process.exit(pid, :kill) && {:error, :too_late}
    end
  end

  defp run(state, {asker, ref}) do
    monitor = Process.monitor(Holder)
    {name, arity} = state.function
    filters = [scope: state.scope, kinds: [:call], mfa: {state.module, name, arity}]
    {:ok, _subscription} = Distributed.subscribe(filters)
    state = begin(Map.put(state, :monitor, monitor))
    send(asker, {ref, :begun})
    loop(state)
  end

  defp begin(%{module: module, function: {name, arity}} = state) do
    options = [scope: state.scope, nodes: [node()], capture: :full, profile: :recorder]

    with {:ok, %{matched: matched} = trace} <- Distributed.trace({module, name, arity}, options),
         true <- Map.get(matched, node(), 0) > 0 do
      Process.send_after(self(), :again, @again_ms)
      Map.put(state, :trace, trace.id)
    else
      {:error, error} -> exit({:shutdown, error})
      false -> exit({:shutdown, :no_function})
    end
  end

  defp loop(%{monitor: monitor} = state) do
    receive do
      {:elixir_scope, _ref, events, _about} ->
        Enum.each(events, &told(&1, state)) && loop(fresh(state))

      :again ->
        Distributed.stop_trace(state.trace) && loop(begin(state))

      {:DOWN, ^monitor, :process, _pid, _reason} ->
        :ok

      _other ->
        loop(state)
    end
  end

  defp told(%{node: node, data: arguments} = event, %{passed: passed, heads: heads} = state)
       when node == node() and is_list(arguments) do
    with true <- state.trace in List.wrap(event.meta[:traces]),
         {:ok, bindings} <- Heads.bindings_of(heads, arguments) do
      frame = %{module: state.module, line: heads.line, language: :elixir, bindings: bindings}
      Passing.judge(event.pid, [passed], frame)
    end
  end

  defp told(_of_another, _state), do: :ok

  # Compiled again, its heads may be others.
  defp fresh(state) do
    if Modules.info(state.module, :md5) == state.heads.md5, do: state, else: read_again(state)
  end

  defp read_again(%{passed: passed} = state) do
    variables = Expression.variables_of([passed.condition | passed.log])

    case Heads.read(state.module, state.function, state.asked, variables) do
      {:ok, heads} -> %{state | heads: heads}
      :error -> state
    end
  end
end
