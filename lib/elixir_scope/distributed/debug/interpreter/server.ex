defmodule ElixirScope.Distributed.Debug.Interpreter.Server do
  @moduledoc false
  # What is interpreted on this node, and for whom. Modules are read by workers, and loaded here, one
  # after the other. It looks twice a second whether what it has is still what runs, as long as it has
  # anything: a module that was compiled again is interpreted again.

  use GenServer

  alias ElixirScope.Distributed.Capture.Targets.Modules
  alias ElixirScope.Distributed.Debug.{Int, Owners}
  alias ElixirScope.Distributed.Debug.Interpreter.{Claims, Jobs}

  @look_ms 500
  @most 10_000

  defstruct [:owners, :options, :timer] ++
              [claims: Claims.new(), held: %{}, jobs: %{}, subscribers: %{}]

  @doc "How many modules may be interpreted at a time."
  def most, do: @most

  def start_link(name, options), do: GenServer.start_link(__MODULE__, options, name: name)

  def interpret(server, owner, modules),
    do: GenServer.call(server, {:interpret, owner, modules}, :infinity)

  def restore(server, owner, modules), do: GenServer.call(server, {:restore, owner, modules})
  def status(server), do: GenServer.call(server, :status)

  @doc "What is known of a module that is interpreted: `points`, `md5`, `source`."
  def held(server, module), do: GenServer.call(server, {:held, module})

  @doc "The calling process is told `{:interpreted, module}`, `{:interpreted_again, module}` and `{:not_interpreted, module, reason}`."
  def subscribe(server), do: GenServer.call(server, {:subscribe, self()})

  @impl true
  def init(options) do
    with {:ok, owners} <- Owners.subscribe() do
      Enum.each(Int.Code.left_over(), &Int.Code.unload/1)

      {:ok, %__MODULE__{owners: Process.monitor(owners), options: options}}
    else
      {:error, reason} -> {:stop, reason}
    end
  end

  @impl true
  def handle_call({:interpret, owner, modules}, from, state) do
    {here, new} = Enum.split_with(modules, &interpreted?(state, &1))
    state = Enum.reduce(here, state, &claim(&2, owner, &1))
    done = for module <- here, do: {:ok, module}
    {:noreply, begin(state, Jobs.new(owner, from, modules, done), new)}
  end

  def handle_call({:restore, owner, modules}, _from, state) do
    modules = if modules == :all, do: Claims.of(state.claims, owner), else: modules
    {free, claims} = Claims.drop(state.claims, owner, modules)
    {:reply, free, free(%{state | claims: claims}, free)}
  end

  def handle_call({:held, module}, _from, state),
    do: {:reply, Map.fetch(state.held, module), state}

  def handle_call({:subscribe, pid}, _from, state),
    do:
      {:reply, :ok, %{state | subscribers: Map.put(state.subscribers, Process.monitor(pid), pid)}}

  def handle_call(:status, _from, state) do
    modules = for {module, %{lost: nil}} <- state.held, do: module
    pending = state.jobs |> Map.values() |> Enum.map(&Jobs.pending/1) |> Enum.sum()

    {:reply,
     %{
       interpreted_count: length(modules),
       interpreted_modules: Enum.sort(modules),
       pending_interpretations: pending,
       options: state.options
     }, state}
  end

  @impl true
  def handle_info({:prepared, key, module, result}, state) do
    case state.jobs do
      %{^key => %{again?: true}} ->
        {:noreply, state |> again(module, result) |> settle(key, module, :ok)}

      %{^key => job} ->
        {:noreply, prepared(state, key, job, module, result)}

      _gone ->
        {:noreply, state}
    end
  end

  def handle_info({:owner_gone, owner, _reason}, state) do
    {free, claims} = Claims.drop_all(state.claims, &(&1 == owner or match?({^owner, _id}, &1)))
    {gone, jobs} = Enum.split_with(state.jobs, fn {_key, job} -> job.owner == owner end)
    for {_key, job} <- gone, do: GenServer.reply(job.from, {:error, :unknown_owner})
    {:noreply, free(%{state | claims: claims, jobs: Map.new(jobs)}, free)}
  end

  # Who the owners are is not known any more: as if all had gone.
  def handle_info({:DOWN, owners, :process, _pid, _reason}, %{owners: owners} = state),
    do: {:stop, :shutdown, free(state, Map.keys(state.held))}

  def handle_info({:DOWN, monitor, :process, _pid, _reason}, state),
    do: {:noreply, failed(state, monitor)}

  def handle_info(:look, state) do
    Int.Home.keep()
    Int.Code.catch_up(Map.keys(state.held))
    changed = for {module, held} <- state.held, changed?(module, held), do: module
    busy? = Enum.any?(Map.values(state.jobs), & &1.again?)
    state = if changed == [] or busy?, do: state, else: begin(state, Jobs.again(changed), changed)
    {:noreply, timed(%{state | timer: nil})}
  end

  defp interpreted?(state, module),
    do: match?(%{^module => %{lost: nil}}, state.held) and Claims.wanted?(state.claims, module)

  defp changed?(_module, %{shared?: true}), do: false
  defp changed?(module, held), do: held.lost != nil or Modules.info(module, :md5) != held.md5

  # -- beginning, and what comes of it --

  defp begin(state, job, []), do: reply(state, job)

  defp begin(state, job, modules) do
    {server, key} = {self(), make_ref()}
    {_pid, monitor} = spawn_monitor(fn -> Jobs.work(server, key, modules) end)
    %{state | jobs: Map.put(state.jobs, key, Jobs.waiting(job, modules, monitor))}
  end

  defp prepared(state, key, job, module, {:ok, prepared}) do
    case load(state, job.owner, prepared) do
      {:ok, state} -> settle(state, key, module, {:ok, module})
      {:error, reason} -> settle(state, key, module, {:error, module, reason})
    end
  end

  defp prepared(state, key, _job, module, {:error, reason}),
    do: settle(state, key, module, {:error, module, reason})

  defp settle(state, key, module, result) do
    job = Jobs.settle(state.jobs[key], module, result)

    if Jobs.done?(job),
      do: reply(%{state | jobs: Map.delete(state.jobs, key)}, job),
      else: %{state | jobs: Map.put(state.jobs, key, job)}
  end

  defp failed(state, monitor) do
    case Enum.find(state.jobs, fn {_key, job} -> job.monitor == monitor end) do
      {key, job} -> reply(%{state | jobs: Map.delete(state.jobs, key)}, Jobs.failed(job))
      nil -> %{state | subscribers: Map.delete(state.subscribers, monitor)}
    end
  end

  defp reply(state, job) do
    if job.from, do: GenServer.reply(job.from, {:ok, Jobs.results(job)})
    timed(state)
  end

  # Another request may have loaded it meanwhile.
  defp load(state, owner, %{module: module} = prepared) do
    cond do
      interpreted?(state, module) -> {:ok, claim(state, owner, module)}
      map_size(state.held) >= @most -> {:error, :too_many}
      true -> loaded(state, owner, prepared, Int.Code.whose(module))
    end
  end

  defp loaded(state, owner, prepared, :other),
    do: {:ok, state |> hold(prepared, shared?: true) |> claim(owner, prepared.module)}

  defp loaded(state, owner, prepared, _none_or_ours) do
    with :ok <- Int.Code.load(prepared) do
      state = state |> hold(prepared, shared?: false) |> claim(owner, prepared.module)
      {:ok, tell(state, {:interpreted, prepared.module})}
    end
  end

  defp hold(state, prepared, shared?: shared?) do
    held = prepared |> Map.delete(:rows) |> Map.merge(%{shared?: shared?, lost: nil})
    %{state | held: Map.put(state.held, prepared.module, held)}
  end

  defp claim(state, owner, module) do
    {_first?, claims} = Claims.claim(state.claims, owner, module)
    %{state | claims: claims}
  end

  # -- the end --

  defp free(state, modules) do
    {left, held} = Map.split(state.held, modules)
    for {module, %{shared?: false}} <- left, do: Int.Code.unload(module)
    %{state | held: held}
  end

  # -- compiled again --

  defp again(state, module, result) do
    case {state.held, result} do
      {%{^module => _held}, {:ok, prepared}} -> renewed(state, prepared)
      {%{^module => held}, {:error, reason}} -> lost(state, held, reason)
      _restored -> state
    end
  end

  defp renewed(state, prepared) do
    case Int.Code.load(prepared) do
      :ok ->
        state |> hold(prepared, shared?: false) |> tell({:interpreted_again, prepared.module})

      {:error, reason} ->
        lost(state, state.held[prepared.module], reason)
    end
  end

  # Compiled without a file, perhaps, or its file is still being written: it is tried again.
  defp lost(state, %{lost: reason}, reason), do: state

  defp lost(state, %{module: module} = held, reason) do
    if held.lost == nil, do: Int.Code.unload(module)
    state = %{state | held: %{state.held | module => %{held | lost: reason}}}
    tell(state, {:not_interpreted, module, reason})
  end

  defp tell(state, news) do
    Enum.each(state.subscribers, fn {_monitor, pid} -> send(pid, news) end)
    state
  end

  defp timed(%{timer: nil, held: held} = state) when held != %{},
    do: %{state | timer: Process.send_after(self(), :look, @look_ms)}

  defp timed(state), do: state
end
