defmodule ElixirScope.Distributed.ErrorTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.Error
  doctest Error

  test "every reason says what to do or what it is about" do
    for {reason, details, text} <- [
          {:not_running, [scope: :shop], "start it with"},
          {:disabled, [], "enabled: false"},
          {:library_not_loaded, [file: "/x/scope_nif", reason: "no such file"],
           "/x/scope_nif.so"},
          {:unknown_node, [node: :a@h], ":a@h"},
          {:whatever, [], ":whatever"}
        ] do
      error = Error.new(reason, details)
      assert error.reason == reason
      assert Exception.message(error) =~ text
      assert_raise Error, fn -> raise error end
    end
  end
end
