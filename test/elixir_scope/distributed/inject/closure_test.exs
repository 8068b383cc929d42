defmodule ElixirScope.Distributed.Inject.ClosureTest do
  # What is sent: computed from the compiled code, and of Elixir nothing.
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.Inject.{Closure, Guest}

  test "the modules that are sent call Erlang's and each other" do
    sent = Closure.of(Guest.modules(), false)
    assert Keyword.keys(sent) == Enum.sort(Guest.modules())
    called = for {_module, code} <- sent, called <- Closure.imports(code), uniq: true, do: called
    assert [] = for(module <- called -- Guest.modules(), elixir?(module), do: module)
  end

  test "every module of the folder is sent" do
    files = Path.wildcard("lib/elixir_scope/distributed/inject/guest/*.ex")
    assert length(files) + 1 == length(Guest.modules())
  end

  test "what is sent has neither source nor docs, and is what runs here" do
    for {module, code} <- Closure.of(Guest.modules(), true) do
      assert {:ok, {^module, [{~c"Dbgi", :missing_chunk}, {~c"Docs", :missing_chunk}]}} =
               :beam_lib.chunks(code, [~c"Dbgi", ~c"Docs"], [:allow_missing_chunks])

      assert {:ok, {^module, md5}} = :beam_lib.md5(code)
      assert md5 == module.module_info(:md5)
    end
  end

  test "Elixir's own come along where Elixir is not, with what they call" do
    alone = Closure.of([ElixirScope.Distributed.Event], true)
    assert Keyword.keys(alone) == [ElixirScope.Distributed.Event]
    along = [ElixirScope.Distributed.Event] |> Closure.of(false) |> Keyword.keys()
    assert Enum in along and Keyword in along and Enumerable in along
    refute Enum.any?(along, &(&1 in [:lists, :erlang, :maps]))

    for {module, code} <- Closure.of([Enum], false),
        called <- Closure.imports(code),
        elixir?(called),
        do: assert({module, called in along} == {module, true})
  end

  defp elixir?(module), do: String.starts_with?(Atom.to_string(module), "Elixir.")
end
