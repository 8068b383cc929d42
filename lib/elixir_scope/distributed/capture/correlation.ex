defmodule ElixirScope.Distributed.Capture.Correlation do
  @moduledoc """
  What ties the events of one request together, across processes and nodes.

      ElixirScope.Distributed.with_correlation("r-17", fn ->
        ElixirScope.Distributed.record(:received)
        GenServer.call(Orders, :place)
      end)

      {:ok, events} = ElixirScope.Distributed.events(correlation_id: "r-17")

  What runs between the beginning and the end of `with_correlation/2` is an *extent*, and
  every event that is recorded in it has its id. From there the id travels with messages: to
  servers that are called, tasks, spawned processes, over `:rpc` and `:erpc`, to other nodes.
  An event that has its id from a message, and not from an extent that its own process is in,
  says so: its `meta` holds `attribution: :inherited`.

  Any term is an id. Inside and between nodes an integer of 64 bits or a binary of 16 bytes
  goes as it is, anything else by its hash (`key/1`). The beginning of an extent records a
  `:mark` named `:correlation` that tells the term and the context; with it, queries find
  events by either form and show the term.

  ## The context

  Beside the id an extent has a context: a small map, which is recorded and carried by
  `context/0`, but not by messages. It begins with `request_id`, `trace_id` and `span_id` of
  Logger's metadata (OpenTelemetry's `otel_trace_id` and `otel_span_id` where the latter two
  are missing). What came with a context from elsewhere wins over Logger's metadata, and what
  is added with `put_context/1` wins over both. None of them is ever the id: that is the term
  that `with_correlation/2` was given.

  ## What it does not promise

  The id travels on the VM's own token (`:seq_trace`), as `{id, expiry}` under the key
  `:elixir_scope` of a map that is the token's label; as `{id, expiry, traces}` where traces leave
  it out, as more comes than they may record (`ElixirScope.Distributed.trace/2`). The VM has one token per process, for all
  tools. It follows messages, and nothing else:

    * **A message without a token clears the token of who receives it**, and one with another
      token replaces it: a process that waits for a pool's answer gets the id of whoever gave
      the resource back. Events of an extent have its own id nevertheless, and the next event
      recorded in it puts the label back; what was sent between has the other id, or none. On
      OTP 25 the answer of `:erpc` and `:rpc`, and a `:DOWN` from another node, are such messages,
      too.
    * **A token stays** with a server that was called until the next message comes, also through
      its timers. Therefore a label counts for 30 seconds. Its extent renews it when an event is
      recorded, when an extent inside it ends, and when it begins again; a long one that records
      nothing should begin another with the same id from time to time. So should whoever
      works long on another process's behalf: `with_correlation(correlation(), fun)`.
    * **Ports, ETS, files, HTTP and job queues** carry no token: hand them `context/0`, and use
      `with_context/2` or `put_context/1` on the other side. The same goes for batches: what is
      done for many requests at once has the id of one of them, and is marked as inherited.
    * **Clocks** of two nodes that differ by more than 30 seconds end the journey of an id.
    * **Other tools that use the token** keep what they have: keys of theirs in a label that is a
      map, flags and serial numbers. A label that is no plain map is left alone, and then the id
      does not travel, though events of the extent still have it. They see our key in the label,
      as we see theirs, and their system tracer gets no message for it, as we set no flag. A tool
      that replaces the label instead of adding to it takes our id away, until the next event
      in the extent. `:seq_trace.reset_trace/0` takes it from every process of the node, as
      `clear_tokens/0` does.
    * **What traces leave out** is decided where an id begins, by the node, and holds wherever the id
      gets by itself or by `context/0`. An id that begins twice, as it was handed on alone, is
      decided twice: alike where the levels are the same. Where an id begins on a node without the
      trace, or before it, no node leaves it out.
    * **A message with a token costs more**: a call and its answer in one node two to three times as much,
      on every process that the id reaches.
    * `put_context/1` begins an extent without an end: what its process does later has that id
      until it is put again, `nil` is put, or the process ends.
    * **Ids of calls** (`trace(…, correlate: :each_call)`) ride on a label that is the pid of the caller,
      as a match specification can set no other one. Such a call overwrites the label that its
      process had, a tool's or that of an id which came with a message; where another trace shares
      the function, also of processes that the first one does not mean. A label that is a pid is
      taken as ours while such a trace runs, and one of another node's process always. A pid
      says who called, not which call: where the call is still open it is taken for that one,
      else, for 30 seconds, for the last one, and then the event's `meta` also holds
      `confidence: :likely`. So it does on other nodes, where it is the call that had begun last by
      the stamps of both. What is done late for one call while the next one runs counts as the
      next one's. A call that never returns, as its process hibernates in it, lasts until that process
      ends. Tokens that are under way when the trace ends go on, and mean nothing after a while.
    * When 65,536 processes of a node are in extents, the next ones' events go by their tokens and
      are marked as inherited; `status/0` counts them.
  """

  alias ElixirScope.Distributed.Capture.Correlation.{Carrier, Context, Entry, Inside, Token}
  alias ElixirScope.Distributed.Capture.Recorder
  alias ElixirScope.Distributed.{Error, Scope}

  @doc false
  @spec with_correlation(term, (... -> result)) :: result when result: term
  def with_correlation(nil, fun), do: fun.()

  def with_correlation(id, fun) do
    if Scope.enabled?(), do: within(Context.new(id), fun), else: fun.()
  end

  @doc false
  @spec correlation() :: term
  def correlation do
    case Context.current() do
      nil -> with %{id: id} <- other_context(), do: id
      context -> context.id
    end
  end

  @doc false
  @spec context() :: binary | nil
  def context do
    if context = Context.current() || other_context(), do: Carrier.encode(context)
  end

  @doc false
  @spec with_context(binary | nil, (... -> result)) :: result when result: term
  def with_context(carried, fun) do
    with true <- Scope.enabled?(),
         {:ok, context} <- Carrier.decode(carried) do
      within(context, fun)
    else
      _disabled_or_refused -> fun.()
    end
  end

  @doc false
  @spec put_context(binary | map | keyword | nil) :: :ok | {:error, Error.t()}
  def put_context(context), do: if(Scope.enabled?(), do: change(context), else: :ok)

  @doc false
  @spec clear_tokens() :: :ok
  def clear_tokens do
    true = :seq_trace.reset_trace()
    :ok
  end

  @doc """
  What an id is known by inside and between nodes: itself, or the hash of any other term.

      iex> alias ElixirScope.Distributed.Capture.Correlation
      iex> {Correlation.key(17), byte_size(Correlation.key("r-17"))}
      {17, 16}
  """
  @spec key(term) :: Context.key()
  defdelegate key(id), to: Context

  @doc false
  # How many processes are in extents, of how many that can be.
  @spec status() :: map
  defdelegate status, to: Inside

  defp change(nil), do: go(to: nil, with: nil)

  defp change(carried) when is_binary(carried) do
    with {:ok, context} <- Carrier.decode(carried), do: enter(context)
  end

  defp change(more) do
    with {:ok, context} <- Context.add(Context.current(), more), do: enter(context)
  end

  # What was there before is put back whatever happens; the VM itself forgets the killed.
  defp within(context, fun) do
    before = begin(context)

    try do
      fun.()
    after
      finish(before)
    end
  end

  @doc false
  # Begins an extent for who ends it by `finish/1`: an entry point that has no function to run.
  @spec begin(Context.t()) :: term
  def begin(context) do
    before = {Context.current(), Token.ours()}
    enter(context)
    before
  end

  @doc false
  @spec finish(term) :: :ok
  def finish({context, label}) do
    go(to: context, with: label)
    :ok
  end

  # Told once: an extent in another of the same id and context says nothing new.
  defp enter(context) do
    told = Context.current()
    go(to: context, with: nil)
    if Context.same?(told, context), do: :ok, else: tell(context)
  end

  defp tell(context) do
    Recorder.record(:correlation, Context.told(context), correlation_id: context.key)
  end

  # Outside all extents the label is the one that the process had before them.
  defp go(to: nil, with: label) do
    Inside.leave()
    Context.put(nil)
    Token.restore(label)
  end

  defp go(to: context, with: _label) do
    dropping = Inside.enter(context.key, context.dropping || decided(context.key))
    Context.put(%{context | dropping: dropping})
    Token.put(context.key, dropping)
  end

  # An id that is known already does not begin: what was decided where it did holds on.
  defp decided(key) do
    case {Context.current(), Inside.entry() || Inside.inherited(label())} do
      {%{key: ^key, dropping: dropping}, _carried} -> dropping
      {_other, {^key, dropping}} -> dropping
      _unknown -> nil
    end
  end

  # What the process has without an extent of its own.
  defp other_context, do: entry() || inherited(label())

  defp entry do
    with {key, dropping} <- Inside.entry(), do: begun(Entry.of(key, self()), dropping)
  end

  # Of a process elsewhere only its node knows in which call it is, and who leaves that out.
  defp inherited({:label, pid}) when is_pid(pid) and node(pid) != node(),
    do: begun(Entry.any(pid), [])

  defp inherited(token) do
    with {key, dropping} <- Inside.inherited(token), do: begun(named(key, token), dropping)
  end

  # What stands there may also be the id of an extent that the process is in.
  defp named(<<_::128>> = key, {:label, pid}) when is_pid(pid) do
    case Entry.read(key, Entry.names([node()])) do
      {:call, _nobodys} -> Entry.of(key, pid)
      _other -> key
    end
  end

  defp named(key, _token), do: key

  defp label, do: :seq_trace.get_token(:label)
  defp begun(id, dropping), do: %{Context.new(id) | dropping: dropping}
end
