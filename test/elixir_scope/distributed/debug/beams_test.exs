defmodule ElixirScope.Distributed.Debug.BeamsTest do
  # Not async: one test fills a part of the VM's table of atoms with claims.
  use ExUnit.Case

  alias ElixirScope.Distributed.Debug.{Beams, Graph}
  alias ElixirScope.Distributed.Debug.Beams.Room
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
    @compile {:no_warn_undefined, Beamed.Other}

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

  test "entries have each kind once, with all places", context do
    shop = read!(context, Beamed.Shop)
    assert {:maps, :runtime, [{shop.file, 38}]} in shop.entries
    assert {Beamed.Item, :exports, [{shop.file, 27}]} in shop.entries
    assert {GenServer, :exports, [{shop.file, 13}]} in shop.entries
    assert {Beamed.Other, :runtime, for(line <- 31..34, do: {shop.file, line})} in shop.entries
    refute List.keymember?(shop.entries, Beamed.Shop, 0)
    assert {:ok, _graph} = Graph.load([{Beamed.Shop, shop.entries}])
    assert Beams.listed(shop) == {Beamed.Shop, shop.md5, shop.entries}
    assert Beams.entries(shop) == shop.entries
  end

  test "structs, protocols and their implementations say so", context do
    assert read!(context, Beamed.Shop).structs == [Beamed.Item]
    assert %{protocol?: true, impl: nil} = read!(context, Beamed.Priced)
    of_item = read!(context, Beamed.Priced.Beamed.Item)
    assert %{protocol?: false, behaviours: [Beamed.Priced]} = of_item
    assert of_item.impl == %{protocol: Beamed.Priced, for: Beamed.Item}
    assert {Beamed.Priced, :exports, [_place]} = List.keyfind(of_item.entries, Beamed.Priced, 0)
  end

  test "nothing is loaded by being read", context do
    for module <- [Beamed.Shop, Beamed.Item, Beamed.Priced], do: read!(context, module)

    for {:ok, module} <- Beams.all([context.folder], & &1.module),
        do: refute(:code.is_loaded(module))

    refute :code.is_loaded(Beamed.Other)
  end

  describe "what a file does not have" do
    test "is left out where it was stripped", context do
      code = File.read!(Path.join(context.folder, "Elixir.Beamed.Shop.beam"))
      {:ok, {_module, stripped}} = :beam_lib.strip(code)
      assert {:ok, shop} = Beams.read(stripped)
      assert %{debug_info?: false, structs: [], file: nil, compiled_at: nil} = shop
      assert {Beamed.Priced, :runtime, []} in shop.entries
      assert %{kind: :def, lines: [], calls: []} = function(shop, :init, 1)
      assert %{kind: :defmacro} = function(shop, :"MACRO-twice", 2)
      # The digest is that of the code alone.
      assert {shop.md5, {:ok, shop.md5}} == {read!(context, Beamed.Shop).md5, Beams.md5(stripped)}
    end

    test "is left out where debug information was not wanted, or is of another compiler" do
      [{module, code}] =
        compiled("defmodule Beamed.Bare, do: def(f, do: :lists.sort([]))", debug_info: false)

      assert {:ok, %{module: ^module, debug_info?: false, entries: entries}} = Beams.read(code)
      assert {:lists, :runtime, []} in entries

      other = with_chunk(code, "Dbgi", :erlang.term_to_binary({:debug_info_v1, :erlang, :halt}))
      assert {:ok, %{debug_info?: false}} = Beams.read(other)
      wrong = with_chunk(code, "Dbgi", :erlang.term_to_binary({:debug_info_v1, :elixir_erl, :no}))
      assert {:ok, %{debug_info?: false}} = Beams.read(wrong)
    end

    test "is no file at all for a module that was made at run time" do
      {:module, module, _code, _} = defmodule(Beamed.Made, do: def(f, do: 1))
      assert Beams.read(module) == {:error, :no_beam}
      assert Beams.md5(module) == {:ok, module.module_info(:md5)}
      DiskModules.unload(module)
      assert Beams.md5(module) == {:error, :no_beam}
      assert Beams.read(:"no/such\0name") == {:error, :no_beam}
      assert Beams.read("no/such/file.beam") == {:error, :no_beam}
      assert Beams.read(System.tmp_dir!()) == {:error, :no_beam}

      for path <- ["", <<255, 254>>, "a\0b", "FOR"],
          do: assert(Beams.read(path) == {:error, :no_beam})
    end
  end

  # A BEAM file with one chunk in the place of what is there.
  defp with_chunk(code, id, data) do
    {:ok, _module, chunks} = :beam_lib.all_chunks(code)
    chunks = List.keystore(chunks, to_charlist(id), 0, {to_charlist(id), data})
    {:ok, built} = :beam_lib.build_module(chunks)
    built
  end

  test "preloaded and Erlang modules are read, and one whose file is gone from elsewhere",
       context do
    assert {:ok, %{module: :erlang, language: :erlang} = erlang} = Beams.read(:erlang)
    assert erlang.debug_info? and length(erlang.functions) > 100
    assert {:ok, %{behaviours: [:gen_server]}} = Beams.read(:supervisor)

    folder = Path.join(context.folder, "moved")
    File.mkdir_p!(folder)
    file = Path.join(folder, "Elixir.Beamed.Item.beam")
    File.cp!(Path.join(context.folder, "Elixir.Beamed.Item.beam"), file)
    {:module, _} = :code.load_abs(file |> Path.rootname() |> to_charlist())
    File.rm!(file)
    assert Beams.read(Beamed.Item) == {:error, :no_beam}
    true = :code.add_patha(to_charlist(context.folder))
    assert {:ok, %{module: Beamed.Item}} = Beams.read(Beamed.Item)
    true = :code.del_path(to_charlist(context.folder))
    DiskModules.unload(Beamed.Item)
  end

  if Code.ensure_loaded?(:cover) do
    test "of a module that is compiled for coverage the file is read" do
      folder = DiskModules.on_path!("defmodule Beamed.Covered, do: def(f, do: :lists.sort([]))")

      {:ok, Beamed.Covered} =
        :cover.compile_beam(to_charlist(folder) ++ ~c"/Elixir.Beamed.Covered.beam")

      assert {:file, :cover_compiled} = :code.is_loaded(Beamed.Covered)
      assert {:ok, %{entries: entries, debug_info?: true}} = Beams.read(Beamed.Covered)
      assert [{:lists, :runtime, [_place]}] = for({:lists, _, _} = entry <- entries, do: entry)
      :cover.reset(Beamed.Covered)
    end
  end

  test "a packed file is read, one that is too large is not" do
    [{_module, code}] = compiled("defmodule Beamed.Packed, do: def(f, do: 1)")
    assert {:ok, %{module: Beamed.Packed}} = Beams.read(:zlib.gzip(code))
    assert {:ok, _md5} = Beams.md5(:zlib.gzip(code))
    bomb = :zlib.gzip(["FOR1", :binary.copy(<<0>>, 40 * 1024 * 1024)])
    assert Beams.read(bomb) == {:error, :too_large}
    lying = binary_part(bomb, 0, byte_size(bomb) - 4) <> <<9::little-32>>
    assert Beams.read(lying) == {:error, :too_large}
    assert Beams.read(binary_part(:zlib.gzip(code), 0, 200)) == {:error, :bad_beam}
    term = <<131, 80, 40 * 1024 * 1024::32, :zlib.compress(<<106>>)::binary>>
    assert code |> with_chunk("Dbgi", term) |> Beams.read() == {:error, :too_large}
  end

  test "a generated module of many functions is read" do
    functions = for n <- 1..400, do: "  def f#{n}(x), do: :lists.nth(#{n}, x)\n"
    [{_, code}] = compiled("defmodule Beamed.Large do\n#{functions}end")
    assert {:ok, large} = Beams.read(code)
    assert {:lists, :runtime, places} = List.keyfind(large.entries, :lists, 0)
    assert length(places) == 400
  end

  test "whatever is in a file, reading it raises nothing" do
    [{_module, code}] =
      compiled("defmodule Beamed.Broken, do: def(f(x), do: x |> :lists.sort() |> hd())")

    for size <- 0..byte_size(code)//37, do: value(binary_part(code, 0, size))
    :rand.seed(:exsss, {7, 7, 7})
    for _ <- 1..300, do: code |> damaged() |> value()

    for id <- ["Attr", "CInf", "Dbgi"],
        term <- [:a, [1 | 2], [{1}], %{}, {:debug_info_v1, :elixir_erl, {:elixir_v1, 1, 2}}],
        do: code |> with_chunk(id, :erlang.term_to_binary(term)) |> value()

    for bytes <- ["FOR1", <<31, 139>>, <<31, 139, 0::64>>],
        do: assert({:error, :bad_beam} = Beams.read(bytes))
  end

  defp value(code) do
    case Beams.read(code) do
      {:ok, %Beams.Module{}} -> :ok
      {:error, reason} -> assert reason in [:no_beam, :bad_beam, :too_large, :too_many_atoms]
    end
  end

  # Behind what says that it is a BEAM file.
  defp damaged(code) do
    {before, [_byte | rest]} =
      code |> :binary.bin_to_list() |> Enum.split(3 + :rand.uniform(byte_size(code) - 5))

    IO.iodata_to_binary([before, :rand.uniform(256) - 1, rest])
  end

  describe "atoms" do
    setup do
      [{_module, code}] = compiled("defmodule Beamed.Atoms, do: def(f, do: 1)")
      [code: code]
    end

    test "of a file that holds more than there is room for are not made", %{code: code} do
      names = for n <- 1..30_000, do: [119, 10, "a#{100_000_000 + n}"]
      term = [131, 108, <<30_000::32>>, names, 106]
      plain = with_chunk(code, "Dbgi", IO.iodata_to_binary(term))
      size = <<IO.iodata_length(term) - 1::32>>

      packed =
        with_chunk(code, "Dbgi", IO.iodata_to_binary([131, 80, size, :zlib.compress(tl(term))]))

      before = :erlang.system_info(:atom_count)

      for flood <- [plain, packed] do
        assert Room.with(left() - 25_000, fn -> Beams.read(flood) end) ==
                 {:error, :too_many_atoms}
      end

      assert :erlang.system_info(:atom_count) - before < 1_000
    end

    test "are counted by their names, however often each is there", %{code: code} do
      term = [131, 108, <<900_000::32>>, List.duplicate(<<119, 5, "again">>, 900_000), 106]
      assert {:ok, _} = code |> with_chunk("Dbgi", IO.iodata_to_binary(term)) |> Beams.read()
    end

    test "that several readers may make are added up", %{code: code} do
      assert {:ok, _module} = Beams.read(code)
      assert Room.with(left() - 100, fn -> Beams.read(code) end) == {:error, :too_many_atoms}
      assert Room.with(left() + 1_000, fn -> :made end) == {:error, :too_many_atoms}
      catch_error(Room.with(left() - 100, fn -> raise "failed" end))
      assert {:ok, _module} = Beams.read(code)
    end
  end

  defp left, do: Room.limit() - :erlang.system_info(:atom_count)

  test "many are read at once, and what cannot be is told with its reason", context do
    File.write!(Path.join(context.folder, "broken.beam"), "FOR1")
    results = Enum.sort(Beams.all([context.folder, :lists, No.Such], & &1.module))
    assert {:ok, Beamed.Shop} in results and {:ok, :lists} in results
    assert {:error, {Path.join(context.folder, "broken.beam"), :bad_beam}} in results
    assert {:error, {No.Such, :no_beam}} in results
    File.rm!(Path.join(context.folder, "broken.beam"))
    assert Enum.take(Beams.all(:loaded), 1) |> length() == 1
  end
end
