defmodule ElixirScope.Distributed do
  @external_resource readme = Path.join([__DIR__, "..", "..", "README.md"])
  @moduledoc readme |> File.read!() |> String.split("<!-- MDOC -->") |> Enum.at(1, "")

  alias ElixirScope.Distributed.Capture.{Conductor, Correlation, Only, Pattern, Recorder}
  alias ElixirScope.Distributed.{Error, Event, Live, Options, Query, Replay, Scope, Status}
  alias ElixirScope.Distributed.{TimeTravel, Trace, View}
  alias ElixirScope.Distributed.Query.Streaming

  @default_scope Options.default_scope()

  @doc """
  Starts a scope under the library's own supervisor; a running one is returned.

      {:ok, pid} = ElixirScope.Distributed.start()
      {:ok, ^pid} = ElixirScope.Distributed.start()

  ## Options

  #{Options.docs(:start)}
  """
  @spec start(keyword) :: {:ok, pid} | {:error, Error.t() | term}
  def start(options \\ []), do: Scope.start(options)

  @doc """
  Starts a scope linked to the caller; the options are those of `start/1`.

      {:ok, pid} = ElixirScope.Distributed.start_link(name: :shop)
  """
  @spec start_link(keyword) :: Supervisor.on_start()
  def start_link(options \\ []), do: Scope.start_link(options)

  @doc """
  For a supervision tree of your own.

      children = [{ElixirScope.Distributed, name: :shop}]
  """
  @spec child_spec(keyword) :: Supervisor.child_spec()
  def child_spec(options), do: Scope.child_spec(options)

  @doc """
  Stops a scope; what it recorded is gone with it.

      :ok = ElixirScope.Distributed.stop(:shop)
  """
  @spec stop(atom) :: :ok | {:error, Error.t()}
  def stop(scope \\ @default_scope), do: Scope.stop(scope)

  @doc """
  Records an event.

  It never waits and never raises. Where nothing can be recorded, because no scope runs
  or a ring is full, the event is counted as lost. `data` is bounded as it is copied:
  256 terms, 4 KiB; what was cut is marked, and `meta` of the event says so.

      :ok = ElixirScope.Distributed.record(:checkout)
  """
  @spec record(atom) :: :ok
  def record(name), do: Recorder.record(name, nil)

  @doc """
  Records an event with data.

      :ok = ElixirScope.Distributed.record(:checkout, %{items: 3})
  """
  @spec record(atom, term) :: :ok
  def record(name, data), do: Recorder.record(name, data)

  @doc """
  Records an event with data and options.

      :ok = ElixirScope.Distributed.record(:checkout, %{items: 3}, correlation_id: "r-17")

  ## Options

  #{Options.docs(:record)}
  """
  @spec record(atom, term, keyword) :: :ok
  def record(name, data, options), do: Recorder.record(name, data, options)

  @doc """
  Traces functions of a running system, on all nodes, without changing a line of it.

  What may be named is said in `ElixirScope.Distributed.Capture.Pattern`. Every trace ends by itself:
  after its time, its events or its bytes, with the process that began it, or when a node
  has no room for it; `status/0` says why.

  Of more events in a second than it may record (`events_per_s`) it leaves some out, on each node as
  strongly as it has to: of the correlations that begin, one in 2, 4, … 1,024 is kept, with all its
  events on all nodes, the others are shown nowhere; of events without a correlation, as of
  those that came with a message under `correlate: false`, the processes are kept or not. Only where
  that is not enough it ends, with the reason `:rate`: of one process or one request, which is too
  fast alone, nothing would be left. How much was left out is said in `:gap` events, each for what came
  since the one before: `%{thinned: 120, refused: 0, of: %{trace: id, level: 3, correlations: 15}}`.
  Their sum is `dropped` in `query/2`; what was `refused` had no budget left, so that a
  correlation may be cut there.

      {:ok, %ElixirScope.Distributed.Trace{id: id}} = ElixirScope.Distributed.trace(MyApp.Orders)
      {:ok, _trace} = ElixirScope.Distributed.trace("MyApp.Orders.place(%{id: 7}, _) -> return")

  ## Options

  #{Options.docs(:trace)}
  """
  @spec trace(Pattern.written() | [], keyword) :: {:ok, Trace.t()} | {:error, Error.t()}
  def trace(patterns, options \\ []), do: Conductor.trace(patterns, options)

  @doc """
  For `only:` of `trace/2`: of the calls those that take longer than `ms`, from 1 to 60,000.

  Calls that are over sooner leave nothing. Whether a process waits or works in its call makes
  no difference.

      {:ok, _trace} =
        ElixirScope.Distributed.trace(MyApp.Orders, only: ElixirScope.Distributed.slower_than(100))
  """
  @spec slower_than(1..60_000) :: {:slower_than, 1..60_000}
  def slower_than(ms), do: Only.slower_than(ms)

  @doc """
  Ends every trace, on all nodes, wherever it was begun; what each has recorded.

      {:ok, %{node() => %{events: 17}}} = ElixirScope.Distributed.stop_trace()
  """
  @spec stop_trace() :: {:ok, %{node => map}} | {:error, Error.t()}
  def stop_trace, do: Conductor.stop(:all)

  @doc """
  Ends one trace, by its number; or all traces of a scope, by its name.

      {:ok, summaries} = ElixirScope.Distributed.stop_trace(trace.id)
  """
  @spec stop_trace(pos_integer | Trace.t() | atom) :: {:ok, %{node => map}} | {:error, Error.t()}
  def stop_trace(%Trace{id: id}), do: Conductor.stop(id)
  def stop_trace(id) when is_integer(id), do: Conductor.stop(id)
  def stop_trace(scope) when is_atom(scope), do: Conductor.stop(:all, scope)

  @doc """
  Runs `fun` and returns its value; every event that is recorded meanwhile has the id, in
  this process, and in those that its messages reach, on other nodes too. It nests, and
  what was there before comes back. An id of `nil` changes nothing. What this cannot do
  stands in `ElixirScope.Distributed.Capture.Correlation`.

      {:ok, order} = ElixirScope.Distributed.with_correlation("r-17", fn -> {:ok, 17} end)
  """
  @spec with_correlation(term, (... -> result)) :: result when result: term
  def with_correlation(id, fun), do: Correlation.with_correlation(id, fun)

  @doc """
  The id that an event recorded now would have, `nil` if none.

  Within `with_correlation/2` it is the term that was given there. What came with a message
  is the term's key, where the term is not an integer or 16 bytes: it means the same. In a call
  that a trace with `correlate: :each_call` gives an id to, it is `{node, incarnation, pid, k}`;
  what another node's such call reached knows the process alone, `{node, nil, pid, nil}`.

      "r-17" = ElixirScope.Distributed.with_correlation("r-17", &ElixirScope.Distributed.correlation/0)
  """
  @spec correlation() :: term
  def correlation, do: Correlation.correlation()

  @doc """
  The present correlation as text, `nil` if there is none: for HTTP headers, arguments of
  jobs, and whatever else messages do not follow. It has at most 2,048 bytes.

      headers = [{"x-elixir-scope", ElixirScope.Distributed.context() || ""}]
  """
  @spec context() :: binary | nil
  def context, do: Correlation.context()

  @doc """
  Runs `fun` in the correlation that `context/0` gave, on whichever node that was.

  `fun` runs in any case: without a correlation of its own where there is no context, or
  none that can be read. `put_context/1` says why.

      :ok = ElixirScope.Distributed.with_context(job["scope"], fn -> perform(job) end)
  """
  @spec with_context(binary | nil, (... -> result)) :: result when result: term
  def with_context(context, fun), do: Correlation.with_context(context, fun)

  @doc """
  Puts the calling process into the correlation that `context/0` gave, until another is
  put, or `nil`. A map or a keyword list is added to the present one instead, is recorded
  under its id and goes where `context/0` goes; it may have 512 bytes in all.

      :ok = ElixirScope.Distributed.put_context(carried)
      :ok = ElixirScope.Distributed.put_context(tenant: 3)
  """
  @spec put_context(binary | map | keyword | nil) :: :ok | {:error, Error.t()}
  def put_context(context), do: Correlation.put_context(context)

  @doc """
  Takes the VM's token from every process of this node and from the messages under way,
  **also where it is another tool's**: the VM knows no other way. Ids under way are gone
  with it; processes inside `with_correlation/2` keep theirs.

      :ok = ElixirScope.Distributed.clear_tokens()
  """
  @spec clear_tokens() :: :ok
  def clear_tokens, do: Correlation.clear_tokens()

  @doc """
  The events of all members that match, in the cluster's order, as one list.

  A process sees its own events at once. When something is known to be missing, one
  warning says so; `query/2` returns it instead.

      {:ok, events} = ElixirScope.Distributed.events(kinds: [:mark], limit: 10)

  ## Options

  #{Options.docs(:query)}
  """
  @spec events(keyword | map) ::
          {:ok, [Event.t()]} | {:error, Error.t()} | {:error, atom, String.t()}
  def events(filters \\ []), do: Query.events(filters)

  @doc """
  Like `events/1`, with what is missing from the result.

  `cursor` of the result goes on behind it with `after:`, on whichever node; `more?` says whether there
  is more. Who follows what is being recorded had better take `stream/1`, which ends where nothing older can
  come any more: between two pages of a question it can.

  With `require: :majority` it fails where this node is not on the side of most known members:
  `{:error, :minority_partition, message}`, `{:error, :split_brain, message}` where exactly half
  of them are here, or `{:error, :node_required, message}` on a VM that is part of no cluster.

      {:ok, %ElixirScope.Distributed.Query.Result{missing: missing}} =
        ElixirScope.Distributed.query([kinds: [:mark]], require: :majority)
  """
  @spec query(keyword | map, keyword) ::
          {:ok, Query.Result.t()} | {:error, Error.t()} | {:error, atom, String.t()}
  def query(filters, options \\ []), do: Query.run(Enum.to_list(filters) ++ options)

  @doc """
  All matching events of all members, in the cluster's order, as they are taken: however many there
  are, no node has more than a few pages of them in memory.

      ElixirScope.Distributed.stream(kinds: [:call]) |> Stream.map(& &1.subject) |> Enum.frequencies()

  It is read in a process of the library, which ends with who reads, and when that one stops. A
  stream has everything that was recorded before it began, and ends there: at the stamp below which no
  member can have an older event any more. That is the moment in which it begins; where a
  trace with `only: slower_than(ms)` holds calls back, up to `ms` before. So nothing is left out by who goes
  on later, with `after:` and the last event, or its `cursor`, on whichever node:

      rest = ElixirScope.Distributed.stream(kinds: [:call], after: last)

  What is missing is said in the stream, where it begins to be missing, by events of the kind `:gap`
  without an `id`, also where other kinds are asked for: `data` is `%{missing: reason}` of a `node`
  that does not answer, as in `query/2`, and whose events from there on are not in the stream unless others
  have them; `%{expired: n}` of at most `n` events that retention took, as when it passed the cursor; and at
  the end `%{dropped: n}` of those lost before they could be stored. `after:` takes such an event, too.

  Wrong options raise, and so does what keeps a question from being answered at all.

  ## Options

  #{Options.docs(:stream)}
  """
  @spec stream(keyword | map) :: Enumerable.t()
  def stream(filters \\ []), do: Streaming.new(filters)

  @doc """
  Sends the calling process the matching events of all members as they are recorded, from now on.

      {:ok, ref} = ElixirScope.Distributed.subscribe(kinds: [:mark])
      receive do: ({:elixir_scope, ^ref, events, %{dropped: 0, missing: []}} -> events)

  The messages are `{:elixir_scope, ref, events, about}`, at most one in 50 ms and with at most 1,000
  events, in the cluster's order. An event waits until every member has said that nothing older will
  come of it, and no longer than `lateness_ms`; an older one that comes after that has `late: true` in
  its meta, and one of a member whose clock is too far ahead to be followed comes when it comes, with
  `received_at`. `about` has the members of which nothing comes now (`missing`), and how many events were
  `dropped` since the message before: those that a ring lost, and those that this process had no room for, as
  `queue_limit` messages waited for it.

  A member that joins later is followed from then on, and one that comes back from where it was left;
  what it no longer has by then is one event of kind `:gap`, as is what a node that began anew had
  not told. It ends with the calling process, or with `unsubscribe/1`. Should the scope end, the process is
  sent `{:DOWN, ref, :process, pid, reason}`: the reference is a monitor.

  ## Options

  #{Options.docs(:subscribe)}
  """
  @spec subscribe(keyword | map) :: {:ok, reference} | {:error, Error.t()}
  def subscribe(filters \\ []), do: Live.subscribe(filters)

  @doc """
  Ends a subscription; what it had sent and was not looked at is gone, too.

      :ok = ElixirScope.Distributed.unsubscribe(ref)
  """
  @spec unsubscribe(reference) :: :ok | {:error, Error.t()}
  def unsubscribe(ref) when is_reference(ref), do: Live.unsubscribe(ref)

  @doc """
  Prints the matching events of all nodes in causal order: a lane for each process, an arrow for each
  message, and what was lost. `ElixirScope.Distributed.View` has this and other views, with their options.

      :ok = ElixirScope.Distributed.timeline(correlation_id: "r-17")
  """
  @spec timeline(keyword | map) :: :ok | {:error, Error.t()}
  def timeline(filters \\ []), do: View.timeline_of(filters)

  @doc """
  The nodes that a correlation touched: when first, when last, how many events.

      {:ok, [%{node: :"web@127.0.0.1", events: 4}]} = ElixirScope.Distributed.nodes_of("r-17")
  """
  @spec nodes_of(term, atom) :: {:ok, [map]} | {:error, Error.t()}
  def nodes_of(correlation_id, scope \\ @default_scope), do: View.nodes_of(correlation_id, scope)

  @doc """
  The state that a process has, as far as it was captured.

      {:ok, %ElixirScope.Distributed.TimeTravel.State{state: %{items: 3}}} =
        ElixirScope.Distributed.state_at(pid)
  """
  @spec state_at(pid) :: {:ok, TimeTravel.State.t()} | {:error, Error.t()}
  def state_at(pid), do: state_at(pid, :now, [])

  @doc """
  The state that a process had at a time: with everything that its node had recorded by then. A time is a
  timestamp, a `DateTime`, nanoseconds since 1970, or an event or its id, also as text; then it is the state
  after that event.

  The process may be on any node, and need not be there any more. What is doubtful about the state is said
  in it: see `ElixirScope.Distributed.TimeTravel.State`.

      {:ok, before} = ElixirScope.Distributed.state_at(pid, "shop@host#1204")
  """
  @spec state_at(pid, TimeTravel.Moment.written()) ::
          {:ok, TimeTravel.State.t()} | {:error, Error.t()}
  def state_at(pid, time), do: state_at(pid, time, [])

  @doc """
  Like `state_at/2`, with options. The errors are `:no_state_captured`, `:before_first_state`, and
  `:unknown_event` or `:ambiguous_event` where the time is an event's id.

      {:ok, state} = ElixirScope.Distributed.state_at(pid, ~U[2026-01-31 12:00:00Z], scope: :shop)

  ## Options

  #{Options.docs(:state_at)}
  """
  @spec state_at(pid, TimeTravel.Moment.written(), keyword) ::
          {:ok, TimeTravel.State.t()} | {:error, Error.t()}
  def state_at(pid, time, options), do: TimeTravel.state_at(pid, time, options)

  @doc """
  Who set a value in the state of a process, and in which message: every change of what stands at a path,
  oldest first. Paths are those of `ElixirScope.Distributed.TimeTravel`.

      {:ok, %{changes: [first | _]}} = ElixirScope.Distributed.changes(pid, [:cart, :total])
      first.message.content

  ## Options

  #{Options.docs(:changes)}
  """
  @spec changes(pid, [term], keyword) :: {:ok, TimeTravel.Changes.t()} | {:error, Error.t()}
  def changes(pid, path, options \\ []), do: TimeTravel.changes(pid, path, options)

  @doc """
  Has a module handle the recorded messages of a process once more, in a node of their own, and compares
  the states: `ElixirScope.Distributed.Replay` says what that takes, what it gives, and what is isolated.
  `from` and `to` are written as in `state_at/2`.

      {:ok, %{messages: 120, states: 120}} =
        ElixirScope.Distributed.replay(pid, from, :now, MyApp.Cart)

  ## Options

  #{Options.docs(:replay)}
  """
  @spec replay(pid, TimeTravel.Moment.written(), TimeTravel.Moment.written(), module, keyword) ::
          {:ok, Replay.result()} | {:error, Error.t()}
  def replay(pid, from, to, module, options \\ []),
    do: Replay.run(pid, from, to, module, options)

  @doc """
  Writes a note about an event, of at most 2,000 bytes. The event is given by its id, also as text, or as
  it is.

  A note is recorded as an event, so that all members have it and recordings keep it; it is never
  changed. `ElixirScope.Distributed.TimeTravel.Note` says how to show it beside the event.

      :ok = ElixirScope.Distributed.note("shop@host#1204", "the total is wrong from here on")

  ## Options

  #{Options.docs(:note)}
  """
  @spec note(Event.Id.given(), String.t(), keyword) :: :ok | {:error, Error.t()}
  def note(event, text, options \\ []), do: TimeTravel.note(:note, event, text, options)

  @doc """
  Gives an event a name of at most 120 bytes, by which `notes/1` finds it; it is recorded as notes are.

      :ok = ElixirScope.Distributed.bookmark("shop@host#1204", "wrong total")

  ## Options

  #{Options.docs(:note)}
  """
  @spec bookmark(Event.Id.given(), String.t(), keyword) :: :ok | {:error, Error.t()}
  def bookmark(event, name, options \\ []),
    do: TimeTravel.note(:bookmark, event, name, options)

  @doc """
  Notes and bookmarks, oldest first.

      {:ok, [%{of: id}]} = ElixirScope.Distributed.notes(name: "wrong total")
      {:ok, state} = ElixirScope.Distributed.state_at(pid, id)

  ## Options

  #{Options.docs(:notes)}
  """
  @spec notes(keyword) :: {:ok, [TimeTravel.Note.t()]} | {:error, Error.t()}
  def notes(filters \\ []), do: TimeTravel.notes(filters)

  @doc """
  How the scope stands: every bound with its present value, losses by cause, members.

      {:ok, %ElixirScope.Distributed.Status{missing: []}} = ElixirScope.Distributed.status()
  """
  @spec status(atom) :: {:ok, Status.t()} | {:error, Error.t()}
  def status(scope \\ @default_scope), do: Status.read(scope)
end
