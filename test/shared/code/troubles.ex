defmodule Troubles do
  @moduledoc false
  # A small system of three nodes, and a day on which it has every kind of trouble: a race, a crash, a
  # deadlock and a partition. It knows nothing of this library; what is recorded of it is what tests
  # of views, recordings and assertions are about.

  defmodule Desk do
    @moduledoc false
    # Takes orders: counts what is left, and has them paid.
    use GenServer

    alias Troubles.{Stock, Till}

    def start(where), do: GenServer.start(__MODULE__, where, name: __MODULE__)

    def order(desk, item), do: GenServer.call({__MODULE__, desk}, {:order, item}, 2_000)

    # Each asks the other one once both are at it, and so neither answers.
    def swap(desk, other, patience_ms, meet),
      do: GenServer.call({__MODULE__, desk}, {:swap, other, patience_ms, meet}, 10_000)

    @impl true
    def init(where), do: {:ok, %{where: where, orders: 0}}

    @impl true
    def handle_call({:order, item}, _from, state) do
      left = Stock.count(state.where.stock)
      paid = Till.charge(state.where.till, item)
      {:reply, {:ok, %{left: left, paid: paid}}, %{state | orders: state.orders + 1}}
    end

    def handle_call({:swap, other, patience_ms, meet}, _from, state) do
      Troubles.met(meet)
      {:reply, ask(other, patience_ms), state}
    end

    def handle_call(:anything_left?, _from, state), do: {:reply, true, state}

    defp ask(other, patience_ms) do
      GenServer.call({__MODULE__, other}, :anything_left?, patience_ms)
    catch
      :exit, {:timeout, _call} -> :no_answer
    end
  end

  defmodule Stock do
    @moduledoc false
    # Counts, and lets whoever asks write what it thinks is left.
    use GenServer

    def start(count), do: GenServer.start(__MODULE__, count, name: __MODULE__)

    def count(node), do: GenServer.call({__MODULE__, node}, :count, 1_000)
    def set(node, count), do: GenServer.call({__MODULE__, node}, {:set, count}, 1_000)

    # Reads and writes, with time for somebody else in between: `meet` returns when both have read.
    def take(node, meet) do
      count = count(node)
      meet.()
      set(node, count - 1)
    end

    @impl true
    def init(count), do: {:ok, count}

    @impl true
    def handle_call(:count, _from, count), do: {:reply, count, count}
    def handle_call({:set, count}, _from, _old), do: {:reply, count, count}
  end

  defmodule Till do
    @moduledoc false
    # Takes money, up to its limit.
    use GenServer

    @prices %{book: 20, lamp: 45, piano: 9_000}

    def start, do: GenServer.start(__MODULE__, 0, name: __MODULE__)

    def charge(node, item), do: GenServer.call({__MODULE__, node}, {:charge, item}, 1_000)

    @impl true
    def init(sum), do: {:ok, sum}

    @impl true
    def handle_call({:charge, item}, _from, sum) do
      price = price(@prices[item])
      {:reply, price, sum + price}
    end

    defp price(price) when price < 1_000, do: price
    defp price(price), do: raise("card declined: #{price} is over the limit")
  end

  @doc "Opens on three nodes: desks on the first two, the stock on the second, the till on the third."
  def open([desk, stock, till], on) do
    where = %{stock: stock, till: till}
    {:ok, _pid} = on.(desk, fn -> Desk.start(where) end)
    {:ok, _pid} = on.(stock, fn -> Desk.start(where) end)
    {:ok, _pid} = on.(stock, fn -> Stock.start(10) end)
    {:ok, _pid} = on.(till, fn -> Till.start() end)
    :ok
  end

  @doc "Two take one each at once, from two nodes: one of them is forgotten."
  def race([desk, stock, till], on) do
    meet = on.(stock, fn -> spawn(fn -> meeting_place([]) end) end)
    takers = for node <- [desk, till], do: on.(node, fn -> taker(stock, meet) end)
    Enum.each(takers, fn taker -> on.(node(taker), fn -> ended(taker) end) end)
    on.(stock, fn -> Stock.count(stock) end)
  end

  defp taker(stock, meet), do: spawn(fn -> Stock.take(stock, fn -> met(meet) end) end)

  @doc "Goes on when the other one is there, too."
  def met(meet) do
    send(meet, {:here, self()})

    receive do
      :go_on -> :ok
    end
  end

  defp meeting_place([one, other]), do: for(pid <- [one, other], do: send(pid, :go_on))

  defp meeting_place(here) do
    receive do
      {:here, pid} -> meeting_place([pid | here])
    end
  end

  defp ended(pid) do
    ref = Process.monitor(pid)

    receive do
      {:DOWN, ^ref, :process, ^pid, _reason} -> :ok
    end
  end

  @doc "An order that the till cannot bear: it falls, and the desk with it."
  def crash([desk | _], on), do: on.(desk, fn -> failing(fn -> Desk.order(desk, :piano) end) end)

  @doc "Two desks that wait for each other, until the first has waited long enough; what it heard."
  def deadlock([desk, stock | _], on) do
    meet = on.(stock, fn -> spawn(fn -> meeting_place([]) end) end)
    other = on.(stock, fn -> spawn(fn -> Desk.swap(stock, desk, 5_000, meet) end) end)
    answer = on.(desk, fn -> Desk.swap(desk, stock, 200, meet) end)
    on.(stock, fn -> ended(other) end)
    answer
  end

  @doc "What a call comes to that does not come back."
  def failing(fun) do
    fun.()
  catch
    :exit, {reason, _call} -> {:exit, reason}
  end
end
