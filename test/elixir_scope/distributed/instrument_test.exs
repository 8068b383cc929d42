defmodule ElixirScope.Distributed.InstrumentTest do
  # The same source compiled twice, with and without the line: what it does, what it raises and
  # where is the same, and what it did is recorded.
  use ExUnit.Case, async: false

  import ExUnit.CaptureIO

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.Capture.Instrument.Entry

  @source ~S'''
    defstruct [:a]
    defmacro twice(x), do: quote(do: unquote(x) * 2)
    def none, do: :none
    def clauses(a, b) when is_integer(a), do: a + b
    def clauses(%{x: [h | _]} = m, <<c::8, rest::binary>>), do: {h, map_size(m), c, rest}
    def clauses([], _), do: empty("x")
    def default(a, b \\ 2, c)
    def default(a, b, c) when a > 0, do: {a, b, c}
    def default(_, _, _), do: :small
    defp empty(x), do: {:empty, x}
    def overridden(x), do: x + 1
    defoverridable overridden: 1
    def overridden(x), do: super(x) * 10
    def blocks(fun) do
      fun.()
    rescue
      e in ArgumentError -> {:rescued, e.message}
    catch
      :throw, ball -> {:caught, ball}
    else
      :fine -> :else
      other -> {:other, other}
    after
      send(self(), :after)
    end
    def same(x, x), do: x
    def pinned(x, %{y: y}) do
      case y do
        ^x -> :same
        _ -> with {:ok, z} <- {:ok, y}, do: {x, z}
      end
    end
    def bits(<<n::4, _::4, t::binary-size(n), _::bits>>), do: t
    def raises(x), do: if(x == :fine, do: x, else: raise(ArgumentError, "bad #{x}"))
    def nested(x), do: [raises(x)]
    def via_fun(x), do: [Enum.map([x], fn n -> hd(n) end)]
    def erlang(x), do: [String.to_integer(x)]
    def thrown(x), do: throw({:ball, x})
    def exits(x), do: exit({:why, x})
    def reraised(x) do
      raises(x)
    rescue
      e -> reraise e, __STACKTRACE__
    end
    def match(x), do: ({:ok, y} = x; y)
    def no_case(x), do: [case x do 1 -> 2 end]
    def deep(0), do: [hd(Process.get(:none, []))]
    def deep(n), do: [deep(n - 1)]
    def loop(0, acc), do: acc
    def loop(n, acc), do: loop(n - 1, acc + n)
    def ping(0), do: :pong
    def ping(n), do: pong(n - 1)
    def pong(n), do: __MODULE__.ping(n)
    def serve do
      receive do
        {:stop, x} -> x
        _ -> serve()
      after
        5_000 -> serve()
      end
    end
    def generated, do: twice_here()
    Enum.each([:one, :two], fn name -> def unquote(name)(), do: unquote(name) end)
    defp twice_here, do: 4
    def long(a, b, c, d, e, f, g, h, i, j), do: {a, b, c, d, e, f, g, h, i, j}
    def bang!(x) when x in [1, 2], do: x
    def capture, do: &clauses/2
    def comprehension(xs), do: for(x <- xs, x > 1, do: x)
  '''

  defp compile(name, first, source \\ @source) do
    text = "defmodule #{name} do #{first}\n#{source}\nend"
    [{module, binary} | _] = Code.compile_string(text, "sample.ex")
    {module, binary}
  end

  setup_all do
    {plain, _} = compile("Plain", "")
    {watched, _} = compile("Watched", "use ElixirScope.Distributed.Instrument")
    on_exit(fn -> for module <- [plain, watched], do: :code.delete(module) end)
    {:ok, plain: plain, watched: watched}
  end

  @calls [
    {:none, []},
    {:clauses, [1, 2]},
    {:clauses, [%{x: [1, 2]}, "abc"]},
    {:clauses, [[], 1]},
    {:default, [1, 3]},
    {:default, [1, 2, 3]},
    {:default, [0, 2, 3]},
    {:overridden, [1]},
    {:same, [1, 1]},
    {:pinned, [1, %{y: 1}]},
    {:pinned, [1, %{y: 2}]},
    {:bits, [<<1::4, 0::4, "ab">>]},
    {:loop, [1000, 0]},
    {:ping, [10]},
    {:generated, []},
    {:one, []},
    {:two, []},
    {:long, Enum.to_list(1..10)},
    {:bang!, [1]},
    {:comprehension, [[1, 2, 3]]},
    {:raises, [1]},
    {:nested, [1]},
    {:via_fun, [1]},
    {:via_fun, [[]]},
    {:erlang, ["x"]},
    {:thrown, [1]},
    {:exits, [1]},
    {:reraised, [1]},
    {:match, [1]},
    {:no_case, [3]},
    {:deep, [3]},
    {:deep, [20]},
    {:clauses, [:no, :clause]},
    {:same, [1, 2]},
    {:bang!, [3]},
    {:default, [1]}
  ]

  defp outcome(module, function, arguments) do
    {:value, apply(module, function, arguments)}
  catch
    class, reason -> {class, reason, __STACKTRACE__}
  end

  defp renamed(outcome, module) do
    outcome |> inspect(limit: :infinity, structs: false) |> String.replace(inspect(module), "M")
  end

  defp seen(fun) do
    parent = self()

    {pid, reference} =
      spawn_monitor(fn -> send(parent, {:result, outcome(:erlang, :apply, [fun, []])}) end)

    assert_receive {:DOWN, ^reference, :process, ^pid, _reason}
    {:ok, events} = Scope.events(pids: [pid])
    for event <- events, do: {event.kind, event.subject, event.data}
  end

  test "values, exceptions and stack traces are those of the module as it was", context do
    for {function, arguments} <- @calls do
      of = &renamed(outcome(&1, function, arguments), &1)
      {expected, found} = {of.(context.plain), of.(context.watched)}
      assert {function, found} == {function, expected}
    end
  end

  test "blocks keep their order and their meaning", %{plain: plain, watched: watched} do
    for fun <- [
          fn -> :fine end,
          fn -> 1 end,
          fn -> raise ArgumentError, "x" end,
          fn -> throw(1) end
        ] do
      assert plain.blocks(fun) == watched.blocks(fun)
      assert_receive :after
      assert_receive :after
    end

    assert_raise RuntimeError, fn -> watched.blocks(fn -> raise "x" end) end
    assert_receive :after
  end

  test "calls, returns and exceptions are recorded, of private functions too", %{watched: m} do
    assert seen(fn -> m.clauses([], 1) end) == [
             {:call, {m, :clauses, 2}, [[], 1]},
             {:call, {m, :empty, 1}, ["x"]},
             {:return, {m, :empty, 1}, {:empty, "x"}},
             {:return, {m, :clauses, 2}, {:empty, "x"}}
           ]

    assert [
             {:call, {^m, :nested, 1}, [1]},
             {:call, {^m, :raises, 1}, [1]},
             {:exception, {^m, :raises, 1}, {:error, %ArgumentError{message: "bad 1"}, raised}},
             {:exception, {^m, :nested, 1}, {:error, %ArgumentError{}, raised}}
           ] = seen(fn -> m.nested(1) end)

    assert [{^m, :raises, 1, line}, {^m, :nested, 1, below} | _] = raised
    assert below == line + 1
    assert [_, {:exception, _, {:throw, {:ball, 1}, _}}] = seen(fn -> m.thrown(1) end)
    assert [_, {:exception, _, {:exit, {:why, 1}, _}}] = seen(fn -> m.exits(1) end)
  end

  test "a default, an overridden function and a struct are no calls of their own", %{watched: m} do
    assert [{:call, {^m, :default, 3}, [1, 2, 3]}, {:return, _, _}] =
             seen(fn -> m.default(1, 3) end)

    assert [{:call, {^m, :overridden, 1}, [1]}, {:return, _, 20}] =
             seen(fn -> m.overridden(1) end)

    assert seen(fn -> struct(m, a: 1) end) == []
    assert [{:call, {^m, :one, 0}, []}, {:return, _, :one}] = seen(fn -> m.one() end)
  end

  test "what loops, alone or in turn, is recorded by its calls", %{watched: m} do
    assert Enum.map(seen(fn -> m.loop(3, 0) end), &elem(&1, 0)) == [:call, :call, :call, :call]
    assert Enum.uniq(Enum.map(seen(fn -> m.ping(3) end), &elem(&1, 0))) == [:call]

    serve = fn ->
      for message <- [1, 2, {:stop, 3}], do: send(self(), message)
      m.serve()
    end

    assert Enum.map(seen(serve), &elem(&1, 0)) == [:call, :call, :call]
  end

  defp run_in_a_small_heap(fun) do
    limit = %{size: 6_000, kill: true, error_logger: false}
    {pid, reference} = Process.spawn(fun, [:monitor, max_heap_size: limit])
    assert_receive {:DOWN, ^reference, :process, ^pid, reason}
    reason
  end

  test "a loop does not grow, unless it is forced to", %{watched: m} do
    assert run_in_a_small_heap(fn -> m.loop(3_000, 0) end) == :normal
    {forced, _} = compile("Forced", "use ElixirScope.Distributed.Instrument, returns: :force")
    assert run_in_a_small_heap(fn -> forced.loop(3_000, 0) end) == :killed
  end

  @chosen ~S'''
    def plain(x), do: x
    @scope args: false
    def quiet(x), do: x
    @scope false
    def never(x), do: x
    @scope returns: false
    def calls(x), do: x
    @scope returns: :force
    def loop(0), do: :ok
    def loop(n), do: loop(n - 1)
    @scope entry: true
    def entry(x), do: [x]
    @scope true
    def default(a, b \\ 1)
    def default(a, b), do: {a, b}
    @scope true
    defp private(x), do: x
    def private?(x), do: private(x)
  '''

  test "per function, by @scope" do
    {m, _} = compile("Chosen", "use ElixirScope.Distributed.Instrument", @chosen)
    assert [{:call, _, nil}, {:return, _, 1}] = seen(fn -> m.quiet(1) end)
    assert seen(fn -> m.never(1) end) == []
    assert seen(fn -> m.calls(1) end) == [{:call, {m, :calls, 1}, [1]}]
    assert [:call, :call, :return, :return] = Enum.map(seen(fn -> m.loop(1) end), &elem(&1, 0))
    assert [begun, {:call, _, [1]}, {:return, _, [1]}] = seen(fn -> m.entry(1) end)
    assert {:mark, :correlation, %{id: <<_::128>>, context: %{entry: "Chosen.entry/1"}}} = begun
    assert [{:call, _, [1]}, {:return, _, 1}] = seen(fn -> m.plain(1) end)
  end

  @entries ~S'''
    @scope entry: true
    def both(x) when x > 0, do: [x]
    def both(x) when x < 0, do: raise("negative")
    @scope entry: true, returns: false
    def calls(x), do: hd(x)
    @scope entry: true, returns: :force
    def loop(0), do: :ok
    def loop(n), do: loop(n - 1)
  '''

  test "an entry point is entered before its call and left after what became of it" do
    {m, _} = compile("Entries", "use ElixirScope.Distributed.Instrument", @entries)
    once = &[{:enter, [m, &1, 1]}, {:leave, [{nil, nil}]}]
    assert entries(fn -> m.both(1) end) == once.(:both)
    assert entries(fn -> m.both(-1) end) == once.(:both)
    assert entries(fn -> m.both(0) end) == []
    assert entries(fn -> m.calls([1]) end) == once.(:calls)
    assert entries(fn -> m.calls([]) end) == once.(:calls)
    # Inside one entry another one begins nothing.
    assert [enter, enter, {:leave, [nil]}, leave] = entries(fn -> m.loop(1) end)
    assert {elem(enter, 0), elem(leave, 0)} == {:enter, :leave}
    assert [_begun, {:call, {^m, :calls, 1}, [[]]}] = seen(fn -> m.calls([]) end)
  end

  # The calls of Entry that a process makes.
  defp entries(fun) do
    {:module, Entry} = Code.ensure_loaded(Entry)
    :erlang.trace_pattern({Entry, :_, :_}, true, [])
    pid = spawn(fn -> receive do: (:go -> outcome(:erlang, :apply, [fun, []])) end)
    reference = Process.monitor(pid)
    :erlang.trace(pid, true, [:call])
    send(pid, :go)
    assert_receive {:DOWN, ^reference, :process, ^pid, _reason}
    delivered = :erlang.trace_delivered(pid)
    assert_receive {:trace_delivered, ^pid, ^delivered}
    :erlang.trace_pattern({Entry, :_, :_}, false, [])
    collect(pid)
  end

  defp collect(pid) do
    receive do
      {:trace, ^pid, :call, {Entry, name, arguments}} when name in [:enter, :leave] ->
        [{name, arguments} | collect(pid)]

      {:trace, ^pid, :call, _inner} ->
        collect(pid)
    after
      0 -> []
    end
  end

  test "only what has a @scope, or by name" do
    {m, _} = compile("Only", "use ElixirScope.Distributed.Instrument, only: []", @chosen)
    assert seen(fn -> m.plain(1) end) == []
    assert [{:call, {_, :default, 2}, [1, 1]}, _] = seen(fn -> m.default(1) end)
    assert [{:call, {_, :private, 1}, [1]}, _] = seen(fn -> m.private?(1) end)

    options = "only: [:plain, default: 2], except: [:default], args: false, returns: false"
    {m, _} = compile("Named", "use ElixirScope.Distributed.Instrument, #{options}", @chosen)
    assert seen(fn -> m.plain(1) end) == [{:call, {m, :plain, 1}, nil}]
    assert [{:call, {_, :default, 2}, nil}] = seen(fn -> m.default(1) end)
    assert seen(fn -> m.private?(1) end) == [{:call, {m, :private, 1}, nil}]
  end

  @server ~S'''
    use GenServer
    @compile {:inline, add: 2}
    @doc "Adds."
    @spec add(integer, integer) :: integer
    def add(a, b), do: a + b
    @impl true
    def init(n), do: {:ok, n}
    @impl true
    @scope args: false
    def handle_call(_request, _from, n), do: {:reply, n, add(n, 1)}
    defdelegate keys(map), to: Map
  '''

  test "a server, its callbacks, inlined functions and delegates" do
    {m, _} = compile("Server", "use ElixirScope.Distributed.Instrument", @server)
    {:ok, server} = GenServer.start_link(m, 1)
    assert [1, 2] = for(_ <- 1..2, do: GenServer.call(server, :next))
    {:ok, events} = Scope.events(pids: [server])

    assert [{:call, :init, [1]}, {:return, :init, {:ok, 1}}, {:call, :handle_call, nil} | _] =
             for(event <- events, do: {event.kind, elem(event.subject, 1), event.data})

    assert [{:call, _, [%{a: 1}]}, {:return, _, [:a]}] = seen(fn -> m.keys(%{a: 1}) end)
    assert [{:call, _, [1, 2]}, {:return, _, 3}] = seen(fn -> m.add(1, 2) end)
    GenServer.stop(server)
  end

  test "what is made while compiling, and modules in modules" do
    {m, _} =
      compile("Outer", "use ElixirScope.Distributed.Instrument", """
      defmodule Inner do
        def f(x), do: x
      end
      def f(x), do: Inner.f(x)
      """)

    {outer, inner} = {Outer, Outer.Inner}
    assert m in [outer, inner]

    assert [{:call, {^outer, :f, 1}, [1]}, {:return, _, 1}] =
             seen(fn -> apply(outer, :f, [1]) end)

    body =
      quote do:
              (
                use ElixirScope.Distributed.Instrument
                def(f(x), do: x)
              )

    {:module, made, _binary, _} = Module.create(Made, body, __ENV__)
    assert [{:call, {^made, :f, 1}, [1]}, {:return, _, 1}] = seen(fn -> apply(made, :f, [1]) end)
  end

  test "what is wrong is an error of the line where it stands" do
    for {first, source, message} <- [
          {", onyl: []", "", "unknown option :onyl, did you mean :only?"},
          {", args: 1", "", "expected :args to be a boolean"},
          {"", "@scope arg: 1\ndef f(x), do: x", "unknown option :arg"},
          {"", "@scope 1\ndef f(x), do: x", "expected a keyword list"},
          {"", "@scope true\ndefmacro f(x), do: x", "defmacro f/1 is no function"}
        ] do
      assert_raise CompileError, ~r/#{Regex.escape(message)}/, fn ->
        compile("Wrong", "use ElixirScope.Distributed.Instrument" <> first, source)
      end
    end

    endless = "@scope entry: true\ndef f(x), do: f(x)"

    assert capture_io(:stderr, fn ->
             error =
               catch_error(compile("Wrong", "use ElixirScope.Distributed.Instrument", endless))

             IO.puts(:stderr, Exception.message(error))
           end) =~ "Wrong.f/1 calls itself"
  end

  test "the compiler has nothing to say about it" do
    assert capture_io(:stderr, fn ->
             compile("Silent", "use ElixirScope.Distributed.Instrument")
             compile("Silent2", "use ElixirScope.Distributed.Instrument", @chosen)
           end) == ""
  end

  test "the debug information is that of the source", %{plain: plain, watched: watched} do
    before = Code.get_compiler_option(:debug_info)
    Code.put_compiler_option(:debug_info, true)
    on_exit(fn -> Code.put_compiler_option(:debug_info, before) end)
    {_, plain_binary} = compile("Same1", "")
    {_, binary} = compile("Same2", "use ElixirScope.Distributed.Instrument")
    assert definitions(binary) == definitions(plain_binary)
    assert plain.__info__(:functions) == watched.__info__(:functions)
    assert watched.__info__(:attributes) |> Keyword.keys() == [:vsn]
  end

  defp definitions(binary) do
    {:ok, {_, [debug_info: {:debug_info_v1, backend, {:elixir_v1, map, _specs}}]}} =
      :beam_lib.chunks(binary, [:debug_info])

    {backend, for({f, kind, _meta, clauses} <- map.definitions, do: {f, kind, length(clauses)})}
  end
end
