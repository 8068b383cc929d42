defmodule ElixirScope.Distributed.Debug.BeamsTest do
  # Not async: one test fills a part of the VM's table of atoms with claims.
  use ExUnit.Case

  alias ElixirScope.Distributed.Debug.Beams
  alias ElixirScope.Distributed.{DiskModules, Scratch}

  doctest Beams

  @shop """
  defmodule Beamed.Item do
    defstruct [:price]
  end

  defprotocol Beamed.Priced do
    def price(of)
  end

  defimpl Beamed.Priced, for: Beamed.Item do
    def price(%Beamed.Item{price: price}), do: price
  end

  defmodule Beamed.Shop do
    @behaviour GenServer
    require Logger

    defmacro twice(x), do: quote(do: unquote(x) * 2)

    def init(options) do
      {:ok,
       Beamed.Priced.price(
         options
       )}
    end

    def handle_call(:new, _from, state) when is_map(state) do
      {:reply, %Beamed.Item{price: local(state)}, state}
    end

    def handle_call({:apply, f}, _, state) do
      apply(Beamed.Other, f, [1, 2])
      apply(Beamed.Other, :g, state)
      spawn_link(Beamed.Other, :h, [])
      fun = &Beamed.Other.k/3
      {:reply, fun.(1, 2, 3), state}
    end

    defp local(state), do: :maps.get(:price, state)
  end
  """

  setup_all do
    folder = Scratch.folder!()

    for {module, code} <- compiled(@shop),
        do: File.write!(Path.join(folder, "#{module}.beam"), code)

    on_exit(fn -> File.rm_rf!(folder) end)
    [folder: folder]
  end

  # None of them stays loaded.
  defp compiled(source, options \\ [debug_info: true]) do
    before = Code.compiler_options(options)
    modules = Code.compile_string(source, "/src/shop/lib/shop.ex")
    Code.compiler_options(before)
    for {module, _code} <- modules, do: DiskModules.unload(module)
    modules
  end

  defp read!(%{folder: folder}, module) do
    {:ok, read} = Beams.read(Path.join(folder, "#{module}.beam"))
    read
  end

  defp function(module, name, arity),
    do: Enum.find(module.functions, &(&1.name == name and &1.arity == arity))

  test "functions have their lines, and whom they call", context do
    shop = read!(context, Beamed.Shop)
    assert %{language: :elixir, debug_info?: true, behaviours: [GenServer]} = shop
    assert Path.basename(shop.file) == "shop.ex"
    assert %DateTime{} = shop.compiled_at

    # A pair has no line of its own in Elixir: it is said to be where the function is.
    assert %{kind: :def, first_line: 19, last_line: 22, clauses: [19], lines: [19, 21, 22]} =
             function(shop, :init, 1)

    assert %{clauses: [26, 30], lines: [27, 31, 32, 33, 34, 35], calls: calls} =
             function(shop, :handle_call, 3)

    assert {{Beamed.Shop, :local, 1}, 27} in calls
    assert {{:erlang, :is_map, 1}, 26} in calls
    assert {{Beamed.Other, :_, 2}, 31} in calls
    assert {{Beamed.Other, :g, :_}, 32} in calls
    assert {{Beamed.Other, :h, 0}, 33} in calls
    assert {{Beamed.Other, :k, 3}, 34} in calls
    assert %{kind: :defp, calls: [{{:maps, :get, 2}, 38}]} = function(shop, :local, 1)
    assert %{kind: :defmacro} = function(shop, :"MACRO-twice", 2)
  end
end
