defmodule ElixirScope.Distributed.Replay do
  @moduledoc """
  The messages that a process handled, handled once more, in a node of their own: to see whether the code
  does what it did, or where it does something else.

      {:ok, _trace} =
        ElixirScope.Distributed.trace(MyApp.Cart, state: true, messages: true, capture: :full)

      {:ok, %{messages: 120, states: 120}} =
        ElixirScope.Distributed.replay(pid, from, :now, MyApp.Cart)

      {:error, %{reason: :different, details: %{event: id, path: [:total], expected: 12, got: 13}}} =
        ElixirScope.Distributed.replay(pid, from, :now, MyApp.CartWithTax)

  The callbacks are called as the behaviour called them: in the same order, with the same events,
  timeouts and postponed messages, from the state that the first of them was called with, or from
  `init`. After each the state is compared with the recorded one. Servers (`GenServer`, `:gen_server`)
  and state machines (`:gen_statem`, of both modes) can be replayed.

  ## What it takes

  The module traced by its name with `state: true` and `capture: :full`; with `messages: true` there are
  references in messages and answers of others, too. Nothing may be cut, lost, or missing in between. It
  stops at the first term that is not known whole, such as a fun, a reference in a state, a port, an integer
  of more than 64 bits, or what redaction hides: `:opaque`, with the messages that were equal until then.

  A scope has to grant it in its configuration, with `allow: [..., :replay]`: it runs code.

  ## Where it runs

  In a new VM of this machine with the code paths of this one, that ends with it. The module is loaded from
  its file; what is in memory alone cannot be.

  What is isolated: that VM has no distribution, and no name. No message leaves it. Pids of the recording are
  processes of that VM which do nothing, references are new references, always the same for the same one;
  the replayed process is itself. A process that the callback starts is a real one there, and is
  taken for the one of the recording in whose place it stands in a state. Where the callback asks others
  (`GenServer.call`), it gets the answer of the recording if that was captured, and asks the same in the
  same order; else the replay stops (`:asks`). By name it can ask who has that name on this node now. No
  port can be opened, so no program, nor a socket; no file can be opened, as all descriptors are taken; and
  the file server refuses what needs none. What is written to the standard output is dropped, the log is
  off. Applications do not run, but for Elixir's own and the logger, and so have no processes, tables or
  configuration; the folder is an empty one.

  What is not: time and random numbers are those of the replay, so that a callback which looks at them
  may differ. `:prim_file`, and `:file` with `:raw`, can remove and rename files; while code is loaded,
  another process might open one; native code does what it does; environment variables can be
  read. The user is the same, so it is no place for code that nobody trusts.

  ## What it gives

    * `messages`, `states` - how many callbacks were called, and after how many of them the state was compared;
    * `sends` - what was sent and answered instead of being delivered: `%{event: id, to: to, message: term}`;
      `sent` is how many there were;
    * `last` - how the last callback ended, where nothing was captured of its end: `%{event: id, returned: true}`,
      or `%{event: id, raised: text}`, as when the process died of it. Else `nil`.

  Errors are `:not_allowed`, `:no_state_captured`, `:no_messages`, `:cut`, `:not_whole`, `:too_many_messages`,
  `:opaque`, `:different`, `:asks`, `:replay_too_long`, `:replay_too_large`, `:replay_ended` (a callback ended its
  process), `:replay_node_ended` (or the VM), `:no_code` and `:no_replay_node`.
  """

  alias ElixirScope.Distributed.{Error, Event, Query, Scope, TimeTravel}
  alias ElixirScope.Distributed.Replay.{Room, Script}
  alias ElixirScope.Distributed.TimeTravel.Past

  # Events that are read for a message: its receive, its call, its state, and what was sent.
  @events_of_message 8

  @type id :: {Event.origin(), pos_integer}
  @type result :: %{
          messages: non_neg_integer,
          states: non_neg_integer,
          sends: [%{event: id, to: term, message: term}],
          sent: non_neg_integer,
          last: nil | %{event: id} | map
        }

  @doc false
  @spec run(pid, term, term, module, keyword) :: {:ok, result} | Query.failure()
  def run(pid, from, to, module, options) do
    with :ok <- asked(pid, from, to, module),
         {:ok, options} <- TimeTravel.check(:replay, options),
         {:ok, scope} <- Scope.fetch(options[:scope]),
         :ok <- allowed(scope),
         {:ok, past} <- Past.read(pid, past(from, to, options), [:send]),
         {:ok, script} <- Script.write(Past.begun(past), options[:messages]),
         {:ok, result} <- Room.run(scope, request(script, module, options)),
         do: judged(result, script)
  end

  defp asked(pid, from, to, module) do
    with :ok <- TimeTravel.process(pid),
         :ok <- TimeTravel.moment(from),
         :ok <- TimeTravel.moment(to) do
      if is_atom(module) and module not in [nil, true, false],
        do: :ok,
        else: failed(:bad_module, message: "expected a module, got: #{inspect(module)}")
    end
  end

  defp allowed(scope) do
    if :replay in scope.options[:allow],
      do: :ok,
      else: {:error, Error.new(:not_allowed, what: :replay)}
  end

  defp past(from, to, options) do
    [from: from, to: to, limit: options[:messages] * @events_of_message] ++
      Keyword.take(options, [:scope, :timeout_ms])
  end

  defp request(script, module, options) do
    script
    |> Map.take([:pid, :first, :steps, :names, :answers])
    |> Map.merge(Map.new(Keyword.take(options, [:deadline_ms, :memory_bytes, :sends])))
    |> Map.put(:module, module)
  end

  defp judged(%{outcome: :equal} = result, %{stop: nil}), do: {:ok, Map.delete(result, :outcome)}
  defp judged(%{outcome: :equal} = result, %{stop: stop}), do: opaque(stop, result)

  defp judged(%{outcome: {:different, event, path, expected, got}} = result, _script) do
    message =
      "after #{Event.Id.text(event)} the state differs at #{inspect(path)}: expected " <>
        "#{short(expected)}, got #{short(got)}"

    failed(
      :different,
      [event: event, path: path, expected: expected, got: got, message: message] ++ so_far(result)
    )
  end

  defp judged(%{outcome: {:stopped, why, event, about}} = result, _script) do
    {reason, text} = stopped(why, about)
    message = "the replay stopped at #{Event.Id.text(event)}: #{text}"
    failed(reason, [event: event, about: about, message: message] ++ so_far(result))
  end

  defp opaque(stop, result) do
    message =
      "the replay stopped at #{Event.Id.text(stop.event)}: the #{stop.where} has a term that is not known whole " <>
        "(#{stop.type}) at #{inspect(stop.path)}"

    failed(:opaque, Map.to_list(stop) ++ [message: message] ++ so_far(result))
  end

  defp so_far(result), do: Map.to_list(Map.take(result, [:messages, :states]))

  defp stopped(:deadline, _),
    do: {:replay_too_long, "it had not returned by the deadline (deadline_ms:)"}

  defp stopped(:memory, _),
    do: {:replay_too_large, "the node grew beyond its bound (memory_bytes:)"}

  defp stopped(:ended, why), do: {:replay_ended, "the callback ended its process: #{why}"}

  defp stopped(:asks, {to, request}),
    do: {:asks, "it asked #{inspect(to)} #{short(request)}, and no answer to that was captured"}

  defp short(term), do: inspect(term, limit: 10, printable_limit: 100)

  defp failed(reason, details), do: {:error, Error.new(reason, details)}
end
