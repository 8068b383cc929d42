defmodule ElixirScope.Distributed.Storage.FedTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.Storage.{Fed, Filter}
  alias ElixirScope.Distributed.Event

  doctest Fed
  doctest Filter

  @own {"a@h", 1}
  @other {"b@h", 1}

  # A spool of two origins, in which numbers come and old ones expire, and a storage that is given
  # what is next, or is not: everything was given once or counted as lost.
  test "every number of a spool is given once, is still to come, or is lost" do
    commands =
      commands(
        record: [one_of([constant(@own), constant(@other)]), integer(1..20)],
        expire: [one_of([constant(@own), constant(@other)]), integer(1..30)],
        give: [integer(1..15)],
        look: []
      )

    property(commands, [runs: 300], fn commands ->
      state = %{fed: %Fed{}, spool: %{@own => {1, 0}, @other => {5, 4}}, given: %{}, lost: []}
      state = Enum.reduce(commands ++ [{:look, []}], state, &step/2)
      {_losses, again} = Fed.look(state.fed, holdings(state), @own)
      assert again == state.fed

      for {origin, {floor, last}} <- state.spool, seen?(origin, state, last) do
        given = Map.get(state.given, origin, [])
        lost = for {^origin, a, b} <- state.lost, n <- a..b, do: n
        first = first(origin, state)
        waiting = for {^origin, a, b} <- Fed.waiting(state.fed, holdings(state)), n <- a..b, do: n
        assert Enum.sort(given ++ lost ++ waiting) == Enum.to_list(first..last//1)
        assert Enum.all?(lost, &(&1 < floor))
      end

      assert state.fed.lost == Enum.sum(for {_, a, b} <- state.lost, do: b - a + 1)
    end)
  end

  # Of another node nothing is known of what went before anything was looked at.
  defp seen?(@own, _state, _last), do: true
  defp seen?(@other, state, _last), do: Map.has_key?(state, :first)

  defp first(@own, _state), do: 1
  defp first(@other, state), do: state.first

  defp step({:record, [origin, n]}, state),
    do: update_in(state.spool[origin], fn {floor, last} -> {floor, last + n} end)

  # The newest stays, so that the origin is known; what was never looked at is nobody's loss.
  defp step({:expire, [origin, n]}, state) do
    state = step({:look, []}, state)

    update_in(state.spool[origin], fn {floor, last} ->
      {max(floor, min(floor + n, last)), last}
    end)
  end

  defp step({:look, []}, state) do
    {losses, fed} = Fed.look(state.fed, holdings(state), @own)
    state = %{state | fed: fed, lost: state.lost ++ losses}
    {floor, last} = state.spool[@other]
    if last >= floor, do: Map.put_new(state, :first, floor), else: state
  end

  defp step({:give, [most]}, state) do
    state = step({:look, []}, state)

    case Fed.next(state.fed, holdings(state), most) do
      nil ->
        state

      {origin, a, b} = range ->
        assert b - a < most
        given = Map.update(state.given, origin, Enum.to_list(a..b), &(&1 ++ Enum.to_list(a..b)))
        %{state | fed: Fed.put(state.fed, [range]), given: given}
    end
  end

  defp holdings(state),
    do:
      for(
        {{node, start}, {floor, last}} <- state.spool,
        last >= floor,
        do: {node, start, floor, last}
      )

  test "a hole that is filled later is given then, one that expires is lost" do
    {[], fed} = Fed.look(%Fed{}, [{"b@h", 1, 1, 3}, {"b@h", 1, 8, 9}], @own)
    fed = Fed.put(fed, [{@other, 1, 3}, {@other, 8, 9}])
    assert Fed.next(fed, [{"b@h", 1, 1, 9}], 10) == {@other, 4, 7}
    assert Fed.lag(fed, [{"b@h", 1, 1, 9}]) == 4
    assert {[{@other, 4, 7}], %{lost: 4}} = Fed.look(fed, [{"b@h", 1, 9, 9}], @own)
  end

  test "an origin that is gone is forgotten, and what it still had is lost" do
    {[], fed} = Fed.look(%Fed{}, [{"b@h", 1, 11, 19}], @own)
    {losses, fed} = fed |> Fed.put([{@other, 11, 15}]) |> Fed.look([], @own)
    assert {losses, fed.lost} == {[{@other, 16, 19}], 4}
    assert Map.keys(fed.origins) == [@own]
  end
end
