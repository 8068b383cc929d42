defmodule ElixirScope.Distributed.Capture.OfferedTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.Capture.Offered
  alias ElixirScope.Distributed.Error

  test "what brings the VM down before OTP 25.3 is not" do
    for erts <- [[13, 1, 5], [13, 1]], family <- [:memory, :scheduling] do
      assert {:error, %Error{reason: :unsafe_kinds} = error} = Offered.families([family], erts)
      assert Exception.message(error) =~ "25.3"
    end

    assert Offered.families([:message, :process], [13, 1, 5]) == :ok
    for erts <- [[13, 2], [14], [17, 1, 1]], do: assert(Offered.families([:memory], erts) == :ok)
  end

  test "the memory of functions is where it is right" do
    for erts <- [[13, 2, 2], [15, 1], [15, 2, 5]],
        do: assert({:error, %Error{reason: :no_memory}} = Offered.memory(erts))

    for erts <- [[14], [15, 0, 1], [15, 2, 6], [16]], do: assert(Offered.memory(erts) == :ok)
  end

  test "by the version of this VM" do
    assert [major | _] = Offered.erts()
    assert major >= 13
  end
end
