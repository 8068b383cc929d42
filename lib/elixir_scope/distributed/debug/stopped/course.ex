defmodule ElixirScope.Distributed.Debug.Stopped.Course do
  @moduledoc false
  # How one debugged process stands and what is wanted of it. Pure: what its meta process says and what
  # owners want comes in, what is to be done comes out.
  #
  #   * `phase`: `:running`, `:waiting` (in a receive), `:idle` (in compiled code), `:standing`,
  #     `:evaluating` (it stands, and runs an expression for somebody), `:dead` (it ended, and what
  #     was on its stack is still there);
  #   * `wish`: why it is expected to stop next: `nil`, `{:step, how, level, owner, left}`, `{:pause, owner}`,
  #     or `:go` (it was halted to be let go, as only who stands heeds a command);
  #   * `stop`: of one that stands, why, where, at which level, and the owners because of whom.
  #
  # Invariant: with `stop` there is at least one owner, and there is one exactly in the phases
  # `:standing`, `:evaluating` and `:dead`.

  # Of what is said of an exception.
  @longest_text 500

  defstruct [:pid, :wish, :stop, phase: :running, stops: 0]

  # A step over a call counts levels by itself where no breakpoint could be missed on the way. Where there are
  # some, it is made of single steps; so many, as each costs ten times what it runs.
  @single_steps 20_000

  @type owner :: pid
  @type at :: {module, line :: integer, level :: integer}
  @type verdict :: {:stop, [id :: term], [owner]} | :go
  @type effect ::
          :continue
          | {:step, :into | :over | :out}
          | :halt
          | {:keep_all, boolean}
          | :told_stopped
          | :told_continued
          | {:told_exited, term}
          | :bury
          | :forget_results
  @type t :: %__MODULE__{}

  @doc "How many single steps a step over a call is made of, before breakpoints on its way are passed."
  @spec single_steps() :: pos_integer
  def single_steps, do: @single_steps

  @doc "Whether an expression before which it stands is where somebody wants it to stop, breakpoints aside."
  @spec wanted?(t, at) :: boolean
  def wanted?(%{wish: {:step, :into, _level, _owner, _left}}, _at), do: true
  def wanted?(%{wish: {:step, _how, level, _owner, _left}}, {_m, _line, here}), do: here <= level
  def wanted?(%{wish: {:pause, _owner}}, _at), do: true
  def wanted?(_course, _at), do: false

  @doc "Its meta stands before an expression. `verdict`: what breakpoints say to it."
  @spec broke(t, at, verdict) :: {t, [effect]}
  def broke(course, at, {:stop, ids, owners}), do: stop(course, at, :breakpoint, ids, owners)

  def broke(%{wish: {:step, _how, _level, owner, left}} = course, at, :go) do
    cond do
      wanted?(course, at) -> stop(course, at, :step, [], [owner])
      left > 0 -> {single(course), [{:step, :into}]}
      true -> {course, [{:step, :over}]}
    end
  end

  def broke(%{wish: {:pause, owner}} = course, at, :go), do: stop(course, at, :pause, [], [owner])
  def broke(course, _at, :go), do: {%{course | wish: nil, phase: :running}, [:continue]}

  defp single(%{wish: {:step, how, level, owner, left}} = course),
    do: %{course | wish: {:step, how, level, owner, left - 1}, phase: :running}

  defp stop(course, {module, line, level}, reason, ids, owners) do
    stop = %{
      reason: reason,
      module: module,
      line: line,
      level: level,
      breakpoints: ids,
      owners: MapSet.new(owners),
      text: nil
    }

    course = %{course | wish: nil, stop: stop, phase: :standing, stops: course.stops + 1}
    {course, [{:keep_all, true}, :told_stopped]}
  end

  @doc "An owner lets it go a step. `breaks?`: whether a breakpoint could lie on its way."
  @spec step(t, :into | :over | :out, owner, boolean) :: {t, [effect]} | {:error, atom}
  def step(%{phase: :standing, stop: %{level: level}} = course, how, owner, breaks?) do
    target = if how == :out, do: level - 1, else: level
    left = if breaks? and how != :into, do: @single_steps, else: 0
    command = if breaks?, do: :into, else: how
    course = %{gone(course) | wish: {:step, how, target, owner, left}}
    {course, [:forget_results, {:step, command}, :told_continued]}
  end

  def step(course, _how, _owner, _breaks?), do: refused(course)

  @doc "Somebody lets it go on."
  @spec continue(t) :: {t, [effect]} | {:error, atom}
  def continue(%{phase: :standing} = course),
    do: {gone(course), [:forget_results, {:keep_all, false}, :continue, :told_continued]}

  def continue(%{phase: :dead} = course), do: {gone(course), [:forget_results, :bury]}

  # It had not stopped yet.
  def continue(%{wish: {kind, _owner}} = course) when kind == :pause,
    do: {%{course | wish: :go}, []}

  def continue(course), do: refused(course)

  @doc "An owner wants it to stand."
  @spec pause(t, owner) :: {t, [effect]} | {:error, atom}
  def pause(%{phase: phase} = course, _owner) when phase in [:standing, :evaluating],
    do: {course, []}

  def pause(%{phase: :dead}, _owner), do: {:error, :ended}
  def pause(course, owner), do: {%{course | wish: {:pause, owner}}, [:halt]}

  @doc "An expression begins, or has ended."
  @spec evaluating(t, boolean) :: {t, [effect]} | {:error, atom}
  def evaluating(%{phase: :standing} = course, true), do: {%{course | phase: :evaluating}, []}
  def evaluating(course, true), do: refused(course)

  # Because of whom it stood may have gone meanwhile.
  def evaluating(%{phase: :evaluating, stop: %{owners: owners}} = course, false) do
    course = %{course | phase: :standing}
    if MapSet.size(owners) == 0, do: continue(course), else: {course, []}
  end

  def evaluating(course, false), do: {course, []}

  @doc "It left interpreted code, and waits for what compiled code does."
  @spec idle(t) :: {t, [effect]}
  def idle(%{phase: :evaluating} = course), do: {course, []}

  # The frame in which the step would have ended is no more. The interpreter would heed no breakpoint from here
  # on, as it counts levels: it is halted where it comes back, to be let go.
  def idle(%{wish: {:step, how, _level, _owner, _left}} = course) when how != :into,
    do: {%{course | phase: :idle, wish: :go}, [{:keep_all, false}, :halt]}

  def idle(course), do: {%{course | phase: :idle}, []}

  @doc "It waits in a receive, or runs again."
  @spec now(t, :waiting | :running) :: {t, [effect]}
  def now(%{phase: phase} = course, _now) when phase in [:evaluating, :dead], do: {course, []}
  def now(course, now), do: {%{course | phase: now}, []}

  @doc "It has ended. `owners` want to see why."
  @spec ended(t, {module, line :: integer, level :: integer} | nil, term, [owner]) ::
          {t, [effect]}
  def ended(course, nil, reason, _owners), do: over(course, reason)
  def ended(course, _at, reason, []), do: over(course, reason)

  def ended(course, at, reason, owners) do
    {course, _effects} = stop(course, at, :exception, [], owners)
    {%{course | phase: :dead, stop: %{course.stop | text: said(reason)}}, [:told_stopped]}
  end

  defp said({raised, [{_, _, _, _} | _] = stack}),
    do: :error |> Exception.format_banner(raised, stack) |> String.slice(0, @longest_text)

  defp said(reason),
    do: :exit |> Exception.format_banner(reason) |> String.slice(0, @longest_text)

  defp over(course, reason), do: {gone(course), [:forget_results, :bury, {:told_exited, reason}]}

  @doc "An owner is gone."
  @spec without(t, owner) :: {t, [effect]}
  def without(%{stop: %{owners: owners} = stop} = course, owner) do
    left = MapSet.delete(owners, owner)
    course = %{course | stop: %{stop | owners: left}}

    if MapSet.size(left) == 0 and course.phase != :evaluating,
      do: continue(course),
      else: {course, []}
  end

  # It stops where it would have, and is let go there.
  def without(%{wish: wish} = course, owner) do
    if owner_of(wish) == owner, do: {%{course | wish: :go}, []}, else: {course, []}
  end

  @doc "Who looks at it as well, and because of whom it stands from now on."
  @spec with_owner(t, owner) :: t
  def with_owner(%{stop: %{owners: owners} = stop} = course, owner),
    do: %{course | stop: %{stop | owners: MapSet.put(owners, owner)}}

  def with_owner(course, _owner), do: course

  defp owner_of({:step, _how, _level, owner, _left}), do: owner
  defp owner_of({:pause, owner}), do: owner
  defp owner_of(_none), do: nil

  defp gone(course), do: %{course | stop: nil, wish: nil, phase: :running}

  defp refused(%{phase: :evaluating}), do: {:error, :evaluating}
  defp refused(%{phase: :dead}), do: {:error, :ended}
  defp refused(_course), do: {:error, :not_stopped}
end
