defmodule Programs.Counter do
  use GenServer

  def run do
    {:ok, _pid} = GenServer.start_link(__MODULE__, 1, name: __MODULE__)
    before = GenServer.call(__MODULE__, {:add, 2})
    GenServer.stop(__MODULE__)
    before + 1
  end

  @impl true
  def init(start) do
    {:ok, %{count: start, password: "hunter2"}}
  end

  @impl true
  def handle_call({:add, number}, _from, state) do
    count = state.count + number
    state = %{state | count: count}
    {:reply, count, state}
  end
end
