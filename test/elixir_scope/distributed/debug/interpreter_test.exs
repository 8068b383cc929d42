defmodule ElixirScope.Distributed.Debug.InterpreterTest do
  # Interpretation is the VM's, so not beside others.
  use ExUnit.Case, async: false

  @compile {:no_warn_undefined, [Interpreted.Cart, Interpreted.Till]}

  import ElixirScope.Distributed.Case, only: [eventually: 1]

  alias ElixirScope.Distributed.{DiskModules, Error}
  alias ElixirScope.Distributed.Debug.{Int, Interpreter}

  @moduletag skip: if(not Int.Code.there?(), do: "OTP's application debugger is not installed")

  @source """
  defmodule Interpreted.Cart do
    @moduledoc false
    @kept :attribute
    Module.register_attribute(__MODULE__, :mark, persist: true)
    @mark :here
    def add(a, b) do
      sum = a + b
      Interpreted.Till.pay(sum)
    end
    def adder(a), do: fn b -> private(a, b) end
    defp private(a, b), do: {@kept, a + b}
    def loop(n) do
      receive do
        :stop -> {:stopped, n}
        {:get, from} -> send(from, {:count, n}); loop(n)
        :next -> __MODULE__.loop(n + 1)
      end
    end
    def busy(0), do: :done
    def busy(n), do: busy(n - 1)
  end
  defmodule Interpreted.Till do
    def pay(sum), do: {:paid, sum}
  end
  """

  setup_all do
    scope = :interpreter_test
    start_supervised!({ElixirScope.Distributed, name: scope, allow: [:record, :debug]})
    {:ok, scope: scope}
  end

  setup do
    folder = DiskModules.on_path!(@source)
    on_exit(fn -> Interpreter.Server.restore(elem(Interpreter.ensure(), 1), self(), :all) end)
    {:ok, folder: folder}
  end

  defp interpret!(patterns, scope) do
    {:ok, results} = Interpreter.interpret(patterns, scope: scope)
    assert Enum.all?(results, &match?({:ok, _module}, &1))
  end

  defp code(module) do
    [
      :code.which(module),
      module.module_info(:md5),
      module.module_info(:attributes),
      :code.is_sticky(module),
      module.module_info(:native),
      :code.is_loaded(module)
    ]
  rescue
    _later_otp -> [:code.which(module), module.module_info(:md5), module.module_info(:attributes)]
  end

  # Whether a call of the module is handed to the interpreter: then this process has a meta process.
  defp interpreted?(call) do
    task = Task.async(fn -> call.() && Int.Metas.meta(self()) end)
    match?({:ok, _meta}, Task.await(task))
  end

  test "interprets, and gives the compiled code back exactly", %{scope: scope} do
    {:module, _} = Code.ensure_loaded(Interpreted.Cart)
    before = code(Interpreted.Cart)
    refute interpreted?(fn -> Interpreted.Cart.add(1, 2) end)
    interpret!(["Interpreted.*"], scope)
    assert Interpreted.Cart.add(1, 2) == {:paid, 3}
    assert interpreted?(fn -> Interpreted.Cart.add(1, 2) end)

    assert %{
             interpreted_count: 2,
             interpreted_modules: [Interpreted.Cart, Interpreted.Till],
             pending_interpretations: 0,
             language_server_connected: connected?,
             cache_size: size
           } = Interpreter.get_interpretation_status()

    assert is_boolean(connected?) and is_integer(size)
    :ok = Interpreter.restore(:all, scope: scope)
    assert code(Interpreted.Cart) == before
    refute interpreted?(fn -> Interpreted.Cart.add(1, 2) end)
    assert %{interpreted_modules: []} = Interpreter.get_interpretation_status()
  end

  test "ends no process: in old, current and interpreted code, in loops, with functions it made",
       %{scope: scope, folder: folder} do
    old = spawn(Interpreted.Cart, :loop, [1])
    {:module, _} = load_again(Interpreted.Cart, folder)
    current = spawn(Interpreted.Cart, :loop, [2])
    busy = spawn(fn -> Interpreted.Cart.busy(-1) end)
    compiled = Interpreted.Cart.adder(1)

    interpret!(Interpreted.Cart, scope)
    inside = spawn(Interpreted.Cart, :loop, [3])
    made = Interpreted.Cart.adder(2)

    assert {counts([old, current, inside]), compiled.(1), made.(1)} ==
             {[1, 2, 3], {:attribute, 2}, {:attribute, 3}}

    :ok = Interpreter.restore(:all, scope: scope)

    assert {counts([old, current, inside]), compiled.(1), made.(1)} ==
             {[1, 2, 3], {:attribute, 2}, {:attribute, 3}}

    for _time <- 1..3 do
      interpret!(Interpreted.Cart, scope)
      assert Interpreted.Cart.adder(4).(made.(0) |> elem(1)) == {:attribute, 6}
      :ok = Interpreter.restore(:all, scope: scope)
    end

    send(inside, :next)
    assert {counts([old, current, inside]), made.(5)} == {[1, 2, 4], {:attribute, 7}}
    assert Enum.all?([old, current, inside, busy], &Process.alive?/1)
    # What is kept for who was in it does not grow with the times it was interpreted.
    assert Int.Tables.tables(Interpreted.Cart) <= 3
    for pid <- [old, current, inside, busy], do: Process.exit(pid, :kill)
  end

  defp load_again(module, folder),
    do: :code.load_abs(to_charlist(Path.join(folder, Atom.to_string(module))))

  defp counts(pids) do
    for pid <- pids do
      send(pid, {:get, self()})
      assert_receive {:count, n}, 2_000
      n
    end
  end

  test "keeps nothing of a module in which nobody was", %{scope: scope} do
    interpret!(Interpreted.Till, scope)
    assert Interpreted.Till in Int.Code.all()
    :ok = Interpreter.restore(Interpreted.Till, scope: scope)
    refute Interpreted.Till in Int.Code.all()
  end

  test "a module that several want is interpreted until the last one is gone", %{scope: scope} do
    other = spawn(fn -> receive do: (:go -> :ok) end)
    interpret!(Interpreted.Till, scope)
    {:ok, [{:ok, _}]} = Interpreter.interpret(Interpreted.Till, scope: scope, owner: other)
    :ok = Interpreter.restore(:all, scope: scope)
    assert interpreted?(fn -> Interpreted.Till.pay(1) end)
    Process.exit(other, :kill)
    assert eventually(fn -> Interpreter.get_interpretation_status().interpreted_count == 0 end)
    refute interpreted?(fn -> Interpreted.Till.pay(1) end)
  end

  test "what cannot be interpreted is told with its reason, and every reason has words", %{
    scope: scope
  } do
    {:ok, results} =
      Interpreter.interpret(
        [
          Interpreted.Till,
          :lists,
          Enum,
          :erlang,
          Error,
          :crypto,
          Interpreted.Nothing,
          {Interpreted.Cart, :add, 2}
        ],
        scope: scope
      )

    assert results == [
             {:ok, Interpreted.Till},
             {:error, :lists, :kernel},
             {:error, Enum, :kernel},
             {:error, :erlang, :kernel},
             {:error, Error, :library},
             {:error, :crypto, :nif},
             {:error, Interpreted.Nothing, :no_module},
             {:ok, Interpreted.Cart}
           ]

    reasons = Interpreter.Reasons.of_module() ++ Interpreter.Reasons.of_node()
    assert Enum.all?(reasons, &(String.length(Interpreter.explain(&1)) > 10))
  end

  test "not what is sticky, without debug info, from memory, or of another version", %{
    scope: scope
  } do
    DiskModules.on_path!("defmodule Interpreted.Stripped, do: (def a, do: 1)", debug_info: false)
    [{_module, _code}] = Code.compile_string("defmodule Interpreted.Memory, do: (def a, do: 1)")
    Code.compiler_options(ignore_module_conflict: true)
    Code.compile_string("defmodule Interpreted.Till, do: (def pay(_sum), do: :another)")
    Code.compiler_options(ignore_module_conflict: false)
    {:module, _} = Code.ensure_loaded(Interpreted.Cart)

    assert {:ok, [{:error, _, :no_debug_info}, {:error, _, :no_beam}, {:error, _, other}]} =
             Interpreter.interpret([Interpreted.Stripped, Interpreted.Memory, Interpreted.Till],
               scope: scope
             )

    assert other in [:other_version, :no_beam]
    DiskModules.unload(Interpreted.Memory)
    :code.stick_mod(Interpreted.Cart)
    assert {:ok, [{:error, _, :sticky}]} = Interpreter.interpret(Interpreted.Cart, scope: scope)
    :code.unstick_mod(Interpreted.Cart)
  end

  test "what another tool interprets is shared, and left to it", %{scope: scope, folder: folder} do
    {:module, Interpreted.Till} = by_hand(Interpreted.Till, folder)
    interpret!(Interpreted.Till, scope)
    :ok = Interpreter.restore(:all, scope: scope)
    assert interpreted?(fn -> Interpreted.Till.pay(1) end)
    :int.n(Interpreted.Till)
  end

  defp by_hand(module, folder) do
    beam = Path.join(folder, "#{module}.beam")
    source = Path.join(folder, "till.ex")
    File.write!(source, "")
    :int.i({module, to_charlist(source), to_charlist(beam), File.read!(beam)})
  end

  test "what is compiled again is interpreted again", %{scope: scope, folder: folder} do
    interpret!(Interpreted.Till, scope)
    assert Interpreted.Till.pay(1) == {:paid, 1}

    compile_again(folder, "defmodule Interpreted.Till, do: (def pay(sum), do: {:new, sum})")
    assert eventually(fn -> interpreted?(fn -> Interpreted.Till.pay(1) end) end)
    assert Interpreted.Till.pay(1) == {:new, 1}
  end

  # As a build tool does: to disk, and loaded afterwards.
  defp compile_again(folder, source) do
    before = Code.compiler_options(ignore_module_conflict: true, debug_info: true)
    [{module, code}] = Code.compile_string(source)
    Code.compiler_options(before)
    File.write!(Path.join(folder, "#{module}.beam"), code)
    :code.purge(module)
    {:module, ^module} = load_again(module, folder)
  end

  test "a node that does not allow it does nothing", %{scope: _scope} do
    start_supervised!({ElixirScope.Distributed, name: :not_debugged}, id: :not_debugged)

    assert {:error, %Error{reason: :not_allowed, details: %{what: :debug}}} =
             Interpreter.interpret(Interpreted.Cart, scope: :not_debugged)

    assert {:error, %Error{reason: :not_running}} =
             Interpreter.interpret(Interpreted.Cart, scope: :no_scope)

    assert {:error, %Error{reason: :bad_pattern}} =
             Interpreter.interpret("Interpreted..", scope: :not_debugged)

    assert_raise ArgumentError, ~r/unknown option/, fn ->
      Interpreter.interpret(Interpreted.Cart, onwer: self())
    end
  end

  test "the language node that is named has to be there" do
    assert {:error, {:connection_failed, :nobody@nowhere}} =
             Interpreter.start_link(language_server_node: :nobody@nowhere)
  end
end
