defmodule ElixirScope.Distributed.Debug.EvaluatorTest do
  # What is written to standard error is the whole node's.
  use ExUnit.Case, async: false

  import ExUnit.CaptureIO

  alias ElixirScope.Distributed.Debug.Evaluator

  @frame %{module: String, line: 1, language: :elixir, bindings: [{"x", 1}]}

  defp evaluated(text) do
    with {:ok, prepared} <- Evaluator.prepare(text, @frame), do: Evaluator.run(prepared, 500)
  end

  test "names a variable that is none, and writes nothing to the node's standard error" do
    written =
      capture_io(:stderr, fn ->
        for {text, name} <- [
              {"nobody_1 + x", "nobody_1"},
              {"Enum.map([1], fn one -> nobody_2 end)", "nobody_2"},
              {~S("#{nobody_3}"), "nobody_3"},
              {"with one <- x, do: nobody_4", "nobody_4"}
            ] do
          assert {:error, said} = evaluated(text)
          assert said =~ ~s(undefined variable "#{name}")
        end

        assert {:ok, 2} = evaluated("case x do 1 -> 2; other -> 3 end")
        assert {:ok, true} = evaluated("one = x; 'a' == [97]")
        assert {:ok, [2, 3]} = evaluated("for i <- [1, 2], do: i + x")
      end)

    assert written == ""
  end
end
