defmodule ElixirScope.Distributed.Replay.Runner do
  @moduledoc false
  # Calls the callbacks of a script one after the other, and compares the states. It runs in the replay node.
  # Callbacks run in one process, the player, as they did; the runner is another one, so that
  # one that never returns, ends or fails is noticed.

  alias ElixirScope.Distributed.Capture.State
  alias ElixirScope.Distributed.Replay.{Others, Player, Seal, StandIns}
  alias ElixirScope.Distributed.TimeTravel.Diff

  @enforce_keys [:module, :player, :others, :stand_ins, :deadline]
  defstruct [:module, :player, :others, :stand_ins, :deadline, :state, :last] ++
              [messages: 0, states: 0, sends: [], sent: 0, most_sends: 0, answers: []]

  @type outcome ::
          :equal
          | {:different, event :: term, path :: [term], expected :: term, got :: term}
          | {:stopped, :deadline | :memory | :ended | :asks | :stand_ins, event :: term,
             about :: term}
  @type result :: %{
          outcome: outcome,
          messages: non_neg_integer,
          states: non_neg_integer,
          sends: [map],
          sent: non_neg_integer,
          last: term
        }

  @doc "Runs a script, within its bounds."
  @spec run(map) :: {:ok, result} | {:error, term}
  def run(request) do
    {:module, _} = Code.ensure_loaded(request.module)

    with :ok <- Seal.close() do
      runner = begin(request)
      {outcome, runner} = steps(request.steps, runner)
      {:ok, result(outcome, runner)}
    end
  catch
    :throw, :too_many_stand_ins -> {:error, :too_many_stand_ins}
  end

  defp begin(request) do
    others = Others.start(self(), request)
    player = Player.start(self(), others)
    deadline = System.monotonic_time(:millisecond) + request.deadline_ms
    stand_ins = StandIns.bind(StandIns.new(&Others.stand_in(others, &1)), request.pid, player.pid)
    stand_ins = Others.names(others, request.names, stand_ins)

    started(
      %__MODULE__{
        module: request.module,
        player: player,
        others: others,
        stand_ins: stand_ins,
        deadline: deadline,
        most_sends: request.sends,
        answers: request.answers
      },
      request.first
    )
  end

  defp started(runner, nil), do: runner

  defp started(runner, {:ok, state}) do
    {state, stand_ins} = StandIns.put(runner.stand_ins, state)
    %{runner | state: state, stand_ins: stand_ins}
  end

  defp result(outcome, runner) do
    sends = Enum.reverse(runner.sends)

    %{
      outcome: outcome,
      messages: runner.messages,
      states: runner.states,
      sends: sends,
      sent: runner.sent,
      last: runner.last
    }
  end

  defp steps([], runner), do: {:equal, runner}

  defp steps([step | rest], runner) do
    case step(step, runner) do
      {:ok, runner} -> steps(rest, runner)
      {outcome, runner} -> {outcome, runner}
    end
  end

  defp step(step, runner) do
    {arguments, stand_ins} = StandIns.put(runner.stand_ins, step.arguments)
    runner = %{runner | stand_ins: stand_ins}
    arguments = State.with_state(step.rule, arguments, runner.state)
    ref = Player.begin(runner.player, {runner.module, step.function, arguments})

    case await(runner, ref) do
      {{:stopped, why, about}, runner} -> {{:stopped, why, step.event, about}, runner}
      {outcome, runner} -> runner |> sent(step, arguments, outcome) |> left(step, outcome)
    end
  end

  # Whom the callback asks answers as it did, as long as the same is asked in the same order. Any other
  # question would never be answered.
  defp await(runner, ref) do
    with {:asked, there, from, request} <- Player.await(runner.player, ref, runner.deadline) do
      case answer(runner, there, request) do
        {:ok, reply, runner} ->
          GenServer.reply(from, reply)
          await(runner, ref)

        :error ->
          asked = StandIns.shown(StandIns.back(runner.stand_ins, request))
          {{:stopped, :asks, {there, asked}}, runner}
      end
    else
      outcome -> {outcome, runner}
    end
  end

  defp answer(%{answers: [{there, asked, reply} | answers]} = runner, there, request) do
    with {:ok, stand_ins} <- differ(runner.stand_ins, asked, request) do
      {reply, stand_ins} = StandIns.put(stand_ins, reply)
      {:ok, reply, %{runner | answers: answers, stand_ins: stand_ins}}
    else
      _different -> :error
    end
  end

  defp answer(_runner, _there, _request), do: :error

  # States

  defp left(runner, step, outcome) do
    runner = %{runner | messages: runner.messages + 1}

    case {State.state_after(step.rule, outcome), outcome} do
      {{:state, state}, _outcome} -> compared(%{runner | state: state}, step, state)
      {{:data, data}, _outcome} -> stayed(runner, step, data)
      {:none, {:return, _value}} -> compared(runner, step, runner.state)
      {:none, {:exception, class, reason}} -> failed(runner, step, {class, reason})
    end
  end

  defp stayed(runner, step, data) do
    state = put_elem(runner.state, 1, data)
    compared(%{runner | state: state}, step, state)
  end

  defp compared(runner, %{expected: :unknown} = step, _state),
    do: {:ok, %{runner | last: %{event: step.event, returned: true}}}

  defp compared(runner, %{expected: :same}, _state),
    do: {:ok, %{runner | states: runner.states + 1}}

  defp compared(runner, %{expected: {:ok, expected}} = step, state) do
    case differ(runner.stand_ins, expected, state) do
      {:ok, stand_ins} -> {:ok, %{runner | stand_ins: stand_ins, states: runner.states + 1}}
      {path, one, other} -> {{:different, step.event, path, one, StandIns.shown(other)}, runner}
    end
  end

  defp failed(runner, %{expected: :unknown} = step, failure),
    do: {:ok, %{runner | last: %{event: step.event, raised: Player.words(failure)}}}

  defp failed(runner, step, failure),
    do:
      {{:different, step.event, [], elem_or_same(step.expected),
        {:raised, Player.words(failure)}}, runner}

  defp elem_or_same({:ok, state}), do: state
  defp elem_or_same(:same), do: :unchanged

  # What differs in nothing but a pid which nobody has seen before is equal from then on.
  defp differ(stand_ins, expected, state) do
    case Diff.first(expected, StandIns.back(stand_ins, state)) do
      nil -> {:ok, stand_ins}
      {:set, path, one, other} -> met(stand_ins, {path, one, other}, expected, state)
      {:added, path, other} -> {path, :nothing, other}
      {:removed, path, one} -> {path, one, :nothing}
    end
  end

  defp met(stand_ins, {_path, one, other} = found, expected, state) do
    case StandIns.meet(stand_ins, one, other) do
      {:ok, stand_ins} -> differ(stand_ins, expected, state)
      :error -> found
    end
  end

  # Messages that were sent, and what was returned to be sent.

  defp sent(runner, step, arguments, outcome) do
    {messages, count} = Others.take(runner.others, runner.player.pid)
    all = messages ++ replied(step.rule, arguments, outcome)
    count = count - length(messages) + length(all)
    shown = for {to, message} <- all, do: shown(step, to, message, runner.stand_ins)
    room = max(runner.most_sends - length(runner.sends), 0)
    sends = Enum.reverse(Enum.take(shown, room)) ++ runner.sends
    %{runner | sends: sends, sent: runner.sent + count}
  end

  defp shown(step, to, message, stand_ins) do
    back = &(stand_ins |> StandIns.back(&1) |> StandIns.shown())
    %{event: step.event, to: back.(to), message: back.(message)}
  end

  defp replied({:gen_server, :handle_call}, [_request, {to, _tag} | _], {:return, value}) do
    case value do
      {:reply, reply, _state} -> [{to, reply}]
      {:reply, reply, _state, _next} -> [{to, reply}]
      {:stop, _reason, reply, _state} -> [{to, reply}]
      _none -> []
    end
  end

  defp replied({:gen_statem, _}, _arguments, {:return, value}) when is_tuple(value) do
    last = value |> Tuple.to_list() |> List.last() |> List.wrap()
    for {:reply, {to, _tag}, reply} <- replies(value, last), do: {to, reply}
  end

  defp replied(_rule, _arguments, _outcome), do: []

  defp replies({:stop_and_reply, _reason, replies, _data}, _last), do: List.wrap(replies)
  defp replies(_value, [_ | _] = actions), do: if(List.improper?(actions), do: [], else: actions)
  defp replies(_value, []), do: []
end
