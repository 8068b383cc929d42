defmodule ElixirScope.Distributed.Capture.AskingTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.Capture.Asking
  alias ElixirScope.Distributed.Error

  defp asking(nodes), do: Asking.new({:stop, 1}, nil, nodes)

  test "is done when every node has answered" do
    asking = asking([:a, :b])
    refute Asking.done?(asking)
    asking = asking |> Asking.answer(:b, {:ok, 2}) |> Asking.answer(:a, {:error, :no})
    assert Asking.done?(asking)
    assert asking.answers == %{a: {:error, :no}, b: {:ok, 2}}
    assert Asking.done?(asking([]))
  end

  test "takes the first answer of a node that was asked, and no other" do
    asking = asking([:a, :b]) |> Asking.answer(:a, {:ok, 1}) |> Asking.answer(:a, {:ok, 2})
    assert Asking.answer(asking, :stranger, {:ok, 3}) == asking
    assert asking.answers == %{a: {:ok, 1}}
  end

  test "gives up on one that is lost, or on all that have not answered" do
    asking = [:a, :b, :c] |> asking() |> Asking.answer(:a, {:ok, 1}) |> Asking.lost(:b)
    assert {:error, %Error{reason: :no_answer} = error} = asking.answers.b
    assert Exception.message(error) == "b did not answer in time"
    refute Asking.done?(asking)
    assert %{a: {:ok, 1}, c: {:error, %{reason: :no_answer}}} = Asking.give_up(asking).answers
    assert asking |> Asking.give_up() |> Asking.done?()
  end

  test "is done exactly once, in whichever order nodes answer and are lost" do
    happening = tuple([one_of([constant(:answer), constant(:lost)]), integer(1..5)])

    property(list(happening), fn happenings ->
      states = Enum.scan([:start | happenings] ++ [:late], asking([1, 2, 3]), &next/2)
      assert states |> Enum.map(&Asking.done?/1) |> Enum.dedup() == [false, true]
      assert states |> List.last() |> Map.fetch!(:answers) |> Map.keys() == [1, 2, 3]
    end)
  end

  defp next(:start, asking), do: asking
  defp next(:late, asking), do: Asking.give_up(asking)
  defp next({:answer, node}, asking), do: Asking.answer(asking, node, {:ok, node})
  defp next({:lost, node}, asking), do: Asking.lost(asking, node)
end
