defmodule ElixirScope.Distributed.Capture.TargetsTest do
  use ExUnit.Case

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.Capture.{Pattern, Targets}
  alias ElixirScope.Distributed.{DiskModules, Error}

  defmodule Elixir.ScopeShop.Orders do
    def place(order), do: place(order, [])
    def place(order, options), do: check({order, options})
    defp check(order), do: Enum.map([order], fn o -> o end)
  end

  defmodule Elixir.ScopeShop.Order, do: def(total(_order), do: 0)

  @later """
  defmodule ScopeShop.Later do
    def ship(order), do: pack(order)
    defp pack(order), do: Process.put(:packed, order)
    def loop(n), do: if(n > 0, do: loop(n - 1), else: :done)
  end
  """

  defp targets(written) do
    with {:ok, patterns} <- Pattern.parse(written), do: Targets.resolve(patterns)
  end

  defp functions(written) do
    {:ok, targets} = targets(written)
    for %{mfa: {_m, f, a}} <- targets.functions, do: {f, a}
  end

  defp message(written) do
    assert {:error, %Error{} = error} = targets(written)
    {error.reason, Exception.message(error)}
  end

  describe "what is loaded" do
    test "a module is its functions, exported and local, and none that were generated" do
      functions = sorted(functions(ScopeShop.Orders))
      assert functions == ["-check/1-fun-0-": 1, check: 1, place: 1, place: 2]
      assert functions("ScopeShop.Orders") == functions(ScopeShop.Orders)
    end

    test "a function of any or of one arity" do
      assert sorted(functions({ScopeShop.Orders, :place})) == [place: 1, place: 2]
      assert functions({ScopeShop.Orders, :place, 2}) == [place: 2]
      assert functions("ScopeShop.Orders.check/1") == [check: 1]
      assert functions("ScopeShop.Orders.place(_, _) -> return") == [place: 2]
      assert functions({ScopeShop.Orders, :module_info, 1}) == [module_info: 1]
    end

    test "a glob, which goes on waiting" do
      {:ok, targets} = targets("ScopeShop.*")
      modules = for %{mfa: {m, _, _}} <- targets.functions, uniq: true, do: m
      assert sorted(modules) == [ScopeShop.Order, ScopeShop.Orders]
      assert [%Pattern{module: {:glob, "ScopeShop.*"}}] = targets.waiting
    end

    test "an application" do
      {:ok, targets} = targets({:app, :ex_unit})
      assert Enum.any?(targets.functions, &match?(%{mfa: {ExUnit, :run, 0}}, &1))
      assert [%Pattern{module: {:app, :ex_unit}}] = targets.waiting
    end

    test "a function of the VM, named with its arity" do
      assert functions({:erlang, :put, 2}) == [put: 2]
      assert functions({:ets, :insert, 2}) == [insert: 2]
    end
  end

  describe "what is named twice" do
    test "is one target" do
      {:ok, targets} = targets([ScopeShop.Orders, {ScopeShop.Orders, :place}, "ScopeShop.Or*"])
      mfas = for %{mfa: mfa} <- targets.functions, do: mfa
      assert mfas == Enum.uniq(mfas)
      assert Enum.all?(targets.functions, &(&1.also == []))
    end

    test "has the clauses of all, those with returns first" do
      written = [
        "ScopeShop.Orders.place(1)",
        "ScopeShop.Orders.place(2) -> return",
        "ScopeShop.Orders.place(1)",
        "ScopeShop.Orders.place/1",
        "ScopeShop.Orders.place(_)"
      ]

      {:ok, %{functions: [target]}} = targets(written)
      assert %{mfa: {ScopeShop.Orders, :place, 1}, pattern: %{head: [2], return: true}} = target
      assert [%{head: [1], return: false}, %{head: :_}] = target.also

      {:ok, %{functions: [target]}} = targets(["ScopeShop.Orders.place(_) -> return" | written])
      assert [[2], [:_]] = for(clause <- [target.pattern | target.also], do: clause.head)
    end

    test "any clauses want what each of the patterns wanted" do
      head = one_of(Enum.map([:_, [:_], [1], [2]], &constant/1))
      pattern = map(tuple([head, one_of([constant(true), constant(false)])]), &pattern/1)

      property(map(tuple([pattern, list(pattern)]), fn {p, ps} -> [p | ps] end), fn patterns ->
        clauses = Targets.Merge.clauses(patterns)
        for argument <- 1..3, do: assert(outcome(clauses, argument) == wanted(patterns, argument))
      end)
    end

    defp pattern({head, return}),
      do: %Pattern{module: ScopeShop.Orders, function: :place, head: head, return: return}

    # What a match specification does: the first clause that matches decides.
    defp outcome(clauses, argument) do
      with %{return: return} <- Enum.find(clauses, &matches?(&1, argument)), do: return
    end

    defp wanted(patterns, argument) do
      case Enum.filter(patterns, &matches?(&1, argument)) do
        [] -> nil
        matching -> Enum.any?(matching, & &1.return)
      end
    end

    defp matches?(%{head: head}, argument), do: head in [:_, [:_], [argument]]
  end

  describe "what is not loaded" do
    test "is waited for, and not loaded for being asked about" do
      DiskModules.on_path!(@later)

      for written <- [ScopeShop.Later, {ScopeShop.Later, :pack, 1}, "ScopeShop.Later.ship/1"] do
        assert {:ok, %{functions: [], waiting: [%Pattern{module: ScopeShop.Later}]}} =
                 targets(written)
      end

      refute :erlang.module_loaded(ScopeShop.Later)
    end

    test "is resolved when it is" do
      DiskModules.on_path!(@later)
      {:ok, targets} = targets([ScopeShop.Orders, {ScopeShop.Later, :ship}])
      assert Targets.matches_module?(targets.waiting, ScopeShop.Later)
      refute Targets.matches_module?(targets.waiting, ScopeShop.Orders)
      assert Targets.resolve_module(targets.waiting, ScopeShop.Later) == []

      Code.ensure_loaded!(ScopeShop.Later)

      assert [%{mfa: {ScopeShop.Later, :ship, 1}}] =
               Targets.resolve_module(targets.waiting, ScopeShop.Later)

      glob = [%Pattern{module: {:glob, "ScopeShop.*"}, return: true}]
      assert Targets.matches_module?(glob, ScopeShop.Later)
      late = Targets.resolve_module(glob, ScopeShop.Later)

      assert sorted(for %{mfa: {_, f, _}, pattern: p} <- late, do: {f, p.return}) ==
               [loop: false, pack: true, ship: true]
    end

    test "may have any function, where its file does not tell" do
      folder = DiskModules.on_path!(@later)
      file = Path.join(folder, "#{ScopeShop.Later}.beam")
      {:ok, {_module, stripped}} = :beam_lib.strip(File.read!(file))
      File.write!(file, stripped)
      assert {:ok, %{waiting: [_]}} = targets({ScopeShop.Later, :anything, 7})
    end

    test "and is in a loaded application" do
      app = {:application, :scope_shop, vsn: ~c"1", modules: [ScopeShop.Missing]}
      :ok = :application.load(app)
      on_exit(fn -> :application.unload(:scope_shop) end)
      assert {:ok, %{functions: [], waiting: [_]}} = targets({:app, :scope_shop})
      assert {:ok, %{functions: [], waiting: [_]}} = targets(ScopeShop.Missing)
      assert {:ok, %{functions: [], waiting: [_]}} = targets("ScopeShop.Miss*")
      assert Targets.matches_module?([%Pattern{module: {:app, :scope_shop}}], ScopeShop.Missing)
    end

    test "of a banned module, nothing" do
      assert Targets.resolve_module([%Pattern{module: {:glob, "En*"}}], Enum) == []
    end
  end

  describe "what there is not" do
    for {written, text} <- [
          {ScopeShop.Ordrs, "no module ScopeShop.Ordrs; did you mean ScopeShop.Order"},
          {"ScopeShop.Ordrs.place(_)", "did you mean ScopeShop.Order"},
          {"ScopShop.*", "no module like ScopShop.*; did you mean ScopeShop.Order"},
          {{ScopeShop.Orders, :plce, 2},
           "no function ScopeShop.Orders.plce/2; did you mean place/2?"},
          {"ScopeShop.Orders.plce/2", "did you mean place/2?"},
          {{ScopeShop.Orders, :place, 9},
           "no function ScopeShop.Orders.place/9; did you mean place/1 or place/2?"},
          {{ScopeShop.Orders, :zzz}, "no function ScopeShop.Orders.zzz"},
          {{:app, :ex_unti},
           "no loaded application :ex_unti with modules; did you mean :ex_unit?"},
          {:qqqqqqqq, "there is no module :qqqqqqqq"},
          {[ScopeShop.Orders, :qqqqqqqq], "there is no module :qqqqqqqq"}
        ] do
      @written written
      @text text
      test "#{inspect(written)}" do
        assert {:no_match, message} = message(@written)
        assert message =~ @text
      end
    end

    test "also of a module that is not loaded" do
      DiskModules.on_path!(@later)
      assert {:no_match, message} = message({ScopeShop.Later, :shp, 1})
      assert message =~ "did you mean ship/1?"
    end
  end

  test "a name that no file can have is a name of nothing" do
    long = :binary.copy("ä", 255) |> String.to_atom()

    log =
      ExUnit.CaptureLog.capture_log(fn ->
        for name <- [:"a\0b", :"", :"../x", :/, :日本, :" ", long] do
          assert {:no_match, _message} = message(name)
        end
      end)

    assert log == ""
  end

  test "a glob longer than any name, or of many parts, is a name of nothing" do
    for glob <- ["Mix." <> :binary.copy("x", 100_000) <> "*", :binary.copy("*e", 5_000) <> "Q*"] do
      assert {:no_match, _message} = message(glob)
    end
  end

  test "every function that is found is one that the VM can trace" do
    {:ok, targets} = targets([ScopeShop.Orders, {:app, :mix}, {:lists, :map, 2}, "ExUnit.*"])
    assert length(targets.functions) > 500

    for %{mfa: mfa} <- targets.functions do
      assert {mfa, 1} == {mfa, :erlang.trace_pattern(mfa, true, [:local])}
      :erlang.trace_pattern(mfa, false, [:local])
    end
  end

  test "no more functions than a trace can hold" do
    functions = for n <- 1..10_001, do: {:attribute, n, :export, [{:"f#{n}", 0}]}

    bodies =
      for n <- 1..10_001,
          do: {:function, n, :"f#{n}", 0, [{:clause, n, [], [], [{:atom, n, :ok}]}]}

    {:ok, module, code} =
      :compile.forms([{:attribute, 0, :module, :scope_huge} | functions ++ bodies])

    {:module, ^module} = :code.load_binary(module, ~c"nofile", code)
    on_exit(fn -> DiskModules.unload(module) end)
    assert {:too_many_functions, message} = message(module)
    assert message =~ "at most 10000"
    assert Targets.most() == 10_000
  end

  defp sorted(list), do: Enum.sort(list)
end
