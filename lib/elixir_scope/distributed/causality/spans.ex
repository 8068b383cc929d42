defmodule ElixirScope.Distributed.Causality.Spans do
  @moduledoc """
  The calls of a picture, as one forest over processes and nodes, and what became of their time.

      {:ok, spans} = ElixirScope.Distributed.Causality.Spans.build(correlation_id: "r-17")
      spans |> ElixirScope.Distributed.Causality.Spans.stream() |> Enum.take(20)

  A *span* is one call, from its `:call` to the `:return`, the `:exception` or the end of its process. The
  calls within it, in its process, are below it. The first call of a process's stack hangs below the
  call that led to it:

    * `:message` - the call in which the sender sent the message that this process received last before
      it (of those with its correlation, where it has one), as sure as the two halves are a pair. The answer to
      a request begins nothing: who asked goes on with what it was in, and was waiting;
    * `:spawn` - the call in which its process was started, where nothing was received;
    * `:correlation` - where messages were not captured, the innermost call with the same correlation that holds
      it in time: likely, and no more.

  What is lost is not bridged. A call without an end has no `end`, an end without a call no `call`. Where a node
  lost events, and where a trace of it ended, nothing that was open is matched with an end that comes later.
  Functions that a process calls again and again, and that are never seen to end, were captured without their ends:
  their calls are points, with nothing below them.

  ## Times

  `total_ns` is by the clock of the span's own node. `self_ns` is what is left of it without the calls within
  it and without the time for which it waited for answers. Of a wait `waiting_ns` passed at the other side,
  between the request's receive and the answer's send, and `network_ns` before and after, on the way or in
  a queue: the sum is sure, how it is split between there and back is as sure as the two nodes' clocks.
  """

  alias ElixirScope.Distributed.{Causality, Error, Event, Native}
  alias ElixirScope.Distributed.Causality.Spans.Plain
  alias ElixirScope.Distributed.Event.Id
  alias ElixirScope.Distributed.Storage.Filter

  # Rows that become terms at once.
  @part 500

  @enforce_keys [:spans, :causality, :about]
  defstruct [:spans, :causality, :about]

  @typedoc "`about` says how many `spans` there are, how many of them are `roots`, `open` or `raised`."
  @type t :: %__MODULE__{spans: reference, causality: Causality.t(), about: map}

  @typedoc "The number of a span in causal order, from 0. That of its parent is lower."
  @type index :: non_neg_integer

  @typedoc """
  A span. `call`, `end` and `cause` (the receive or first event that it followed from) are places of events;
  `below` counts what is below it; `last` says whether it is the last one below its parent.
  """
  @type span :: %{
          index: index,
          depth: non_neg_integer,
          parent: index | nil,
          below: non_neg_integer,
          last: boolean,
          link: :root | :program | :message | :spawn | :correlation,
          sure: :exact | :likely,
          node: node,
          pid: pid | String.t(),
          function: mfa,
          call: Causality.place() | nil,
          end: Causality.place() | nil,
          cause: Causality.place() | nil,
          ending: :return | :exception | :exit | nil,
          raised: boolean,
          point: boolean,
          total_ns: non_neg_integer | nil,
          self_ns: non_neg_integer | nil,
          start_ns: non_neg_integer,
          waiting_ns: non_neg_integer,
          network_ns: non_neg_integer
        }

  @typedoc "What all calls of a function came to; `node` where each node is counted by itself."
  @type totals :: %{
          function: mfa,
          node: node | nil,
          calls: non_neg_integer,
          open: non_neg_integer,
          raised: non_neg_integer,
          total_ns: non_neg_integer,
          self_ns: non_neg_integer,
          p50_ns: non_neg_integer | nil,
          p99_ns: non_neg_integer | nil,
          max_ns: non_neg_integer | nil
        }

  @typedoc "A frame of a flame: a function on a node, or time for which its parent waited."
  @type frame :: %{
          sort: :function | :waiting | :network,
          function: mfa | nil,
          node: node | nil,
          depth: non_neg_integer,
          count: non_neg_integer,
          unknown: non_neg_integer,
          self_ns: non_neg_integer,
          total_ns: non_neg_integer
        }

  @typedoc "An execution: all of a picture, a span with what is below it, or a correlation."
  @type execution :: {t, :all | {:span, index} | {:correlation, term}}

  @doc """
  The spans of a source, which is what `ElixirScope.Distributed.Causality.build/1` takes.

      iex> alias ElixirScope.Distributed.{Causality.Spans, Event}
      iex> event = &%Event{
      ...>   id: {{:web@host, 1}, &1}, at: {0, &1 * 1_000, :web@host}, mono_ns: &1 * 1_000,
      ...>   node: :web@host, pid: self(), kind: &2, subject: {Shop, :buy, 1}
      ...> }
      iex> {:ok, spans} = Spans.build([event.(1, :call), event.(3, :return)])
      iex> [span] = Enum.to_list(Spans.stream(spans))
      iex> {span.function, span.total_ns, span.self_ns}
      {{Shop, :buy, 1}, 2_000, 2_000}
  """
  @spec build(Causality.source()) :: {:ok, t} | {:error, Error.t()} | {:error, atom, String.t()}
  def build(source) do
    with {:ok, causality} <- Causality.build(source), do: {:ok, of(causality)}
  end

  @doc """
  The spans of a picture.

      ElixirScope.Distributed.Causality.Spans.of(picture)
  """
  @spec of(Causality.t()) :: t
  def of(%Causality{} = causality) do
    spans = Native.span_build(causality.picture)
    %__MODULE__{spans: spans, causality: causality, about: Native.span_about(spans)}
  end

  @doc """
  How many spans there are in all, or of one with what is below it.

      iex> {:ok, spans} = ElixirScope.Distributed.Causality.Spans.build([])
      iex> ElixirScope.Distributed.Causality.Spans.count(spans)
      0
  """
  @spec count(t, index | nil) :: non_neg_integer
  def count(%__MODULE__{spans: spans}, top \\ nil), do: Native.span_count(spans, top)

  @doc """
  Some spans depth first, from the `from`-th on: of all, or of one with what is below it.

      ElixirScope.Distributed.Causality.Spans.rows(spans, nil, 0, 20)
  """
  @spec rows(t, index | nil, non_neg_integer, non_neg_integer) :: [span]
  def rows(%__MODULE__{spans: spans}, top, from, count),
    do: Native.span_rows(spans, top, from, count)

  @doc """
  The same, all of them, a part at a time as they are taken.

      spans |> ElixirScope.Distributed.Causality.Spans.stream() |> Enum.filter(& &1.raised)
  """
  @spec stream(t, index | nil) :: Enumerable.t()
  def stream(%__MODULE__{} = spans, top \\ nil), do: parts(&rows(spans, top, &1, &2))

  defp parts(read) do
    Stream.resource(
      fn -> 0 end,
      fn from ->
        case read.(from, @part) do
          [] -> {:halt, from}
          rows -> {rows, from + @part}
        end
      end,
      fn _from -> :ok end
    )
  end

  @doc """
  The innermost span at an event, which is given by its id, in text or not.

      iex> {:ok, spans} = ElixirScope.Distributed.Causality.Spans.build([])
      iex> {:error, error} = ElixirScope.Distributed.Causality.Spans.find(spans, "web@host/1#7")
      iex> error.reason
      :unknown_event
  """
  @spec find(t, Id.given()) :: {:ok, index} | {:error, Error.t()}
  def find(%__MODULE__{spans: spans} = of, given) do
    with {:ok, id} <- Id.find(given, Native.span_origins(spans)) do
      case {Native.span_find(spans, id), Causality.place(of.causality, id)} do
        {nil, nil} -> {:error, unknown(id, "is no event of these")}
        {nil, _place} -> {:error, unknown(id, "is in no call of these")}
        {index, _place} -> {:ok, index}
      end
    end
  end

  defp unknown(id, why),
    do: Error.new(:unknown_event, id: id, message: "#{Id.text(id)} #{why}")

  @doc """
  The stretches in which a span waited for an answer: places of the request's send and receive and of the
  answer's, and how long it took there, at the other side, and back; `unsure_ns` is by how much the way there
  may be told too long and that back too short, or the other way round.

      ElixirScope.Distributed.Causality.Spans.waits(spans, 3)
  """
  @spec waits(t, index) :: [%{atom => non_neg_integer}]
  def waits(%__MODULE__{spans: spans}, index), do: Native.span_waits(spans, index)

  @doc """
  Places of the first 10,000 losses that are in the picture.

      ElixirScope.Distributed.Causality.Spans.losses(spans)
  """
  @spec losses(t) :: [Causality.place()]
  def losses(%__MODULE__{spans: spans}), do: Native.span_losses(spans)

  @doc """
  The functions with the most of a figure, and how many there are: of every node by itself with
  `per_node: true`. A call within a call of the same function is not counted again in the total.

      {_functions, [first | _]} = ElixirScope.Distributed.Causality.Spans.top(spans, by: :self)
  """
  @spec top(t, keyword) :: {non_neg_integer, [totals]}
  def top(%__MODULE__{spans: spans}, options \\ []) do
    per_node = options[:per_node] || false
    Native.span_top(spans, per_node, figure(options[:by]), options[:most] || @part)
  end

  defp figure(nil), do: :total
  defp figure(:self), do: :own
  defp figure(by), do: by

  @doc """
  The frames of the flame of all spans, or of one with what is below it: depth first, of siblings the one with
  more time first, as they are taken.

      spans |> ElixirScope.Distributed.Causality.Spans.flame() |> Enum.take(20)
  """
  @spec flame(t, index | nil) :: Enumerable.t()
  def flame(%__MODULE__{spans: spans}, below \\ nil) do
    flame = Native.span_flame(spans, below)
    parts(&Native.span_frames(flame, &1, &2))
  end

  @doc """
  How two executions differ: the number of differences, of how many events each was, and the first `most`
  differences in causal order, each with the places of its events and the spans there. `nil` where a
  correlation is unknown.

      ElixirScope.Distributed.Causality.Spans.diff({spans, {:span, 0}}, {spans, {:span, 40}}, 10)
  """
  @spec diff(execution, execution, pos_integer) :: map | nil
  def diff(one, other, most), do: Native.span_diff(execution(one), execution(other), most)

  defp execution({%{spans: spans, causality: causality}, part}) do
    part
    |> part()
    |> Map.merge(%{spans: spans, contents: contents(causality.events)})
  end

  defp part(:all), do: %{span: nil, correlation: nil}
  defp part({:span, index}), do: %{span: index, correlation: nil}

  defp part({:correlation, id}) do
    %{correlation_id: forms} = Filter.new(correlation_id: id)
    %{span: nil, correlation: forms}
  end

  # The core has no terms of what was given as structs.
  defp contents(nil), do: nil
  defp contents(events), do: for(%Event{} = event <- Tuple.to_list(events), do: Plain.hash(event))
end
