defmodule ElixirScope.Distributed.Replay.Script do
  @moduledoc false
  # What is to be replayed: the callbacks of a process as they were called, in their order, and the state
  # after each. Pure.
  #
  # The order is that of the behaviour which ran: it had decided what was postponed, which timeout came and
  # what was continued. So callbacks are called as it called them, and no behaviour runs again. Each call
  # said with which state it was made: where that is not the state which the call before left, something
  # was lost, or changed the state unseen, and nothing is replayed.

  alias ElixirScope.Distributed.{Capture, Error, Event, Opaque}
  alias ElixirScope.Distributed.Replay.{Asked, Opaques}
  alias ElixirScope.Distributed.TimeTravel.{Diff, Past, Turn}

  @enforce_keys [:pid, :steps]
  defstruct [:pid, :steps, :first, :stop, names: [], answers: []]

  @typedoc """
  One callback: with which arguments (those of its state stand for it), and the state that was recorded
  after it; `:same` where the callback left none, as machines may, and `:unknown` of the last one,
  when nothing tells how it ended.
  """
  @type step :: %{
          event: id,
          rule: Capture.State.rule(),
          function: atom,
          arguments: [term],
          expected: {:ok, term} | :same | :unknown
        }
  @type id :: {Event.origin(), pos_integer}

  @typedoc "Where it ends before its end: at an opaque term."
  @type stop :: %{event: id, type: atom, path: [term], where: :message | :state}

  @type t :: %__MODULE__{
          pid: pid,
          first: {:ok, term} | nil,
          steps: [step],
          stop: stop | nil,
          names: [{atom, there :: term}],
          answers: [{there :: term, request :: term, reply :: term}]
        }

  @doc "The script of a past; an error where it is not whole."
  @spec write(Past.t(), most :: pos_integer) :: {:ok, t} | {:error, Error.t()}
  def write(past, most) do
    with :ok <- captured(past),
         :ok <- whole(past),
         :ok <- few(past, most),
         :ok <- linked(past.turns),
         do: {:ok, script(past)}
  end

  defp captured(%{turns: []} = past), do: {:error, Past.nothing(past)}

  defp captured(past) do
    case Enum.find(past.turns, &(&1.call == nil or not is_list(&1.call.data))) do
      nil ->
        :ok

      turn ->
        refuse(
          :no_messages,
          turn,
          "the call of #{name(turn)} was not captured with its arguments: trace the module by its name, with state: true and capture: :full"
        )
    end
  end

  defp whole(%{about: about} = past) do
    cond do
      about.more? ->
        refuse(
          :too_many_messages,
          hd(past.turns),
          "there are more events than are read: ask for less of the time"
        )

      about.missing != %{} ->
        refuse(
          :not_whole,
          hd(past.turns),
          "#{Enum.join(Map.keys(about.missing), ", ")} did not answer"
        )

      about.dropped > 0 ->
        refuse(
          :not_whole,
          hd(past.turns),
          "#{about.dropped} events of that time were lost or left out"
        )

      cut = Enum.find(past.turns, &cut?/1) ->
        refuse(
          :cut,
          cut,
          "a budget cut what was captured of #{name(cut)}: trace with capture: :full"
        )

      true ->
        :ok
    end
  end

  defp cut?(turn),
    do:
      Enum.any?(
        [turn.call, turn.state, turn.message[:receive]],
        &(&1 && &1.meta[:truncated?] == true)
      )

  defp few(%{turns: turns}, most) do
    if length(turns) <= most,
      do: :ok,
      else:
        refuse(
          :too_many_messages,
          Enum.at(turns, most),
          "these are #{length(turns)} messages, and at most #{most} are replayed (messages:)"
        )
  end

  defp linked(turns) do
    turns
    |> Enum.zip(tl(turns))
    |> Enum.find_value(:ok, fn {turn, next} -> broken(turn, next) end)
  end

  # A server always leaves a state: one that did not has failed in its callback, or was lost.
  defp broken(%{state: nil, rule: {:gen_server, _}} = turn, _next),
    do: refuse(:not_whole, turn, "no state was captured after #{name(turn)}")

  defp broken(turn, %{rule: rule} = next) do
    cond do
      init?(rule) -> refuse(:not_whole, next, "the process began anew")
      turn.left != :none and Diff.first(elem(turn.left, 1), state(next)) -> changed(next)
      turn.left == :none and Diff.first(state(turn), state(next)) -> changed(next)
      true -> nil
    end
  end

  defp changed(next),
    do:
      refuse(
        :not_whole,
        next,
        "the state was another one before #{name(next)} than after the message before: something was lost, or changed it from outside"
      )

  defp state(%{before: {:ok, state}}), do: state
  defp state(%{before: :unknown}), do: nil

  defp init?({_behaviour, callback}), do: callback == :init

  defp script(past) do
    [first | _] = past.turns
    last = List.last(past.turns)
    steps = Enum.map(past.turns, &step(&1, &1 == last))
    begin = if init?(first.rule), do: nil, else: first.before
    {steps, stop} = until_opaque(steps, begin, first)
    answers = Asked.answers(past.events)
    names = Asked.names(past.events)

    %__MODULE__{
      pid: past.pid,
      first: begin,
      steps: steps,
      stop: stop,
      names: names,
      answers: answers
    }
  end

  defp step(turn, last?) do
    {_module, function, _arity} = turn.call.subject

    %{
      event: Turn.event(turn).id,
      rule: turn.rule,
      function: function,
      arguments: arguments(turn),
      expected: expected(turn, last?)
    }
  end

  defp expected(%{left: {:ok, _state} = left}, _last?), do: left
  defp expected(%{left: :none}, true), do: :unknown
  defp expected(%{left: :none}, false), do: :same

  # The message shows whole what the arguments may not; whom a call is answered, any reference can stand for.
  defp arguments(%{rule: rule, call: %{data: arguments}, message: message}) do
    rule |> Capture.State.with_state(arguments, {:state, :state}) |> completed(rule, message)
  end

  defp completed(arguments, {:gen_server, :handle_call}, message),
    do:
      arguments
      |> List.replace_at(0, message.content)
      |> List.replace_at(1, answered(message.reply_to))

  defp completed(arguments, {:gen_server, callback}, message)
       when callback in [:handle_cast, :handle_info],
       do: List.replace_at(arguments, 0, message.content)

  defp completed([{:call, _from}, _content | rest], {:gen_statem, _}, message),
    do: [{:call, answered(message.reply_to)}, message.content | rest]

  defp completed([type, _content | rest], {:gen_statem, _}, message) when type in [:cast, :info],
    do: [type, message.content | rest]

  defp completed(arguments, _rule, _message), do: arguments

  defp answered({pid, [:alias | %Opaque{}]}), do: {pid, [:alias | :any_reference]}
  defp answered({pid, %Opaque{}}), do: {pid, :any_reference}
  defp answered(from), do: from

  defp until_opaque(steps, begin, first) do
    case begin && Opaques.first(elem(begin, 1)) do
      nil -> steps |> Enum.split_while(&(stop(&1) == nil)) |> stopped()
      found -> {[], stop(first.call.id, :state, found)}
    end
  end

  defp stopped({steps, []}), do: {steps, nil}
  defp stopped({steps, [step | _]}), do: {steps, stop(step)}

  defp stop(step) do
    cond do
      found = Opaques.first(step.arguments) -> stop(step.event, :message, found)
      found = expected_opaque(step.expected) -> stop(step.event, :state, found)
      true -> nil
    end
  end

  defp expected_opaque({:ok, state}), do: Opaques.first(state)
  defp expected_opaque(_none), do: nil

  defp stop(event, where, {type, path}),
    do: %{event: event, where: where, type: type, path: Enum.reverse(path)}

  defp name(turn) do
    {module, function, arity} = Turn.callback(turn)
    Exception.format_mfa(module, function, arity)
  end

  defp refuse(reason, turn, why) do
    id = Turn.event(turn).id
    message = "it cannot be replayed: at #{Event.Id.text(id)} #{why}"
    {:error, Error.new(reason, event: id, message: message)}
  end
end
