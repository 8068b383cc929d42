defmodule ElixirScope.Distributed.Debug.SupervisorTest do
  # What a VM has for debugging, on nodes of their own where something is ended.
  use ElixirScope.Distributed.Case, async: true

  alias ElixirScope.Distributed.Debug
  alias ElixirScope.Distributed.Debug.Services.Breakers
  alias ElixirScope.Distributed.Debug.Table
  alias ElixirScope.Distributed.Scope

  defmodule Part do
    use GenServer

    def start_link(argument), do: GenServer.start_link(__MODULE__, argument, name: __MODULE__)

    @impl true
    def init(:refuse), do: {:stop, :refused}
    def init(argument), do: {:ok, argument}
  end

  test "a part is started when it is first wanted, and once" do
    assert {:error, :refused} = Debug.Supervisor.ensure(:target, {Part, :refuse})
    tasks = for _ <- 1..20, do: Task.async(fn -> Debug.Supervisor.ensure(:target, {Part, 1}) end)
    assert [{:ok, pid}] = tasks |> Enum.map(&Task.await/1) |> Enum.uniq()
    assert {:ok, ^pid} = Debug.Supervisor.ensure(:target, Part)
    assert pid in Scope.processes() and Process.whereis(Debug.Desk) in Scope.processes()

    # Begun again by its supervisor, and wanted by others at the same time.
    for _ <- 1..8 do
      old = Process.whereis(Part)
      Process.exit(old, :kill)

      eventually(fn ->
        assert {:ok, again} = Debug.Supervisor.ensure(:target, {Part, 1})
        assert again != old and Process.alive?(again)
      end)
    end

    place = Module.concat(Debug.Supervisor, Target)
    :ok = DynamicSupervisor.terminate_child(place, Process.whereis(Part))
  end

  test "a desk that falls takes nothing along, and debugging that gives up takes no scope along" do
    [node] = start_nodes(1, capture: false, log: :none)

    on(node, fn ->
      places = for name <- [Language, Target], do: pid(Module.concat(Debug.Supervisor, name))
      fell(Debug.Desk)

      assert places ==
               for(name <- [Language, Target], do: pid(Module.concat(Debug.Supervisor, name)))

      application = pid(ElixirScope.Distributed.Application)
      for _ <- 1..20, pid(Debug.Supervisor), do: fell(Debug.Desk)
      eventually(fn -> assert pid(Debug.Supervisor) == nil end)

      assert pid(ElixirScope.Distributed.Application) == application
      assert {:ok, %{services: %{workers: 0}}} = ElixirScope.Distributed.status()

      assert {:error, %{reason: :disabled}} =
               Debug.Supervisor.ensure(:target, {Agent, fn -> 1 end})

      assert {:error, %{reason: :disabled}} =
               Debug.Services.call(:workspace_analysis, :cycles, [])

      assert {:error, %{reason: :disabled}} = Debug.Services.register_language_server_services()
    end)
  end

  defp pid(name), do: Process.whereis(name)

  # Until another one is there, or none comes any more.
  defp fell(name) do
    old = pid(name)
    if old, do: Process.exit(old, :kill)
    eventually(fn -> pid(name) not in [old, nil] or pid(Debug.Supervisor) == nil end)
  end

  test "what several change at a time is changed by each" do
    add = fn -> for _ <- 1..500, do: Table.update({:test, :sum}, 0, &{:ok, &1 + 1}) end
    for task <- for(_ <- 1..8, do: Task.async(add)), do: Task.await(task)
    assert Table.get({:test, :sum}) == 4_000
    assert Table.update({:test, :sum}, 0, &{&1, &1}) == 4_000
    Table.delete({:test, :sum})
  end

  test "there are so many breakers, and those of nodes that answer go" do
    # The names of some hundred nodes that never were.
    nodes = for n <- 1..(Breakers.limit() + 40), do: :"breaker_#{n}@test"
    for node <- nodes, do: Breakers.heard(node, :late)
    assert map_size(Breakers.all()) == Breakers.limit()
    for node <- nodes, do: Breakers.heard(node, :ok)
    assert Enum.filter(Map.keys(Breakers.all()), &(&1 in nodes)) == []
  end
end
