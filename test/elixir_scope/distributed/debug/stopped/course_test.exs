defmodule ElixirScope.Distributed.Debug.Stopped.CourseTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.Debug.Stopped.Course

  # Owners are pids; what is as good as one will do.

  defp step do
    one_of([
      map(
        tuple([
          integer(1..4),
          one_of([
            constant(:go),
            constant({:stop, [7], [:one]}),
            constant({:stop, [], [:one, :other]})
          ])
        ]),
        &{:broke, &1}
      ),
      map(
        tuple([
          one_of([constant(:into), constant(:over), constant(:out)]),
          one_of([constant(true), constant(false)])
        ]),
        &{:step, &1}
      ),
      constant(:continue),
      map(one_of([constant(:one), constant(:other)]), &{:pause, &1}),
      map(one_of([constant(true), constant(false)]), &{:evaluating, &1}),
      constant(:idle),
      map(one_of([constant(:running), constant(:waiting)]), &{:now, &1}),
      map(one_of([constant(:one), constant(:other)]), &{:without, &1})
    ])
  end

  test "it stands exactly as long as somebody wants it to, whatever happens" do
    property(list(step()), [runs: 500], fn steps ->
      Enum.reduce(steps, %Course{pid: self()}, fn step, course ->
        case done(course, step) do
          {:error, reason} ->
            assert reason in [:not_stopped, :evaluating, :ended]
            course

          {course, effects} ->
            sound(course, effects)
            course
        end
      end)
    end)
  end

  # A meta that runs says where it breaks; one that stands says nothing.
  defp done(%{phase: phase} = course, {:broke, _at}) when phase in [:standing, :evaluating],
    do: {course, []}

  defp done(course, {:broke, {level, verdict}}), do: Course.broke(course, {M, 3, level}, verdict)
  defp done(course, {:step, {how, breaks?}}), do: Course.step(course, how, :one, breaks?)
  defp done(course, :continue), do: Course.continue(course)
  defp done(course, {:pause, owner}), do: Course.pause(course, owner)
  defp done(course, {:evaluating, now?}), do: Course.evaluating(course, now?)
  defp done(%{phase: :standing} = course, :idle), do: {course, []}
  defp done(course, :idle), do: Course.idle(course)
  defp done(%{phase: :standing} = course, {:now, _now}), do: {course, []}
  defp done(course, {:now, now}), do: Course.now(course, now)
  defp done(course, {:without, owner}), do: Course.without(course, owner)

  defp sound(course, effects) do
    stands? = course.phase in [:standing, :evaluating]
    assert stands? == (course.stop != nil)
    if course.phase == :standing, do: assert(MapSet.size(course.stop.owners) > 0)
    if :told_continued in effects, do: refute(stands?)
    # Who is let go goes: never is one left without a command.
    if :told_continued in effects,
      do: assert(Enum.any?(effects, &(&1 == :continue or match?({:step, _}, &1))))
  end

  test "a step over a call counts levels by itself where breakpoints lie on its way" do
    {course, _told} = Course.broke(%Course{}, {M, 1, 2}, {:stop, [], [:one]})
    {course, effects} = Course.step(course, :over, :one, true)
    assert {:step, :into} in effects
    {course, [{:step, :into}]} = Course.broke(course, {M, 9, 4}, :go)
    {course, effects} = Course.broke(course, {M, 2, 2}, :go)
    assert course.stop.reason == :step and :told_stopped in effects
  end

  test "an owner's end lets go what stands because of it alone" do
    {both, _told} = Course.broke(%Course{}, {M, 1, 2}, {:stop, [], [:one, :other]})
    {one, []} = Course.without(both, :other)
    assert one.phase == :standing
    {gone, effects} = Course.without(one, :one)
    assert gone.phase == :running and :continue in effects
  end

  test "one that is evaluating goes on when that has ended" do
    {course, _told} = Course.broke(%Course{}, {M, 1, 2}, {:stop, [], [:one]})
    {course, []} = Course.evaluating(course, true)
    assert {:error, :evaluating} = Course.step(course, :over, :one, false)
    {course, []} = Course.without(course, :one)
    {course, effects} = Course.evaluating(course, false)
    assert course.phase == :running and :continue in effects
  end

  test "what ended can be looked at where somebody wants to, and is buried" do
    {dead, [:told_stopped]} = Course.ended(%Course{}, {M, 1, 2}, :boom, [:one])
    assert dead.phase == :dead and dead.stop.reason == :exception
    assert {:error, :ended} = Course.pause(dead, :one)
    assert {_gone, effects} = Course.continue(dead)
    assert :bury in effects
    assert {_gone, effects} = Course.ended(%Course{}, nil, :normal, [])
    assert {:told_exited, :normal} in effects
  end
end
