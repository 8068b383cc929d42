defmodule Programs.Server do
  use GenServer

  alias Programs.Prices, as: P

  def start, do: GenServer.start(__MODULE__, 0)

  @impl true
  def init(count), do: {:ok, count}

  @impl true
  def handle_call({:price, name}, _from, count) do
    price = P.of(name)
    user = %{name: name, password: "hunter2", big: Enum.to_list(1..1000)}
    _kept = user
    {:reply, price, count + 1}
  end

  def handle_call(:boom, _from, count) do
    reason = {:bad, count}
    raise ArgumentError, inspect(reason)
  end

  def handle_call({:loop, times}, _from, count) do
    total = loop(times, 0)
    {:reply, total, count}
  end

  defp loop(0, total), do: total

  defp loop(times, total) do
    loop(times - 1, total + 1)
  end
end
