defmodule ElixirScope.Distributed.Debug.LinesTest do
  use ExUnit.Case

  alias ElixirScope.Distributed.Debug.Lines
  alias ElixirScope.Distributed.{DiskModules, Error, Scratch, Sources}

  @cart """
  defmodule LinesCart do
    def add(cart, item) when is_list(cart) do
      priced =
        item
        |> Map.put(:price, 1)
        |> Map.new()

      [priced | cart]
    end

    # Nothing is here.
    def empty, do: []
    def total(cart), do: Enum.sum(for %{price: p} <- cart, do: p)
  end

  defmodule LinesCart.Other do
    def id(x), do: x

    def kind(x)
        when is_integer(x)
        when is_float(x),
        do: kind({:number, x})

    def kind({:number, _}) do
      fun = fn
        1 ->
          Process.get(:one)

        n when n > 1 ->
          Process.get(:more)
      end

      for n <- [1, 2],
          rem(n, 2) == 0 do
        fun.(n)
      end
    end

    def caught(x, y \\\\ 1) do
      String.to_integer(x) + y
    rescue
      ArgumentError ->
        Process.get(:none)
    after
      Process.put(:done, true)
    end

    defmacro told(x) do
      quote do
        IO.inspect(unquote(x))
      end
    end
  end
  """

  setup do
    {:ok, folder: Sources.project!()}
  end

  defp cart!(folder), do: Sources.compile!(folder, "lib/lines_cart.ex", @cart)

  test "a line leads to its function, and to where one can stop for it", %{folder: folder} do
    file = cart!(folder)
    assert {:ok, %{module: LinesCart, function: :add, arity: 2, line: 3}} = Lines.at(file, 4)
    assert {:ok, %{line: 3}} = Lines.at(file, 3)
    assert {:ok, %{line: 3, lines: 2..8}} = Lines.at(file, 2)
    assert {:ok, %{function: :total, line: 13, md5: md5}} = Lines.at("lines_cart.ex", 13)
    assert md5 == LinesCart.module_info(:md5)
    assert {:ok, %{module: LinesCart.Other, function: :id}} = Lines.at(file, 17)
    assert Lines.in_file(file) == {:ok, [LinesCart, LinesCart.Other]}
    assert {:ok, %{line: line}} = Lines.at(file, 8)
    assert line in [3, 8]
    assert {:ok, lines} = Lines.breakable(LinesCart)
    assert lines -- [8, 12] == [3, 13]
  end

  test "heads, guards, anonymous functions, comprehensions and rescues are of their functions",
       %{folder: folder} do
    file = cart!(folder)

    stops = fn line ->
      with {:ok, at} <- Lines.at(file, line), do: {at.function, at.arity, at.line}
    end

    assert Enum.map(19..22, stops) == List.duplicate({:kind, 1, 22}, 4)
    assert stops.(24) == {:kind, 1, 25}
    assert stops.(26) == {:kind, 1, 27}
    assert stops.(27) == {:kind, 1, 27}
    assert stops.(29) == {:kind, 1, 30}
    assert stops.(30) == {:kind, 1, 30}
    assert {:kind, 1, 33} = stops.(33)
    assert {:kind, 1, line} = stops.(35)
    assert line in [33, 34, 35]
    assert {:caught, arity, _line} = stops.(39)
    assert arity in [1, 2]
    assert {:ok, %{others: [{LinesCart.Other, :caught, other}]}} = Lines.at(file, 39)
    assert Enum.sort([arity, other]) == [1, 2]
    assert {:caught, 2, 40} = stops.(40)
    assert {:caught, 2, 43} = stops.(43)
    assert {:caught, 2, 45} = stops.(45)
    assert {:ok, %{function: :"MACRO-told", arity: 2}} = Lines.at(file, 48)
  end

  test "what macros and templates bring is of the files that they are from", %{folder: folder} do
    library =
      Sources.compile!(folder, "lib/lines_kept.ex", """
      defmodule LinesKept do
        defmacro __using__(_options) do
          quote location: :keep do
            def kept(x) do
              Process.get(x)
            end
          end
        end

        defmacro doubled(x) do
          quote do
            unquote(x) * 2
          end
        end

        defmacro made(name) do
          quote do
            def unquote(name)(), do: Process.get(unquote(name))
          end
        end
      end
      """)

    Scratch.write!(folder, "lib/lines_page.eex", "<p>\n<%= Process.get(@of) %>\n</p>\n")

    user =
      Sources.compile!(folder, "lib/lines_user.ex", """
      defmodule LinesUser do
        use LinesKept
        require LinesKept
        require EEx

        EEx.function_from_file(:def, :page, #{inspect(Path.join(folder, "lib/lines_page.eex"))}, [:assigns])

        LinesKept.made(:one)
        LinesKept.made(:two)

        def four do
          x = Process.get(:two)
          LinesKept.doubled(x)
        end
      end
      """)

    assert {:ok, %{module: LinesUser, function: :kept, line: 5, file: kept}} =
             Lines.at(library, 5)

    assert String.ends_with?(library, kept)

    # What a template is made of has no lines of its own in some versions: nothing is stopped at there.
    assert {:ok, %{module: LinesUser, function: :page, line: page}} =
             Lines.at(Path.join(folder, "lib/lines_page.eex"), 2)

    assert page in [nil, 2]

    assert {:ok, %{module: LinesUser, function: :four, line: 13}} = Lines.at(user, 13)
    assert {:ok, %{function: :one, line: 8}} = Lines.at(user, 8)
    assert {:ok, %{function: :two, line: 9}} = Lines.at(user, 9)
    assert {:ok, modules} = Lines.in_file(library)
    assert Enum.sort(modules) == [LinesKept, LinesUser]
  end

  test "Erlang's sources, and what they include, are files like any other" do
    folder =
      DiskModules.erlang_on_path!(:lines_erlang, """
      -module(lines_erlang).
      -export([f/1]).

      f(X) when X > 1 ->
          Y = g(X),
          [Z || Z <- Y,
                Z > 2].

      -file("included.hrl", 7).
      g(X) ->
          lists:seq(1, X).
      """)

    file = Path.join(folder, "lines_erlang.erl")
    assert {:ok, %{module: :lines_erlang, function: :f, line: 5, lines: 4..7}} = Lines.at(file, 5)
    assert {:ok, %{function: :f, line: 6}} = Lines.at(file, 7)
    assert {:ok, %{module: :lines_erlang, function: :g, line: 9}} = Lines.at("included.hrl", 8)
  end

  describe "what cannot be answered says why:" do
    test "unknown files and lines, lines without code", %{folder: folder} do
      file = cart!(folder)
      assert {:error, %Error{reason: :no_code_on_line} = error} = Lines.at(file, 11)
      assert error.details.nearest == 12
      assert Exception.message(error) =~ "the nearest is on line 12"
      assert {:error, %Error{reason: :unknown_line}} = Lines.at(file, 99)
      assert {:error, %Error{reason: :unknown_line}} = Lines.at(file, 0)
      assert {:error, %Error{reason: :unknown_file}} = Lines.at("no_such_file.ex", 1)
      assert {:error, %Error{reason: :unknown_file}} = Lines.in_file("no_such_file.ex")
      assert {:error, %Error{reason: :no_beam}} = Lines.breakable(No.Such.Module)
      # Another file of the same name, that is here, is not this one.
      other = Scratch.write!(folder, "other/lib/lines_cart.ex", "")
      assert {:error, %Error{reason: :unknown_file}} = Lines.at(other, 3)
    end

    test "modules without debug information", %{folder: folder} do
      source = "defmodule LinesBare do\n  def f(x), do: Process.get(x)\nend\n"
      file = Sources.compile!(folder, "lib/lines_bare.ex", source, debug_info: false)
      assert {:error, %Error{reason: :no_debug_info} = error} = Lines.at(file, 2)
      assert Exception.message(error) =~ "LinesBare"
      assert {:error, %Error{reason: :no_debug_info}} = Lines.breakable(LinesBare)
    end

    test "sources that changed after they were compiled", %{folder: folder} do
      file = cart!(folder)
      assert {:ok, _place} = Lines.at(file, 3)
      later = System.os_time(:second) + 60
      # Only its time is another one.
      File.touch!(file, later)
      assert {:ok, _place} = Lines.at(file, 3)
      File.write!(file, "# A line before it.\n" <> @cart)
      File.touch!(file, later)
      assert {:error, %Error{reason: :stale_source} = error} = Lines.at(file, 3)
      assert Exception.message(error) =~ "compile it again"
      # Where it is not there nobody can tell.
      File.rm!(file)
      assert {:ok, _place} = Lines.at(file, 3)
    end
  end

  test "what is compiled again is another version at once", %{folder: folder} do
    file = cart!(folder)
    assert {:ok, %{function: :add, md5: before}} = Lines.at(file, 3)
    Sources.compile!(folder, "lib/lines_cart.ex", "\n\n" <> @cart)
    assert {:ok, %{function: :add, line: 5, md5: ^before}} = Lines.at(file, 5)
    assert {:error, %Error{reason: :no_code_on_line}} = Lines.at(file, 3)
    # A new module of the file is there, and a function that became another one.
    changed = String.replace(@cart, "def empty, do: []", "def empty, do: [1]")
    more = changed <> "\ndefmodule LinesCart.New do\n  def f, do: self()\nend\n"
    Sources.compile!(folder, "lib/lines_cart.ex", more)
    assert {:ok, %{function: :add, line: 3, md5: later}} = Lines.at(file, 3)
    assert later != before
    last = length(String.split(more, "\n")) - 2
    assert {:ok, %{module: LinesCart.New, line: ^last}} = Lines.at(file, last)
  end

  test "a file that was compiled elsewhere is found by its trailing parts" do
    matching = &Lines.Paths.matching/2
    built = ["/build/shop/lib/cart.ex", "/build/shop/deps/x/lib/cart.ex"]
    assert matching.(built, "/build/shop/lib/cart.ex") == ["/build/shop/lib/cart.ex"]
    assert matching.(built, "/home/me/shop/lib/cart.ex") == ["/build/shop/lib/cart.ex"]
    assert matching.(built, "deps/x/lib/cart.ex") == ["/build/shop/deps/x/lib/cart.ex"]
    assert matching.(built, "cart.ex") == built
    assert matching.(built, "/home/cart.ex") == []
    assert matching.(["lib/cart.ex"], "/home/me/shop/lib/cart.ex") == ["lib/cart.ex"]
    assert matching.(["lib/cart.ex"], "/home/me/shop/src/cart.ex") == []
    assert matching.([], "cart.ex") == []
  end
end
