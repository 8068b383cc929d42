defmodule ElixirScope.Distributed.Debug.Session.Life do
  @moduledoc false
  # The life of a session, as a pure function: what happened, and when, to what is to be done. The shell
  # around it (`Server`) owns programs and connections, and decides nothing.
  #
  # A node that is started is `:booting` until it has its name, `:connecting`, `:waiting` for its turn (two
  # that compile one project at a time would spoil each other's work), `:preparing`, and `:ready`;
  # `:running` once it was let go. One that is joined is `:connecting`, then `:running`. `:lost` is one that is
  # not connected, or connected and does not answer: it is tried again, ever more slowly, until it
  # is `:gone`. Of these invariants the tests are made:
  #
  #   * nobody is told that a node is back that was not told to be down, and no one hears of a node that is gone;
  #   * a session that is `:ended` has no program that has not ended, and its caller has one answer;
  #   * whatever happens, a session that is to stop has ended when its grace is over and its programs have.

  import ElixirScope.Distributed.Debug.Session.Life.Nodes

  alias ElixirScope.Distributed.Cluster.Backoff
  alias ElixirScope.Distributed.Debug.Session.Life.{Looks, Turns}

  # How often time is looked at while something is waited for, and otherwise.
  @waiting_ms 50
  @idle_ms 250

  @enforce_keys [:phase, :nodes, :settings]
  defstruct [:phase, :nodes, :settings, :deadline, :looked, :why]

  @type role :: :target | :language
  @type state ::
          :booting | :connecting | :waiting | :preparing | :ready | :running | :lost | :gone
  @type member :: %{
          how: :started | :joined,
          state: state,
          # what it was before it was lost
          was: state | nil,
          attempts: non_neg_integer,
          retry_at: integer | nil,
          seen: integer,
          reason: term,
          status: integer | nil
        }
  @type phase :: :starting | :held | :running | :stopping | :ended
  @type t :: %__MODULE__{
          phase: phase,
          nodes: %{role => member},
          settings: %{
            boot_ms: pos_integer,
            stop_ms: pos_integer,
            lease_ms: pos_integer,
            hold: boolean
          },
          deadline: integer | nil,
          looked: integer | nil,
          why: {atom, role | nil, term} | nil
        }
  @type event ::
          {:up | :ready | :here | :connected | :unreachable, role}
          | {:failed, role, reason :: term}
          | {:cut, role, reason :: term}
          | {:exited, role, status :: integer}
          | :run
          | :stop
          | :tick
  @type effect ::
          {:launch | :connect | :look | :kill, role}
          | {:say, role, :prepare | :run | :stop | :there?}
          | {:tell, {:up | :down | :back, role, term} | {:exited, role, integer}}
          | {:answer, :started | {:failed, {atom, role | nil, term}}}
          | :ended

  @doc "The beginning of a session: nodes by how they come to it."
  @spec begin(%{role => :started | :joined}, map, integer) :: {t, [effect]}
  def begin(roles, settings, now) do
    nodes = Map.new(roles, fn {role, how} -> {role, member(how, now)} end)

    life = %__MODULE__{
      phase: :starting,
      nodes: nodes,
      settings: settings,
      deadline: now + settings.boot_ms,
      looked: now
    }

    effects =
      for {role, how} <- roles, do: {if(how == :started, do: :launch, else: :connect), role}

    {life, began} = Turns.move(life)
    {life, effects ++ began}
  end

  defp member(how, now) do
    state = if how == :started, do: :booting, else: :connecting
    %{how: how, state: state, was: nil, attempts: 0, retry_at: nil, seen: now} |> blank()
  end

  defp blank(member), do: Map.merge(member, %{reason: nil, status: nil})

  @doc "What comes of an event."
  @spec event(t, event, integer) :: {t, [effect]}
  def event(%{phase: :ended} = life, _event, _now), do: {life, []}

  def event(life, event, now) do
    {life, effects} = on(event, life, now)
    {life, moved} = Turns.move(life)
    {life, effects ++ moved}
  end

  @doc "When it is to be told next that time has passed."
  @spec pause_ms(t) :: pos_integer
  def pause_ms(%{phase: phase}),
    do: if(phase in [:held, :running], do: @idle_ms, else: @waiting_ms)

  # Of a node that is gone nothing is heard any more.
  defp on({what, role}, life, now), do: of(life, role, &heard(what, &1, &2, role, now))

  defp on({:failed, role, reason}, life, now),
    do: of(life, role, &failed(&1, &2, role, reason, now))

  defp on({:cut, role, reason}, life, now), do: of(life, role, &lost(&1, &2, role, reason, now))

  defp on({:exited, role, status}, life, now),
    do: of(life, role, &gone(&1, &2, role, status, now))

  defp on(:run, %{phase: :held} = life, _now), do: Turns.let_go(life)
  defp on(:run, life, _now), do: {life, []}
  defp on(:stop, life, now), do: stop(life, {:stopped, nil, nil}, now)
  defp on(:tick, life, now), do: Looks.tick(life, now)

  defp of(life, role, fun) do
    case life.nodes do
      %{^role => %{state: state} = member} when state != :gone -> fun.(life, member)
      _gone -> {life, []}
    end
  end

  defp heard(:up, life, %{state: :booting}, role, now),
    do: {set(life, role, state: :connecting, seen: now), [{:connect, role}]}

  defp heard(:connected, life, %{state: :connecting, how: :started}, role, now),
    do: {set(life, role, state: :waiting, seen: now), []}

  defp heard(:connected, life, %{state: :connecting}, role, now),
    do: {set(life, role, state: :running, seen: now), [{:tell, {:up, role, :joined}}]}

  defp heard(:ready, life, %{state: :preparing}, role, now),
    do: {set(life, role, state: :ready, seen: now), [{:tell, {:up, role, :started}}]}

  defp heard(:ready, life, %{state: :lost, was: :preparing}, role, now),
    do: {set(life, role, was: :ready, seen: now), []}

  defp heard(what, life, %{state: :lost} = member, role, now) when what in [:connected, :here],
    do: back(what, life, member, role, now)

  defp heard(:here, life, _member, role, now), do: {set(life, role, seen: now), []}
  defp heard(:unreachable, life, member, role, now), do: unreachable(life, member, role, now)
  defp heard(_late, life, _member, _role, _now), do: {life, []}

  # A VM that answers through the pipe may still have no connection.
  defp back(:here, life, %{reason: reason}, role, now) when reason != :silent,
    do: {set(life, role, seen: now), []}

  defp back(_what, life, member, role, now) do
    known = [state: member.was, was: nil, attempts: 0, retry_at: nil, seen: now, reason: nil]
    {set(life, role, known), [{:tell, {:back, role, member.reason}}]}
  end

  # At first somebody waits for it: what cannot be reached then is no node of this session.
  defp unreachable(life, %{state: :connecting, how: :joined}, role, now),
    do: stop(life, {:unreachable, role, nil}, now)

  defp unreachable(life, %{state: state} = member, role, now)
       when state in [:connecting, :lost],
       do: {set(life, role, again(member, now)), []}

  defp unreachable(life, _member, _role, _now), do: {life, []}

  # Spread as if by chance, and the same each time.
  defp again(%{attempts: attempts}, now) do
    delay = Backoff.delay(attempts, rem(attempts * 37, 100) / 100)
    [attempts: attempts + 1, retry_at: now + delay]
  end

  defp failed(life, %{how: :joined, state: :connecting}, role, reason, now),
    do: stop(life, {:unreachable, role, reason}, now)

  defp failed(life, %{how: :started, state: state}, role, reason, now)
       when state in [:booting, :connecting, :waiting, :preparing],
       do: stop(life, {:not_started, role, reason}, now)

  defp failed(life, member, role, _reason, now), do: unreachable(life, member, role, now)

  defp lost(life, %{state: state}, _role, _reason, _now)
       when state in [:booting, :connecting, :lost],
       do: {life, []}

  defp lost(%{phase: :stopping} = life, _member, _role, _reason, _now), do: {life, []}

  defp lost(life, member, role, reason, now) do
    changes = [state: :lost, was: member.state, reason: reason] ++ again(member, now)
    {set(life, role, changes), [{:tell, {:down, role, reason}}]}
  end

  # Before all were there the session has failed; later, it is news.
  defp gone(life, %{how: :started}, role, status, now) do
    life = set(life, role, state: :gone, retry_at: nil, status: status)
    told = [{:tell, {:exited, role, status}}]

    if life.phase == :starting,
      do: also(stop(life, {:exited, role, status}, now), told),
      else: {life, told}
  end

  defp gone(life, _joined, _role, _status, _now), do: {life, []}
end
