defmodule ElixirScope.Distributed.Case.Sentence do
  @moduledoc false
  # What a sentence about events looks for, how long, and what it says when it is not so.

  alias ElixirScope.Distributed.{Causality, Event}
  alias ElixirScope.Distributed.Case.{Story, Teller}

  @compile {:no_warn_undefined, ExUnit.AssertionError}

  @pause_ms 20
  @within_ms 1_000

  # Others that nearly were it, in the message of a failure.
  @shown 5

  @typedoc """
  The filters of a question, which of its events are near, which of these are meant, and how it reads.
  """
  @type t :: %{
          filters: keyword,
          near?: (Event.t() -> boolean),
          meant?: (Event.t() -> boolean),
          text: String.t()
        }

  # From code to a sentence

  @doc "The code of a sentence about a call."
  @spec call(Macro.t()) :: Macro.t()
  def call(code) do
    {call, guard} = guarded(code)
    {module, function, arity, arguments} = mfa(call)

    quote do
      ElixirScope.Distributed.Case.Sentence.about_call(
        {unquote(module), unquote(function), unquote(arity)},
        fn arguments -> unquote(match(arguments, guard, quote(do: arguments))) end,
        unquote(Macro.to_string(code))
      )
    end
  end

  @doc "The code of a sentence about a message."
  @spec message(Macro.t()) :: Macro.t()
  def message(code) do
    {pattern, guard} = guarded(code)

    quote do
      ElixirScope.Distributed.Case.Sentence.about_message(
        fn message -> unquote(match(pattern, guard, quote(do: message))) end,
        unquote(Macro.to_string(code))
      )
    end
  end

  defp guarded({:when, _meta, [what, guard]}), do: {what, guard}
  defp guarded(what), do: {what, true}

  defp mfa({:/, _meta, [{{:., _, [module, function]}, _, []}, arity]}) when is_integer(arity),
    do: {module, function, arity, quote(do: _)}

  defp mfa({{:., _meta, [module, function]}, _, arguments}),
    do: {module, function, length(arguments), arguments}

  defp mfa(other) do
    raise ArgumentError,
          "expected a call such as Module.function(pattern, _) or Module.function/2, got: " <>
            Macro.to_string(other)
  end

  defp match(pattern, true, value), do: quote(do: match?(unquote(pattern), unquote(value)))

  defp match(pattern, guard, value),
    do: quote(do: match?(unquote(pattern) when unquote(guard), unquote(value)))

  @doc "A sentence about a call."
  @spec about_call(mfa, ([term] -> boolean), String.t()) :: t
  def about_call(mfa, match?, text) do
    %{
      filters: [kinds: [:call], mfa: mfa],
      near?: fn _event -> true end,
      meant?: fn event -> match?.(event.data || []) end,
      text: "call of " <> text
    }
  end

  @doc "A sentence about a message."
  @spec about_message((term -> boolean), String.t()) :: t
  def about_message(match?, text) do
    %{
      filters: [kinds: [:send]],
      near?: fn event -> not system?(event.subject) end,
      meant?: fn event -> match?.(event.data) or match?.(inner(event.data)) end,
      text: "message " <> text
    }
  end

  # What a server is asked or told, without its envelope.
  defp inner({:"$gen_call", _from, message}), do: message
  defp inner({:"$gen_cast", message}), do: message
  defp inner({_tag, reply}), do: reply
  defp inner(message), do: message

  defp system?(name), do: name in [:code_server, :logger, :application_controller]

  # Sentences that hold, or not

  @doc "The first event that is meant."
  @spec found!(t, keyword) :: Event.t()
  def found!(sentence, options) do
    options = options!(options, @within_ms)
    deadline = now() + options[:within]
    look(sentence, options, deadline)
  end

  defp look(sentence, options, deadline) do
    near = near(sentence, options)

    case Enum.find(near, sentence.meant?) do
      nil ->
        if now() > deadline,
          do: missed!(sentence, near, options),
          else: pause(sentence, options, deadline)

      event ->
        event
    end
  end

  defp pause(sentence, options, deadline) do
    receive after: (@pause_ms -> :ok)
    look(sentence, options, deadline)
  end

  @doc "Nothing that is meant happens."
  @spec not_found!(t, keyword) :: :ok
  def not_found!(sentence, options) do
    options = options!(options, 0)
    refuse(sentence, options, now() + options[:within])
  end

  defp refuse(sentence, options, deadline) do
    case Enum.find(near(sentence, options), sentence.meant?) do
      nil -> if now() >= deadline, do: :ok, else: again(sentence, options, deadline)
      event -> fail!("expected no #{sentence.text}, but there was:\n\n  #{line(event)}", [event])
    end
  end

  defp again(sentence, options, deadline) do
    receive after: (@pause_ms -> :ok)
    refuse(sentence, options, deadline)
  end

  defp near(sentence, options) do
    result = Story.result(recorded!(), sentence.filters)
    Enum.filter(result.events, &(sentence.near?.(&1) and where?(&1, options)))
  end

  defp where?(event, options) do
    among?(event.node, options[:on]) and among?(event.node, options[:from]) and
      among?(to(event), options[:to])
  end

  defp among?(_node, nil), do: true
  defp among?(node, nodes), do: node in List.wrap(nodes)

  defp to(%{subject: subject}) when is_pid(subject) or is_reference(subject) or is_port(subject),
    do: node(subject)

  defp to(%{subject: {_name, node}}), do: node
  defp to(%{node: node}), do: node

  defp options!(options, within_ms),
    do: Keyword.validate!(options, [:on, :from, :to, within: within_ms])

  defp recorded! do
    case Teller.nodes() do
      [] -> raise ArgumentError, "no node of this test records: give `capture:` or `apps:`"
      nodes -> nodes
    end
  end

  # Order

  @doc "The first can have influenced the second."
  @spec before!(Event.t(), Event.t()) :: :ok
  def before!(first, second) do
    case relation!(first, second) do
      :before ->
        :ok

      other ->
        fail!(text("expected the first before the second", other, first, second), [first, second])
    end
  end

  @doc "One of the two can have influenced the other."
  @spec ordered!(Event.t(), Event.t()) :: :ok
  def ordered!(one, other) do
    case relation!(one, other) do
      relation when relation in [:before, :after] -> :ok
      relation -> fail!(text("expected one before the other", relation, one, other), [one, other])
    end
  end

  defp relation!(%Event{id: one}, %Event{id: other}) do
    {:ok, causality} = recorded!() |> Story.result() |> Causality.build()
    Causality.relation(causality, one, other)
  end

  defp relation!(one, other) do
    raise ArgumentError,
          "expected two events, as assert_called and assert_sent return them, got: " <>
            "#{inspect(one)} and #{inspect(other)}"
  end

  defp text(expected, relation, first, second) do
    "#{expected}, but #{said(relation)}:\n\n  #{line(first)}\n  #{line(second)}"
  end

  defp said(:after), do: "the second can have influenced the first"
  defp said(:concurrent), do: "neither can have influenced the other"
  defp said(:equal), do: "they are the same event"
  defp said(:unknown), do: "that cannot be told, as events were lost or messages look alike"
  defp said(:before), do: "the first can have influenced the second"

  # Failures

  defp missed!(sentence, near, options) do
    fail!(
      "expected a #{sentence.text}#{place(options)} within #{options[:within]} ms, #{others(near)}",
      []
    )
  end

  defp place(options) do
    for {word, nodes} <- Keyword.take(options, [:on, :from, :to]), nodes != nil, into: "" do
      " #{word} #{nodes |> List.wrap() |> Enum.join(", ")}"
    end
  end

  defp others([]), do: "and there was nothing like it"

  defp others(near) do
    lines = for event <- Enum.take(near, -@shown), do: "\n  " <> line(event)
    "of #{length(near)} that might have been, the last:\n#{lines}"
  end

  defp line(event) do
    "#{event.kind} #{subject(event.subject)} #{inspect(event.data, limit: 20, printable_limit: 200)} " <>
      "on #{event.node} #{inspect(event.pid)}"
  end

  defp subject({m, f, a}) when is_atom(m) and is_atom(f) and is_integer(a),
    do: Exception.format_mfa(m, f, a)

  defp subject(other), do: inspect(other)

  defp fail!(message, events) do
    Teller.about(Enum.map(events, & &1.id))
    raise ExUnit.AssertionError, message: message
  end

  defp now, do: System.monotonic_time(:millisecond)
end
