defmodule ElixirScope.Distributed.Capture.Board do
  @moduledoc false
  # The traces that run in this VM and what the VM has been made to watch for them. What it
  # watches is always the plan of these traces, and of no trace it is nothing.

  alias ElixirScope.Distributed.Capture.{Armed, Memory, Order, Plan, Seat, Vm}
  alias ElixirScope.Distributed.{Error, Scope}

  # Processes that are looked at to know of all.
  @sample 100

  @enforce_keys [:vm]
  defstruct [:vm, :handle, traces: %{}, plan: %Plan{}, memory: %Memory{}]

  @type t :: %__MODULE__{
          vm: module,
          handle: Vm.handle() | nil,
          traces: %{pos_integer => Armed.t()},
          plan: Plan.t(),
          memory: Memory.t()
        }

  @doc "A board without traces, and those that one before left behind when it was killed."
  @spec new() :: {t, [{pos_integer, spent :: map}]}
  def new, do: {%__MODULE__{vm: Vm.module()}, Seat.reset(Vm.module())}

  @doc "Whether anything is traced."
  @spec empty?(t) :: boolean
  def empty?(board), do: board.traces == %{}

  @doc "Takes a trace on, if the VM lets us and there is room."
  @spec add(t, Armed.t()) :: {:ok, t, Armed.t()} | {:error, Error.t(), t}
  def add(board, armed) do
    with :ok <- room(board, armed),
         :ok <- alone(armed),
         {:ok, board} <- opened(board),
         {:ok, armed} <- Seat.take(armed) do
      board = count(board, :all)
      board = board.traces |> Map.put(armed.order.id, armed) |> with_traces(board)
      Seat.go(armed)
      {:ok, board, armed}
    else
      {:error, error} -> {:error, error, closed(board)}
    end
  end

  @doc "The same trace with other numbers."
  @spec put(t, Armed.t()) :: t
  def put(board, armed), do: put_in(board.traces[armed.order.id], armed)

  @doc "Takes traces away: they record nothing from the first moment, the VM then forgets them."
  @spec remove(t, [Armed.t()]) :: t
  def remove(board, over) do
    board = count(board, :all)
    Enum.each(over, &Seat.close/1)

    board.traces
    |> Map.drop(for(armed <- over, do: armed.order.id))
    |> with_traces(board)
    |> closed()
  end

  @doc "Records what functions took of memory since they were looked at: of all, or of a few."
  @spec count(t, :all | :some) :: t
  def count(%{plan: %{memory: none}} = board, _which) when none == %{}, do: board

  def count(%{plan: %{memory: counted}} = board, :all),
    do: counted |> Map.keys() |> Enum.reduce(board, &look/2)

  def count(%{plan: %{memory: counted}} = board, :some) do
    {functions, memory} = Memory.turn(board.memory, Map.keys(counted))
    Enum.reduce(functions, %{board | memory: memory}, &look/2)
  end

  defp look(mfa, board) do
    rows = board.vm.memory(board.handle, mfa)
    {grown, anew?, memory} = Memory.grown(board.memory, mfa, rows)
    if anew?, do: set(board, [{:memory, mfa, :restart}])
    Seat.memory(counting(board), grown)
    %{board | memory: memory}
  end

  defp counting(board) do
    for {_id, %{order: %{options: options}, seat: seat}} <- board.traces,
        options[:memory],
        reduce: 0,
        do: (bits -> Bitwise.bor(bits, Bitwise.bsl(1, seat)))
  end

  @doc "A module came, or came again without what was set for it; whom it concerns, and how."
  @spec again(t, module) :: {t, [{Armed.t(), functions :: pos_integer}]}
  def again(board, module) do
    traces = Map.new(board.traces, fn {id, armed} -> {id, Armed.loaded(armed, module)} end)

    told =
      for {_id, armed} <- traces, (count = Seat.tell_again(armed, module)) > 0, do: {armed, count}

    board = with_traces(traces, board)
    set(board, Plan.again(board.plan, module))
    {board, told}
  end

  @doc "What is set for all or new ones is not for those who record: they would record themselves."
  @spec spare(t) :: t
  def spare(board) do
    ours = [self() | Scope.processes()]
    Seat.ours(ours)

    if is_map_key(board.plan.processes, :all),
      do: set(board, for(pid <- ours, do: {:process, pid, false, [:all]}))

    board
  end

  @doc "Whether the VM still does what it was told."
  @spec check(t) :: :ok | {:error, :taken_over}
  def check(board), do: board.vm.check(board.handle, Map.keys(board.plan.processes))

  @doc "Whether somebody took from every process what was set for it."
  @spec wiped?(t) :: boolean
  def wiped?(board) do
    targets =
      for {target, _flags} <- board.plan.processes, do: if(is_pid(target), do: target, else: :new)

    flags =
      for target <- Enum.take_random(targets, @sample), do: board.vm.flags(board.handle, target)

    known = Enum.reject(flags, &is_nil/1)
    known != [] and Enum.all?(known, &(&1 == []))
  end

  @doc "Sets everything again."
  @spec set_again(t) :: t
  def set_again(board) do
    Seat.again()
    plan = plan(board.traces, Seat.told())
    set(board, Plan.difference(%Plan{}, plan))
    spare(%{board | plan: plan})
  end

  defp room(board, armed) do
    targets = for one <- [armed | Map.values(board.traces)], do: one.targets.functions

    case Plan.Spec.crowded(targets) do
      [] ->
        :ok

      [mfa | _] ->
        {:error, Error.new(:too_many_conditions, function: mfa, limit: Plan.Spec.most())}
    end
  end

  # A match specification cannot see whose label it overwrites.
  defp alone(armed) do
    case Order.entries?(armed.order) and :seq_trace.get_system_tracer() do
      false -> :ok
      tracer -> {:error, Error.new(:system_tracer, tracer: inspect(tracer))}
    end
  end

  defp opened(%{handle: nil} = board) do
    with {:ok, handle} <- board.vm.open(), do: {:ok, %{board | handle: handle}}
  end

  defp opened(board), do: {:ok, board}

  defp closed(%{traces: traces, handle: handle} = board) when traces == %{} and handle != nil do
    board.vm.close(handle)
    %{board | handle: nil, plan: %Plan{}}
  end

  defp closed(board), do: board

  # From what the VM watches to what it should. It watches more processes than it was told:
  # those that began meanwhile, or called a function.
  defp with_traces(traces, board) do
    told = Seat.told()
    plan = plan(traces, told)
    set(board, Plan.difference(plan(board.traces, told), plan))
    memory = Memory.only(board.memory, Map.keys(plan.memory))
    spare(%{board | traces: traces, plan: plan, memory: memory})
  end

  defp plan(traces, told),
    do: traces |> Map.values() |> Enum.map(&Armed.part(&1, told)) |> Plan.of()

  defp set(board, steps), do: Enum.each(steps, &board.vm.set(board.handle, &1))
end
