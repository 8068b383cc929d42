defmodule ElixirScope.Distributed.Capture.Correlation.EntryTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.Capture.Correlation
  alias ElixirScope.Distributed.Capture.Correlation.Entry

  # As another node writes one of its own.
  defp pid(node, numbers),
    do: :erlang.binary_to_term(<<131, 88, 119, byte_size(node)>> <> node <> numbers)

  test "an id is its key and back, as far as the key says it" do
    names = Entry.names([node(), :"b@host.example"])

    property(tuple([integer(1..0xFFFFFFFFFFFFF), integer(0..0xFFFFFFFFFFF)]), fn {incarnation, k} ->
      id = {node(), incarnation, self(), k}
      assert <<_::128>> = key = Entry.key(id)
      assert Correlation.key(id) == key
      assert Entry.read(key, names) == {:call, {node(), incarnation, nil, k}}
      assert {Entry.of(key, self()), Entry.key({node(), incarnation, nil, k})} == {id, key}
      assert Entry.read(key, %{}) == nil
    end)
  end

  test "a process of another node is its key and back" do
    names = Entry.names([node(), :"b@host.example"])

    property(tuple([integer(0..0x0FFFFFFF), integer(0..0x1FFF), integer(1..0xFFFFFFFF)]), fn {id,
                                                                                              serial,
                                                                                              creation} ->
      pid = pid("b@host.example", <<id::32, serial::32, creation::32>>)
      any = {:"b@host.example", nil, pid, nil}
      assert {Entry.any(pid), Entry.read(Entry.key(any), names)} == {any, {:any_call, any}}
      assert Entry.read(Entry.key(any), Entry.names([node()])) == nil
    end)
  end

  test "what an id's form is not has no such key" do
    for id <- [
          nil,
          17,
          "r-17",
          <<1::128>>,
          {:order, 1, self(), 2},
          {node(), 0, self(), 2},
          {node(), 1, :pid, 2},
          {node(), 1, self(), -1},
          {node(), 1, self(), 2 ** 44},
          {node(), 2 ** 52, self(), 1},
          {node(), nil, self(), 1},
          {"node", 1, self(), 2},
          {:other, nil, self(), nil}
        ] do
      assert Entry.key(id) == nil
      assert Entry.read(id, Entry.names([node()])) == nil
    end
  end

  # Published values of FNV-1a: http://www.isthe.com/chongo/tech/comp/fnv/
  test "names are told apart by the hash that the native core has, too" do
    assert Entry.hash(:"") == 0x811C9DC5
    assert Entry.hash(:a) == 0xE40C292C
    assert Entry.hash(:foobar) == 0xBF9CF968
  end
end
