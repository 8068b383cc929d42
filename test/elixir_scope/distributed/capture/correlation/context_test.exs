defmodule ElixirScope.Distributed.Capture.Correlation.ContextTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.Capture.Correlation.Context

  # Nodes of all versions have to agree, so the hashes stand here as they are.
  test "a key is the same on every version of Erlang" do
    for {id, key} <- [
          {"r-17", "F5E283857B840DF06DD8F179C290140D"},
          {:grüß, "D45374C3B1D766545A6F5428E3594D3F"},
          {{:order, 17, 1.5}, "FE8D2B066364EA4B06FBBA7F6F29BD62"},
          {Map.new(1..40, &{&1, [&1]}), "46AE7DD9D0A7D37EE0E12E057318B8FA"},
          {%{b: 1, a: 2, c: {:x, "y"}}, "FA67CFC8A02600E93D84B39C84A0703A"},
          {Bitwise.bsl(1, 80), "8510C33C600AE060BD5858E63CD18C7B"}
        ] do
      assert {id, Base.encode16(Context.key(id))} == {id, key}
    end
  end

  test "integers of 64 bits and 16 bytes are keys themselves" do
    for id <- [0, -1, 9_223_372_036_854_775_807, -9_223_372_036_854_775_808, <<1::128>>] do
      assert Context.key(id) === id
    end

    assert byte_size(Context.key(9_223_372_036_854_775_808)) == 16
    assert byte_size(Context.key(<<1::120>>)) == 16
  end
end
