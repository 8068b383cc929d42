defmodule ElixirScope.Distributed.Live.FollowTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.Live.{Follow, Follows}

  @b "b@h"

  defp page(fields \\ []) do
    page = %{page: "", count: 0, more: false, cursor: nil, dropped: 0, expired: nil}
    Map.merge(%{head: {@b, 7, 5, {0, 100}}} |> Map.merge(page), Map.new(fields))
  end

  defp known(seq \\ 5) do
    {_ref, {:holdings?, _}, follow} = Follow.ask(Follow.new(:b@h), nil, make_ref(), 0)
    {[], follow} = Follow.heard(follow, :holdings, %{head: {@b, 7, seq, {0, 100}}}, 0)
    follow
  end

  defp asked(follow, now \\ 0, held_back \\ nil) do
    {_ref, {:ask, body}, follow} = Follow.ask(follow, held_back, make_ref(), now)
    {body, follow}
  end

  test "a member is followed from its head on" do
    {body, follow} = asked(known(5))
    assert %{ranges: [{@b, 7, 6, :infinity}], cursor: nil, wait_ms: wait} = body
    assert wait > 0
    assert Follow.ask(follow, nil, make_ref(), 10) == nil
  end

  test "what was read is covered, and its promise holds" do
    {_body, follow} = asked(known())
    answer = page(page: "x", head: {@b, 7, 9, {0, 200}})

    assert {[{:page, %{page: "x"}, {@b, 7, 6, 9}}], follow} =
             Follow.heard(follow, :page, answer, 0)

    assert %{covered: 9, promise: {0, 200}} = follow
    assert {%{ranges: [{@b, 7, 10, :infinity}]}, _follow} = asked(follow)
  end

  test "a round of several pages promises what its first one did" do
    {_body, follow} = asked(known())
    place = {0, 150, @b, 7, 8}
    answer = page(more: true, cursor: place, head: {@b, 7, 9, {0, 200}})
    {_news, follow} = Follow.heard(follow, :page, answer, 0)
    assert %{covered: 5, promise: {0, 100}} = follow
    {body, follow} = asked(follow)
    assert %{ranges: [{@b, 7, 6, 9}], cursor: ^place, wait_ms: 0} = body
    answer = page(head: {@b, 7, 30, {0, 900}})
    {_news, follow} = Follow.heard(follow, :page, answer, 0)
    assert %{covered: 9, promise: {0, 200}, round: nil} = follow
  end

  test "who holds others back is asked again, without waiting, and not all the time" do
    {_body, follow} = asked(known())
    ref = follow.ref
    assert Follow.ask(follow, {0, 99}, make_ref(), 1) == nil
    assert {^ref, {:ask, %{wait_ms: 0}}, follow} = Follow.ask(follow, {0, 100}, make_ref(), 1)
    assert Follow.ask(follow, {0, 100}, make_ref(), 2) == nil
    {_news, follow} = Follow.heard(follow, :page, page(), 3)
    assert Follow.ask(follow, {0, 100}, make_ref(), 3) == nil
    %{hurry_ms: hurry} = Follow.limits()
    assert {%{wait_ms: 0}, _follow} = asked(follow, 1 + hurry, {0, 100})
  end

  test "an answer that is lost is asked for again, by the same reference" do
    {_body, follow} = asked(known())
    %{wait_ms: wait, patience_ms: patience} = Follow.limits()
    assert Follow.ask(follow, nil, make_ref(), wait + patience - 1) == nil
    ref = follow.ref
    assert {^ref, _question, follow} = Follow.ask(follow, nil, make_ref(), wait + patience)
    refute Follow.silent?(follow, 100, wait + patience + 100)
    assert Follow.silent?(follow, 100, wait + patience + 101)
    {_news, follow} = Follow.heard(follow, :page, page(), wait + patience + 200)
    refute Follow.silent?(follow, 100, 1_000_000)
  end

  test "who refuses, or answers nonsense, is asked again later" do
    {_body, follow} = asked(known())
    assert Follow.heard(follow, :refused, %{reason: :busy}, 0) == :error
    assert Follow.heard(follow, :holdings, %{head: {@b, 7, 1, {0, 1}}}, 0) == :error
    assert Follow.heard(follow, :page, Map.delete(page(), :head), 0) == :error
    follow = Follow.refused(follow, 0)
    assert Follow.ask(follow, nil, make_ref(), 100) == nil
    assert {_body, _follow} = asked(follow, 1_000)
  end

  test "one that comes back is followed from where it was left" do
    {_body, follow} = asked(known())
    assert {%{ranges: [{@b, 7, 6, :infinity}]}, follow} = asked(Follow.gone(follow))
    answer = page(expired: %{newest: {0, 150}, events: 20}, head: {@b, 7, 40, {0, 500}})
    assert {[{:gap, gap}, {:page, _, _}], follow} = Follow.heard(follow, :page, answer, 0)
    assert gap == %{expired: 20, from: 6, at: {0, 150}}
    assert follow.covered == 40
  end

  test "one that began anew: what it still has, a gap, and its new start from the first number" do
    {_body, follow} = asked(known())
    answer = page(page: "old", head: {@b, 8, 3, {0, 500}}, dropped: 2)

    assert {[{:lost, 2}, {:page, %{page: "old"}, {@b, 7, 6, :infinity}}, {:gap, gap}], follow} =
             Follow.heard(follow, :page, answer, 0)

    assert gap == %{restarted: 7, from: 6, at: {0, 100}}
    assert {%{ranges: [{@b, 8, 1, :infinity}]}, follow} = asked(follow)
    {_news, follow} = Follow.heard(follow, :page, answer, 0)
    assert %{covered: 3, promise: {0, 500}, origin: {@b, 8}} = follow
  end

  # A member with events 1.., of which `matching` are asked for, that answers pages of two.
  defp member(follow, events, head) do
    {:ask, %{ranges: [{_, _, first, last}], cursor: cursor}} = Follow.question(follow)
    in_reach = for {seq, at} <- events, seq >= first and seq <= min(last, head), do: {at, seq}
    left = for place <- Enum.sort(in_reach), cursor == nil or place > cursor, do: place
    {now, later} = Enum.split(left, 2)
    page = %{page(page: now, more: later != []) | head: {@b, 7, head, {0, head}}}
    %{page | cursor: List.last(now) || cursor}
  end

  test "whatever is recorded meanwhile, everything is read once" do
    property(tuple([list(integer(0..9)), integer(0..3)]), fn {stamps, grown} ->
      events = Enum.with_index(stamps, fn at, n -> {n + 1, at} end)
      {read, _follow} = follow_to_end(known(0), events, min(1, length(events)), grown, [])
      assert Enum.sort(read) == Enum.sort(for {seq, at} <- events, do: {at, seq})
    end)
  end

  defp follow_to_end(follow, events, head, grown, read) do
    answer = member(follow, events, head)
    {news, follow} = Follow.heard(follow, :page, answer, 0)
    read = read ++ for {:page, page, _range} <- news, place <- page.page, do: place
    done? = follow.round == nil and follow.covered == length(events)
    head = min(head + grown + if(follow.round, do: 0, else: 1), length(events))
    if done?, do: {read, follow}, else: follow_to_end(follow, events, head, grown, read)
  end

  describe "several members" do
    defp follows(up, known \\ []) do
      follows = Follows.members(Follows.new(:a@h, 100), up, [:a@h | known] ++ up)
      local = %{known() | node: :a@h, promise: {0, 90}}
      Enum.reduce(up, %{follows | local: local}, &Follows.put(&2, %{known() | node: &1}))
    end

    test "nothing is promised that one of them has not" do
      assert Follows.promised(Follows.new(:a@h, 100), 0) == nil
      assert Follows.promised(follows([:b@h]), 0) == {0, 90}
      follows = Follows.put(follows([:b@h]), %{known() | promise: {5, 80}})
      assert Follows.promised(follows, 0) == {5, 80}
    end

    test "nobody waits for who is silent or gone, and both are missing" do
      silent = %{known() | promise: {0, 1}, since_ms: 0}
      follows = Follows.put(follows([:b@h], [:d@h]), silent)
      assert Follows.promised(follows, 100) == {0, 1}
      assert Follows.missing(follows, 100) == [:d@h]
      assert Follows.promised(follows, 101) == {0, 90}
      assert Follows.missing(follows, 101) == [:b@h, :d@h]
    end

    test "who is gone is missing, who left is not, and both are followed on" do
      follows = Follows.put(follows([:b@h, :c@h]), %{known() | covered: 17})
      follows = Follows.members(follows, [], [:a@h, :b@h])
      assert Follows.missing(follows, 0) == [:b@h]
      follows = Follows.members(follows, [:b@h, :c@h, :d@h], [:a@h, :b@h, :c@h, :d@h])
      assert [%{covered: 17}, %{covered: 5}, %{origin: nil}] = Follows.there(follows)
      refute Follows.all_known?(follows)
    end

    test "names that never come back do not add up" do
      follows =
        Enum.reduce(1..2_000, follows([]), fn n, follows ->
          Follows.members(follows, [:"n#{n}@h"], [:a@h, :"n#{n}@h"])
        end)

      assert map_size(follows.members) <= 513
    end
  end
end
