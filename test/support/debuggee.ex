defmodule ElixirScope.Distributed.Debuggee do
  @moduledoc false
  # A Mix project as users have them, in a folder of its own, without dependencies: what is debugged in
  # tests of the adapter. It is compiled once for a run; tests use copies.

  alias ElixirScope.Distributed.Scratch

  # Lines are named where tests stop, so that nobody counts them: `#@ name`.
  @shop """
  defmodule Shop do
    alias Shop.Cart

    def main do
      IO.puts("grüß dich")
      items = for n <- 1..10_000, do: {:item, n}
      cart = %{items: items, owner: "Ada", nested: %{a: [1, 2, 3]}}
      total = Cart.total(cart, 3) #@ call
      IO.puts("total \#{total}") #@ after
      total
    end

    def loop do
      for n <- 1..10, do: Cart.passed(n)
      IO.puts("passed")
    end

    def fail do
      {pid, ref} = spawn_monitor(fn -> Cart.broken(0) end)
      receive do: ({:DOWN, ^ref, :process, ^pid, _reason} -> IO.puts("it failed"))
    end

    # Again and again, for who wants to stop it anywhere.
    def spin(n \\\\ 0) do
      items = Enum.to_list(1..10_000)
      m = n + length(items) #@ spin
      spin(rem(m, 7)) #@ again
    end

    def wait do
      IO.puts("waiting")
      receive do: (:never -> :ok)
    end
  end
  """

  @cart """
  defmodule Shop.Cart do
    @moduledoc false

    def total(cart, factor) do
      count = length(cart.items) #@ count
      sum = count * factor #@ sum
      discounted(sum) #@ discount
    end

    defp discounted(sum) do
      half = div(sum, 2) #@ half
      half + 1 #@ more
    end

    def passed(n) do
      m = n * n #@ square
      m #@ passed
    end

    def broken(n) do
      1 / n #@ broken
    end
  end
  """

  @doc "The project in a folder, compiled."
  def make! do
    folder = Scratch.folder!()
    Scratch.application!(folder, "shop", "")
    Scratch.write!(folder, "lib/shop.ex", @shop)
    Scratch.write!(folder, "lib/shop/cart.ex", @cart)
    Scratch.write!(folder, "test/test_helper.exs", "ExUnit.start()\n")
    Scratch.write!(folder, "test/shop_test.exs", test())
    folder
  end

  defp test do
    """
    defmodule ShopTest do
      use ExUnit.Case
      test "a total", do: assert Shop.Cart.total(%{items: [1, 2]}, 3) == 4
    end
    """
  end

  @doc "The path of a file of the project."
  def path(folder, :shop), do: Path.join(folder, "lib/shop.ex")
  def path(folder, :cart), do: Path.join(folder, "lib/shop/cart.ex")

  @doc "The number of a line by its name."
  def line(name) do
    Enum.find_value([@shop, @cart], fn text ->
      index = text |> String.split("\n") |> Enum.find_index(&String.ends_with?(&1, "#@ " <> name))

      index && index + 1
    end)
  end
end
