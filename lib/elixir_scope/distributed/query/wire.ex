defmodule ElixirScope.Distributed.Query.Wire do
  @moduledoc false
  # Questions about events and their answers, as they are read: nothing that comes from elsewhere is
  # believed to have a shape. Every list is bounded, every number has a range, and what is not named
  # here is dropped. What a member may ask are two operations: what do you have, and give me a page.

  import ElixirScope.Distributed.Operations.Shape, except: [check: 2]

  alias ElixirScope.Distributed.Operations.Shape

  # A page with what is said about it has to fit into one message of 256 KiB; the last event of it may
  # be as large as any.
  @page_bytes 184 * 1024
  @message_bytes 256 * 1024

  @most_ranges 2_000
  @most_names 1_000
  @most_keys 256
  @longest_text 4_096
  @longest_name 255
  @longest_wait_ms 60_000

  @bodies %{
    holdings?: [:after, :nodes],
    holdings: [:rows, :head, :more],
    ask: [:filter, :ranges, :cursor, :max_bytes, :wait_ms],
    page: [:page, :count, :more, :cursor, :dropped, :expired, :head],
    refused: [:reason]
  }

  @filters [:nodes, :kinds, :pids, :modules, :mfa, :correlation_id, :spans] ++
             [:from, :to, :contains, :limit, :order]

  # Why a member does not answer.
  @reasons [:busy, :not_a_member, :not_allowed, :malformed, :failed]

  @typedoc "Events of one start of a node, by their numbers."
  @type range ::
          {node :: String.t(), incarnation :: non_neg_integer, first :: pos_integer,
           last :: pos_integer | :infinity}

  @typedoc "A place in the order of all events."
  @type cursor ::
          {logical :: non_neg_integer, physical_ns :: non_neg_integer, node :: String.t(),
           incarnation :: non_neg_integer, seq :: non_neg_integer}

  @typedoc "A filter as the native functions take it."
  @type filter :: map

  @doc "The body of a message of that kind, checked."
  @spec check(atom, term) :: {:ok, term} | {:error, part :: atom} | :error
  def check(kind, body) when is_map_key(@bodies, kind) and is_map(body) do
    known = Map.take(body, @bodies[kind])
    wrong = Enum.find(@bodies[kind], &(not valid?(&1, Map.get(body, &1))))
    if wrong, do: {:error, wrong}, else: {:ok, known(kind, known)}
  end

  def check(:asked, ref), do: passed(is_reference(ref), ref)
  def check(type, value), do: Shape.check(type, value)

  @doc "What is wrong with a filter that others are to be asked by, in its own words; `nil` if nothing."
  @spec unfit(filter) :: atom | nil
  def unfit(filter), do: Enum.find(@filters, &(not filter?(&1, Map.get(filter, &1))))

  @doc "Of a filter what is sent."
  @spec filter(map) :: filter
  def filter(filter), do: Map.take(filter, @filters)

  @doc "Every bound, for the status."
  @spec limits() :: map
  def limits do
    %{
      page_bytes: @page_bytes,
      ranges: @most_ranges,
      names: @most_names,
      wait_ms: @longest_wait_ms
    }
  end

  @doc "How many ranges, or rows of what a member has, there are in a message at most."
  @spec most_ranges() :: pos_integer
  def most_ranges, do: @most_ranges

  @doc "How many bytes a page may have."
  @spec page_bytes() :: pos_integer
  def page_bytes, do: @page_bytes

  # A later version may have more reasons.
  defp known(:refused, %{reason: reason}),
    do: %{reason: if(reason in @reasons, do: reason, else: :failed)}

  defp known(:ask, body), do: Map.update!(body, :filter, &filter/1)
  defp known(_kind, body), do: body

  defp valid?(:after, nil), do: true
  defp valid?(:after, {node, incarnation, seq}), do: origin?(node, incarnation) and number?(seq)
  defp valid?(:nodes, names), do: each?(names, @most_names, &name?/1)
  defp valid?(:rows, rows), do: each?(rows, @most_ranges, &row?/1)

  defp valid?(:head, {node, incarnation, seq, moment}),
    do: origin?(node, incarnation) and number?(seq) and moment?(moment)

  defp valid?(:more, more), do: is_boolean(more)
  defp valid?(:filter, filter), do: is_map(filter) and unfit(filter) == nil
  defp valid?(:ranges, :all), do: true
  defp valid?(:ranges, ranges), do: each?(ranges, @most_ranges, &range?/1)
  defp valid?(:cursor, nil), do: true

  # Which need not be that of an event, and then is of no node.
  defp valid?(:cursor, {logical, ns, node, incarnation, seq}),
    do:
      moment?({logical, ns}) and (node == "" or name?(node)) and number?(incarnation) and
        number?(seq)

  defp valid?(:max_bytes, bytes), do: is_integer(bytes) and bytes in 1..@page_bytes
  defp valid?(:wait_ms, ms), do: ms == nil or (is_integer(ms) and ms in 0..@longest_wait_ms)
  defp valid?(:page, page), do: is_binary(page) and byte_size(page) <= @message_bytes
  defp valid?(count, value) when count in [:count, :dropped], do: number?(value)
  defp valid?(:expired, nil), do: true

  defp valid?(:expired, %{newest: newest, events: events}),
    do: moment?(newest) and number?(events)

  defp valid?(:reason, reason), do: is_atom(reason)
  defp valid?(_field, _value), do: false

  defp filter?(names, list) when names in [:nodes, :kinds, :modules],
    do: each?(list, @most_names, &is_atom/1)

  defp filter?(:pids, list), do: each?(list, @most_names, &is_pid/1)
  defp filter?(:mfa, nil), do: true

  defp filter?(:mfa, {m, f, a}),
    do: is_atom(m) and is_atom(f) and (a == :_ or (is_integer(a) and a in 0..255))

  defp filter?(:correlation_id, forms), do: each?(forms, @most_keys, fn _any -> true end)
  defp filter?(:spans, spans), do: each?(spans, @most_names, &span?/1)
  defp filter?(bound, nil) when bound in [:from, :to, :contains], do: true
  defp filter?(bound, moment) when bound in [:from, :to], do: moment?(moment)
  defp filter?(:contains, text), do: is_binary(text) and byte_size(text) <= @longest_text
  defp filter?(:limit, limit), do: number?(limit) and limit > 0
  defp filter?(:order, order), do: order in [:asc, :desc]
  defp filter?(_field, _value), do: false

  defp span?({_key, from, to}), do: moment?(from) and moment?(to)
  defp span?(_other), do: false

  defp row?({_node, _incarnation, _first, :infinity}), do: false
  defp row?(row), do: range?(row)

  defp range?({node, incarnation, first, :infinity}),
    do: origin?(node, incarnation) and number?(first)

  defp range?({node, incarnation, first, last}),
    do: origin?(node, incarnation) and number?(first) and number?(last) and first <= last

  defp range?(_other), do: false

  defp origin?(node, incarnation),
    do: name?(node) and number?(incarnation)

  defp name?(name), do: is_binary(name) and byte_size(name) in 1..@longest_name

  defp moment?({logical, ns}), do: is_integer(logical) and logical in 0..255 and number?(ns)
  defp moment?(_other), do: false
end
