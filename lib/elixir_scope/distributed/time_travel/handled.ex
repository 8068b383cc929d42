defmodule ElixirScope.Distributed.TimeTravel.Handled do
  @moduledoc false
  # Which message a callback handled. The arguments of its call say what; which of the messages that
  # were received it was, their order does, as behaviours handle them in the order in which they came.
  # A message shows its references, and arguments do not: so the message completes them. Pure.

  alias ElixirScope.Distributed.{Capture, Event, Opaque}
  alias ElixirScope.Distributed.TimeTravel.Turn

  # Messages that were received and not handled yet, or were taken inside a callback.
  @most 1_000

  # They are looked for where there could be others: machines name what they handle.
  @from_queue [:call, :cast, :info]

  @type received :: [Event.t()]

  @doc "One more message, behind the others."
  @spec received(received, Event.t()) :: received
  def received(waiting, event), do: Enum.take([event | waiting], @most)

  @doc "What a traced call handled, and the messages that are left."
  @spec of(Capture.State.rule(), Event.t(), received) :: {Turn.message() | nil, received}
  def of(rule, %{data: arguments}, waiting) when is_list(arguments) do
    {kind, content, from} = wanted(rule, arguments)

    {found, left} =
      if kind in @from_queue, do: look(waiting, {kind, content, from}), else: {nil, waiting}

    {message(kind, content, from, found), left}
  end

  def of(rule, _call, waiting), do: likely(rule, waiting)

  @doc "What a callback has probably handled of whose call nothing is known."
  @spec likely(Capture.State.rule() | nil, received) :: {Turn.message() | nil, received}
  def likely(rule, waiting) do
    kinds = kinds(rule)

    case waiting |> Enum.reverse() |> Enum.filter(&(elem(read(&1.data), 0) in kinds)) do
      [] -> {nil, waiting}
      [event | others] -> {guess(event, others, kinds), List.delete(waiting, event)}
    end
  end

  # Calls and casts come in their order; any other message could be an answer that was waited for.
  defp guess(event, others, kinds) do
    {kind, content, from} = read(event.data)
    sure? = others == [] or kinds in [[:call], [:cast]]

    if sure?,
      do: told(kind, content, from, event, :likely),
      else: told(kind, nil, nil, nil, :ambiguous)
  end

  defp kinds({:gen_server, :handle_call}), do: [:call]
  defp kinds({:gen_server, :handle_cast}), do: [:cast]
  defp kinds({:gen_server, :handle_info}), do: [:info]

  defp kinds({:gen_statem, of}) when of == :handle_event or is_tuple(of),
    do: [:call, :cast, :info]

  defp kinds(_other), do: []

  # What the arguments of a callback say of the message.
  defp wanted({:gen_server, :handle_call}, [content, from | _]), do: {:call, content, from}
  defp wanted({:gen_server, :handle_cast}, [content | _]), do: {:cast, content, nil}
  defp wanted({:gen_server, :handle_info}, [content | _]), do: {:info, content, nil}
  defp wanted({:gen_server, name}, [content | _]), do: {plain(name), content, nil}
  defp wanted({:gen_statem, :init}, [content]), do: {:init, content, nil}
  defp wanted({:gen_statem, :code_change}, [content | _]), do: {:code_change, content, nil}
  defp wanted({:gen_statem, _of}, [{:call, from}, content | _]), do: {:call, content, from}
  defp wanted({:gen_statem, _of}, [type, content | _]), do: {type, content, nil}
  defp wanted(_rule, _arguments), do: {:unknown, nil, nil}

  defp plain(:handle_continue), do: :continue
  defp plain(name), do: name

  defp look(waiting, wanted) do
    case waiting |> Enum.reverse() |> Enum.filter(&fits?(wanted, read(&1.data))) do
      [] -> {nil, waiting}
      [event | _later] -> {event, List.delete(waiting, event)}
    end
  end

  defp fits?({kind, content, from}, {kind, whole, sender}),
    do: alike?(content, whole) and alike?(from, sender)

  defp fits?(_wanted, _read), do: false

  defp message(kind, content, from, nil), do: told(kind, content, from, nil, :exact)

  defp message(kind, _content, _from, event) do
    {_kind, content, from} = read(event.data)
    told(kind, content, from, event, :exact)
  end

  defp told(kind, content, from, event, confidence) do
    %{
      kind: kind,
      content: content,
      from: sender(from, event),
      reply_to: from,
      receive: event,
      sent: event && event.meta[:pair],
      confidence: confidence
    }
  end

  defp sender({pid, _tag}, _event) when is_pid(pid), do: pid
  defp sender(_from, %{subject: subject}), do: subject
  defp sender(_from, nil), do: nil

  @doc "What a message is to a behaviour."
  @spec read(term) :: {:call | :cast | :info | :system, term, from :: term}
  def read({:"$gen_call", from, content}), do: {:call, content, from}
  def read({:"$gen_cast", content}), do: {:cast, content, nil}
  def read({:system, from, content}), do: {:system, content, from}
  def read(content), do: {:info, content, nil}

  @doc "Whether what could not be shown in arguments can be what a message shows whole."
  @spec alike?(term, term) :: boolean
  def alike?(same, same), do: true
  def alike?(%Opaque{type: :reference}, whole), do: is_reference(whole)
  def alike?(%Opaque{type: :pid}, whole), do: is_pid(whole)
  def alike?(%Opaque{type: :port}, whole), do: is_port(whole)
  def alike?([a | as], [b | bs]), do: alike?(a, b) and alike?(as, bs)

  def alike?(a, b) when is_tuple(a) and is_tuple(b) and tuple_size(a) == tuple_size(b),
    do: alike?(Tuple.to_list(a), Tuple.to_list(b))

  def alike?(a, b) when is_map(a) and is_map(b) and map_size(a) == map_size(b),
    do: alike?(a |> Map.to_list() |> Enum.sort(), b |> Map.to_list() |> Enum.sort())

  def alike?(_a, _b), do: false
end
