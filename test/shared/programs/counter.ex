defmodule Programs.Counter do
  use GenServer

  def run do
    {:ok, pid} = GenServer.start_link(__MODULE__, 1)
    before = GenServer.call(pid, {:add, 2})
    GenServer.stop(pid)
    before
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
