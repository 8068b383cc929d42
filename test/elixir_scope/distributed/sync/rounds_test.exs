defmodule ElixirScope.Distributed.Sync.RoundsTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.Sync.Rounds

  defp waiting(nodes) do
    ref = make_ref()
    rounds = Rounds.begin(%Rounds{}, ref, :caller, 100)

    {Enum.reduce(nodes, rounds, fn {node, token}, rounds ->
       Rounds.await(rounds, ref, node, token)
     end), ref}
  end

  test "a caller is answered when every exchange is done, with how long it took" do
    {rounds, _ref} = waiting(a: 1, b: 1)
    rounds = Rounds.done(rounds, :a, 1, %{sent: 2}, 130)
    assert {[], rounds} = Rounds.finished(rounds)
    rounds = Rounds.done(rounds, :b, 1, %{sent: 0}, 150)

    assert {[{:caller, %{a: %{sent: 2, ms: 30}, b: %{sent: 0, ms: 50}}}], %{waiting: empty}} =
             Rounds.finished(rounds)

    assert empty == %{}
  end

  test "with nothing to wait for it is answered at once" do
    {rounds, _ref} = waiting([])
    assert {[{:caller, %{}}], _} = Rounds.finished(rounds)
  end

  test "an exchange that began earlier says nothing" do
    {rounds, _ref} = waiting(a: 2)
    assert {[], _} = rounds |> Rounds.done(:a, 1, %{}, 110) |> Rounds.finished()
  end

  test "a deadline names who did not answer, and keeps who did" do
    {rounds, ref} = waiting(a: 1, b: 1)
    {abandoned, rounds} = rounds |> Rounds.done(:a, 1, %{sent: 1}, 110) |> Rounds.expire(ref)
    assert abandoned == [b: 1]

    assert {[{:caller, %{a: %{sent: 1}, b: {:error, :distributed_timeout}}}], _} =
             Rounds.finished(rounds)
  end

  test "an exchange that began later says it, too" do
    {rounds, _ref} = waiting(a: 1)

    assert {[{:caller, %{a: %{ms: 10}}}], _} =
             rounds |> Rounds.done(:a, 3, %{}, 110) |> Rounds.finished()
  end

  test "an exchange that another caller waits for goes on after a deadline" do
    {rounds, ref} = waiting(a: 2)
    other = make_ref()
    rounds = rounds |> Rounds.begin(other, :other, 100) |> Rounds.await(other, :a, 1)
    assert {[], rounds} = Rounds.expire(rounds, ref)
    assert {[a: 1], _rounds} = Rounds.expire(rounds, other)
  end

  test "the deadline of a caller that was answered means nothing" do
    assert Rounds.expire(%Rounds{}, make_ref()) == {[], %Rounds{}}
  end

  test "nobody waits for a node that went away" do
    {rounds, _ref} = waiting(a: 1)
    gone = {:error, {:node_unavailable, :a}}
    assert {[{:caller, %{a: ^gone}}], _} = rounds |> Rounds.gone(:a, gone) |> Rounds.finished()
  end

  test "so many callers wait, and no more" do
    %{caller_limit: limit} = Rounds.bounds(%Rounds{})
    rounds = Enum.reduce(1..limit, %Rounds{}, &Rounds.begin(&2, make_ref(), &1, 0))
    assert {:full, %{reason: :too_many_callers} = error, rounds} = Rounds.room(rounds)
    assert Exception.message(error) =~ "#{limit}"
    assert %{callers: ^limit, callers_refused: 1} = Rounds.bounds(rounds)
    assert Rounds.room(%Rounds{}) == :ok
  end
end
