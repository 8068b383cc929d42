defmodule ElixirScope.Distributed.Capture.PatternTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.Capture.Pattern
  alias ElixirScope.Distributed.Error
  doctest Pattern

  # Text that names functions: module, function, arity.
  @named [
    {"Map", Map, :_, :_},
    {"MyApp.Orders", MyApp.Orders, :_, :_},
    {" MyApp.Orders ", MyApp.Orders, :_, :_},
    {":lists", :lists, :_, :_},
    {"Elixir.Map", Map, :_, :_},
    {"Map.get", Map, :get, :_},
    {"Map.get/2", Map, :get, 2},
    {"Map.get/0", Map, :get, 0},
    {"Map.get/255", Map, :get, 255},
    {":lists.reverse", :lists, :reverse, :_},
    {":lists.reverse/1", :lists, :reverse, 1},
    {"MyApp.Orders.place!", MyApp.Orders, :place!, :_},
    {"MyApp.Orders.paid?/1", MyApp.Orders, :paid?, 1},
    {"MyApp.Orders.\"odd name\"/1", MyApp.Orders, :"odd name", 1},
    {":\"odd module\".run/1", :"odd module", :run, 1},
    {"MyApp.Orders.place()", MyApp.Orders, :place, 0},
    {"MyApp.Orders.place(_)", MyApp.Orders, :place, 1},
    {"MyApp.Orders.place(_, _)", MyApp.Orders, :place, 2},
    {"MyApp.Orders.+(_, _)", MyApp.Orders, :+, 2},
    {"MyApp.Orders.place(_) -> return", MyApp.Orders, :place, 1}
  ]

  # Text that names calls: arguments that are meant, and arguments that are not.
  @calls [
    {"M.f(1)", [[1]], [[2], [1.0]]},
    {"M.f(-1.5)", [[-1.5]], [[1.5]]},
    {"M.f(+3)", [[3]], [[-3]]},
    {"M.f(:ok)", [[:ok]], [[:error]]},
    {"M.f(nil, true)", [[nil, true]], [[nil, false]]},
    {"M.f(\"a\")", [["a"]], [["b"]]},
    {"M.f('ab')", [~c"ab"] |> Enum.map(&[&1]), [["ab"]]},
    {"M.f(String)", [[String]], [[Map]]},
    {"M.f(x, x)", [[1, 1], [:a, :a]], [[1, 2]]},
    {"M.f(_x, _x)", [[1, 2]], []},
    {"M.f({:ok, _})", [[{:ok, 1}]], [[{:error, 1}], [{:ok, 1, 2}]]},
    {"M.f({})", [[{}]], [[{1}]]},
    {"M.f({1, _, 3})", [[{1, 2, 3}]], [[{1, 2, 4}]]},
    {"M.f([])", [[[]]], [[[1]]]},
    {"M.f([1, _])", [[[1, 2]]], [[[1]], [[1, 2, 3]]]},
    {"M.f([1 | _])", [[[1]], [[1, 2, 3]]], [[[]], [[2]]]},
    {"M.f([_, 2 | rest]) when is_list(rest)", [[[1, 2]], [[1, 2, 3]]], [[[1, 2 | 3]]]},
    {"M.f([key: 1])", [[[key: 1]]], [[[key: 2]]]},
    {"M.f(key: 1)", [[[key: 1]]], [[[key: 1, more: 2]]]},
    {"M.f(%{})", [[%{}], [%{a: 1}]], [[1]]},
    {"M.f(%{id: 3})", [[%{id: 3}], [%{id: 3, b: 1}]], [[%{id: 4}], [%{}], [3]]},
    {"M.f(%{\"id\" => _})", [[%{"id" => 1}]], [[%{id: 1}]]},
    {"M.f(%{{1, 2} => x}) when x > 1", [[%{{1, 2} => 2}]], [[%{{1, 2} => 1}]]},
    {"M.f(%{a: %{b: x}}, x)", [[%{a: %{b: 1, c: 2}}, 1]], [[%{a: %{b: 1}}, 2]]},
    {"M.f(%URI{port: 80})", [[%URI{port: 80, host: "a"}]], [[%URI{}], [%{port: 80}]]},
    {"M.f(x) when x == 1", [[1], [1.0]], [[2]]},
    {"M.f(x) when x === 1", [[1]], [[1.0]]},
    {"M.f(x) when x != 1 and x !== 2", [[3]], [[1], [2]]},
    {"M.f(x) when x < 3 or x >= 5", [[2], [5]], [[3], [4]]},
    {"M.f(x) when not (x <= 3)", [[4]], [[3]]},
    {"M.f(x) when x in [1, :a, {:b, 2}]", [[1], [:a], [{:b, 2}]], [[2], [:b]]},
    {"M.f(x) when x not in [1, 2]", [[3]], [[1]]},
    {"M.f(x, y) when x + y * 2 - 1 == 6", [[3, 2]], [[3, 3]]},
    {"M.f(x) when rem(x, 2) == 0 and div(x, 2) > 1", [[4]], [[2], [5]]},
    {"M.f(x) when abs(x) > 3", [[-4]], [[3]]},
    {"M.f(x) when is_binary(x) and byte_size(x) > 2", [["abc"]], [["ab"], [:abc]]},
    {"M.f(x) when is_list(x) and length(x) == 2", [[[1, 2]]], [[[1]], [{}]]},
    {"M.f(x) when is_nil(x) or is_boolean(x)", [[nil], [true], [false]], [[:a]]},
    {"M.f(x) when hd(x) == 1 and tl(x) == []", [[[1]]], [[[1, 2]], [[]]]},
    {"M.f(x) when elem(x, 1) == :b", [[{:a, :b}]], [[{:b, :a}], [{}]]},
    {"M.f(x) when tuple_size(x) == 2", [[{1, 2}]], [[{1}]]},
    {"M.f(x) when map_size(x) > 1", [[%{a: 1, b: 2}]], [[%{}]]},
    {"M.f(x) when x.total > 10", [[%{total: 11}]], [[%{total: 9}], [%{}], [1]]},
    {"M.f(x) when x.a.b == 1", [[%{a: %{b: 1}}]], [[%{a: 1}]]},
    {"M.f(x) when is_map_key(x, :a)", [[%{a: 1}]], [[%{b: 1}]]},
    {"M.f(x) when is_struct(x, URI)", [[%URI{}]], [[%{}], [1]]},
    {"M.f(x) when x == {1, :\"$1\"}", [[{1, :"$1"}]], [[{1, 2}]]},
    {"M.f(x) when x == [1, 2]", [[[1, 2]]], [[[1]]]},
    {"M.f(x) when round(x) == 2 and trunc(x) == 1", [[1.6]], [[1.2]]},
    {"M.f(x, %{id: y}) when x > y -> return", [[2, %{id: 1}]], [[1, %{id: 2}]]}
  ]

  # What is wrong, in which column, and what is said about it.
  @wrong [
    {"", 1, "the name of a module"},
    {"   ", 1, "the name of a module"},
    {"orders", 1, "the name of a module"},
    {"12", 1, "the name of a module"},
    {"nil", 1, "the name of a module"},
    {"nil.f", 1, "the name of a module"},
    {"orders.place", 1, "the name of a module"},
    {"\"MyApp\".f", 1, "the name of a module"},
    {"__MODULE__.Orders.f", 11, "the name of a module"},
    {"f(1)", 1, "the name of a module"},
    {"Map.get(", 9, "ends too early"},
    {"Map.get(%{id: 1}", 17, "ends too early"},
    {"Map.get(_) when", 16, "ends too early"},
    {"Map.get(_) ->", 14, "`return` behind the arrow"},
    {"Map.get(_))", 12, "no more `)`"},
    {"Map.get(,)", 9, "','"},
    {"Map get", 5, "syntax error before: get"},
    {"Map.get/256", 8, "arity from 0 to 255"},
    {"Map.get/x", 8, "arity from 0 to 255"},
    {"Map.get/-1", 8, "arity from 0 to 255"},
    {"Map.get(_)/1", 11, "arity from 0 to 255"},
    {"Map.get; Map.put", 1, "one function; a list for several"},
    {"Map.get(_) -> stack", 15, "`return` behind the arrow"},
    {"Map.get(_) -> return(1)", 15, "`return` behind the arrow"},
    {"Map.get when true", 1, "arguments before `when`"},
    {"Map.get/2 when true", 1, "arguments before `when`"},
    {"Map._(1)", 5, "the name of a function"},
    {"Map.get(x = 1)", 11, "not both"},
    {"Map.get(^x)", 9, "no `^`"},
    {"Map.get(1 + 2)", 11, "this computes something"},
    {"Map.get(foo(1))", 9, "this computes something"},
    {"Map.get(\"\#{x}\")", 9, "this computes something"},
    {"Map.get(<<1, x>>)", 9, "this computes something"},
    {"Map.get(%{x => 1})", 11, "maps are not searched"},
    {"Map.get(%{_ => 1})", 11, "maps are not searched"},
    {"Map.get(:\"$1\")", 1, "match specifications use it"},
    {"Map.get(x) when y > 1", 17, "no argument is called y"},
    {"Map.get(x) when foo(x)", 17, "no foo/1 in a guard"},
    {"Map.get(x) when String.length(x) > 1", 24, "no call of other modules"},
    {"Map.get(x) when x in y", 19, "a list of values"},
    {"Map.get(x) when x in []", 19, "a list of values"},
    {"Map.get(x) when is_list(x, 1)", 17, "no is_list/2 in a guard"},
    {"Map.get(x) when fn -> 1 end", 17, "no fn/1 in a guard"}
  ]

  test "there are sixty and forty of them" do
    assert length(@named) + length(@calls) >= 60
    assert length(@wrong) >= 40
  end

  for {text, module, function, arity} <- @named do
    test "#{inspect(text)} names functions" do
      assert {:ok, [pattern]} = Pattern.parse(unquote(text))
      mfa = {pattern.module, pattern.function, pattern.arity}
      assert mfa == {unquote(module), unquote(function), unquote(arity)}
      assert pattern.return == (unquote(text) =~ "return")
      assert Pattern.Check.pattern?(pattern)
    end
  end

  for {text, meant, others} <- @calls do
    test "#{inspect(text)} means some calls" do
      assert {:ok, [pattern]} = Pattern.parse(unquote(text))
      assert pattern.return == (unquote(text) =~ "return")
      for arguments <- unquote(Macro.escape(meant)), do: assert(matches?(pattern, arguments))
      for arguments <- unquote(Macro.escape(others)), do: refute(matches?(pattern, arguments))
    end
  end

  for {text, column, expected} <- @wrong do
    test "#{inspect(text)} is refused with a reason and a column" do
      assert {:error, %Error{reason: :bad_pattern} = error} = Pattern.parse(unquote(text))
      assert error.details.expected =~ unquote(expected)
      assert error.details.column == unquote(column)
      assert Exception.message(error) =~ "column #{unquote(column)}: "
    end
  end

  test "what is no text" do
    assert {:ok, [%{module: Map, function: :_, arity: :_}]} = Pattern.parse(Map)
    assert {:ok, [%{module: Map, function: :get, arity: :_}]} = Pattern.parse({Map, :get})
    assert {:ok, [%{module: Map, function: :get, arity: 2}]} = Pattern.parse({Map, :get, 2})
    assert {:ok, [%{module: {:app, :my_app}}]} = Pattern.parse({:app, :my_app})
    assert {:ok, [%{module: {:glob, "My.*"}}]} = Pattern.parse("My.*")

    assert {:ok, [%{module: Map}, %{module: {:glob, "*"}}, %{arity: 1}]} =
             Pattern.parse([Map, ["*"], "Map.new/1"])

    for wrong <- [nil, true, 1, [], {Map, "get"}, {Map, :get, 256}, {Map, :get, 1, 2}, %{}, [nil]] do
      assert {:error, %Error{reason: :bad_pattern} = error} = Pattern.parse(wrong)
      assert Exception.message(error) =~ "expected a module, function or text"
    end
  end

  test "globs are about the names that inspect writes" do
    assert Pattern.glob_matches?("MyApp.*", MyApp.Orders)
    refute Pattern.glob_matches?("MyApp.*", MyApp)
    refute Pattern.glob_matches?("MyApp.*", MyAppX.Orders)
    assert Pattern.glob_matches?(":gen_*", :gen_server)
    assert Pattern.glob_matches?("*Controller", MyApp.Web.PageController)
  end

  test "there are thirty-two variables" do
    call = fn count -> "M.f(" <> Enum.map_join(1..count, ", ", &"a#{&1}") <> ")" end
    assert {:ok, [%{arity: 32}]} = Pattern.parse(call.(32))
    assert {:error, error} = Pattern.parse(call.(33))
    assert error.details.expected == "at most 32 variables"
  end

  test "text from elsewhere makes no atom" do
    name = "NoSuchModule#{System.unique_integer([:positive])}"
    assert {:error, %Error{} = error} = Pattern.parse("#{name}.f(:x)", atoms: :existing)
    assert Exception.message(error) =~ name
    assert_raise ArgumentError, fn -> String.to_existing_atom("Elixir." <> name) end
  end

  test "a module is found by its whole name, of which no part is a name by itself" do
    part = "P#{System.unique_integer([:positive])}"
    for last <- ["Front", part <> "b"], do: _ = String.to_atom("Elixir.#{part}.#{last}")

    for last <- ["Front", part <> "b"] do
      module = String.to_existing_atom("Elixir.#{part}.#{last}")
      text = "#{part}.#{last}"

      assert {:ok, [%{module: ^module, function: :map, arity: 2}]} =
               Pattern.parse(text <> ".map/2", atoms: :existing)

      assert {:ok, [%{module: ^module}]} = Pattern.parse(text, atoms: :existing)

      assert {:ok, [%{head: [%{__struct__: ^module}]}]} =
               Pattern.parse("Enum.map(%#{text}{})", atoms: :existing)
    end

    for text <- [
          "#{part}.f/1",
          "#{part}.Other.f/1",
          "Enum.map(:#{part})",
          "Enum.map({:#{part}, 1})"
        ] do
      assert {:error, %Error{reason: :bad_pattern} = error} =
               Pattern.parse(text, atoms: :existing)

      assert Exception.message(error) =~ "unsafe atom does not exist: #{part}"
    end

    assert_raise ArgumentError, fn -> String.to_existing_atom(part) end
  end

  # As the virtual machine itself decides.
  defp matches?(pattern, arguments) do
    {head, guards} = Pattern.match_head(pattern)

    {:ok, result, [], _warnings} =
      :erlang.match_spec_test(arguments, [{head, guards, []}], :trace)

    result
  end

  test "a glob stands for what a regular expression would" do
    import ElixirScope.Distributed.Case.Gen

    text = fn letters -> map(list(one_of(Enum.map(letters, &constant/1))), &Enum.join/1) end
    globs = tuple([text.(~w(a b _ * *)), text.(~w(a b _)), text.(~w(a b))])

    for _ <- 1..20 do
      property(globs, [runs: 15], fn {glob, other, between} ->
        glob = "A" <> glob
        # Several stars are one: an expression with all of them gives up on a long name.
        parts = glob |> String.split(~r/\*+/) |> Enum.map_join(".*", &Regex.escape/1)

        for name <- ["A" <> other, String.replace(glob, "*", between)] do
          module = Module.concat([name])
          expected = Regex.match?(~r/\A#{parts}\z/, inspect(module))
          assert {glob, Pattern.glob_matches?(glob, module)} == {glob, expected}
        end
      end)
    end
  end
end
