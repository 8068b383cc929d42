defmodule ElixirScope.Distributed.Storage.Filter do
  @moduledoc """
  What a storage is asked for: the filters of a query, checked and in the form in which they are compared.

    * `nodes`, `pids`, `modules` - lists; an empty one takes everything;
    * `kinds` - kinds alone, families are taken apart;
    * `mfa` - `{module, function, arity}`, where `:_` stands for any;
    * `correlation_id` - the forms that the id has in events; none takes everything;
    * `spans` - `{form, from, to}`: another form, which counts between two stamps only;
    * `from`, `to` - `{logical, physical_ns}`, both included, or `nil`;
    * `contains` - a text in the subject, the correlation or the data: within an atom or a binary, or an
      integer as it is written;
    * `limit`, `order` - at most so many events, `:asc` or `:desc`;
    * `beside` - whether a recording is asked for what explains its events, too; no other storage has that.

  A storage may answer from indexes of its own; `answer/2` is what its answer has to equal:

      iex> event = %Event{id: {{:a@h, 1}, 1}, at: {0, 5, :a@h}, node: :a@h, kind: :mark, subject: :paid}
      iex> filter = Filter.new(contains: "pai", kinds: [:user])
      iex> %{count: 1, more?: false, dropped: 0} = Filter.answer(filter, [event])
      iex> Filter.answer(%{filter | to: {0, 4}}, [event]).count
      0
  """

  alias ElixirScope.Distributed.Capture.Correlation
  alias ElixirScope.Distributed.{Event, Opaque, Options, Storage}
  alias ElixirScope.Distributed.Query.Entries

  # More than any stamp has.
  @last_logical 255

  # So many stamps are in a nanosecond at most.
  @most_logical 4

  # What a gap says can be added up without care.
  @most_lost 281_474_976_710_656

  defstruct nodes: [],
            kinds: [],
            pids: [],
            modules: [],
            mfa: nil,
            correlation_id: [],
            spans: [],
            from: nil,
            to: nil,
            contains: nil,
            limit: 10_000,
            order: :asc,
            beside: false

  @type stamp :: {logical :: non_neg_integer, physical_ns :: non_neg_integer}
  @type t :: %__MODULE__{
          nodes: [node],
          kinds: [atom],
          pids: [pid],
          modules: [module],
          mfa: {module | :_, atom | :_, arity | :_} | nil,
          correlation_id: [term],
          spans: [Entries.span()],
          from: stamp | nil,
          to: stamp | nil,
          contains: String.t() | nil,
          limit: pos_integer,
          order: :asc | :desc,
          beside: boolean
        }

  @doc """
  The filter of options as `ElixirScope.Distributed.events/1` takes them; what is no filter is left out.

      iex> Filter.new(kinds: [:message], from: 17, correlation_id: 3)
      %Filter{kinds: [:send, :receive], from: {0, 17}, correlation_id: [3]}
  """
  @spec new(keyword | t) :: t
  def new(%__MODULE__{} = filter), do: filter

  def new(options) do
    given = Keyword.merge(Options.defaults(:filter), options)

    %{struct(__MODULE__, given) | spans: given[:spans] || []}
    |> Map.update!(:kinds, &Event.expand/1)
    |> Map.update!(:from, &first/1)
    |> Map.update!(:to, &last/1)
    |> Map.update!(:correlation_id, &forms/1)
  end

  @doc """
  Whether an event passes all filters; limit and order aside.

      iex> Filter.matches?(Filter.new(nodes: [:b@h]), %Event{node: :a@h, at: {0, 1, :a@h}})
      false
  """
  @spec matches?(t, Event.t()) :: boolean
  def matches?(filter, event) do
    in_range?(filter, event) and one_of?(filter.kinds, event.kind) and
      one_of?(filter.pids, event.pid) and about?(filter, event) and
      correlated?(filter, event) and holds?(filter.contains, event)
  end

  @doc """
  What a storage answers that has these events, sorted as the filter's order wants, behind a cursor if
  there is one. A stream of them is read no further than necessary.

      iex> event = &%Event{id: {{:a@h, 1}, &1}, at: {0, &1, :a@h}, node: :a@h, kind: :mark}
      iex> answer = Filter.answer(Filter.new(limit: 1, order: :desc), [event.(2), event.(1)])
      iex> {Enum.map(answer.events, & &1.at), answer.more?}
      {[{0, 2, :a@h}], true}
  """
  @spec answer(t, Enumerable.t(), Storage.cursor() | nil) :: Storage.matches()
  def answer(filter, events, cursor \\ nil) do
    nothing = %{events: [], count: 0, dropped: 0, more?: false, behind: 0}

    found =
      events
      |> Stream.filter(&behind?(&1, cursor, filter.order))
      |> Enum.reduce_while(nothing, &take(&1, &2, filter))

    dropped = if found.more?, do: found.dropped, else: found.dropped + found.behind
    %{Map.delete(found, :behind) | events: Enum.reverse(found.events), dropped: dropped}
  end

  @doc """
  Events in the order of their stamps: the same on every node.

      iex> events = for ns <- [2, 1], do: %Event{id: {{:a@h, 1}, ns}, at: {0, ns, :a@h}}
      iex> Enum.map(Filter.sort(events), & &1.at)
      [{0, 1, :a@h}, {0, 2, :a@h}]
  """
  @spec sort([Event.t()], :asc | :desc) :: [Event.t()]
  def sort(events, order \\ :asc), do: Enum.sort_by(events, &place/1, order)

  @doc """
  The place of an event in stamp order, as a term that is ordered like it.

      iex> Filter.place(%Event{id: {{:a@h, 1}, 7}, at: {3, 5, :a@h}})
      {5, 3, :a@h, 1, 7}
  """
  @spec place(Event.t() | Storage.cursor()) :: tuple
  def place(%Event{id: {origin, seq}, at: at}), do: place({at, origin, seq})

  def place({{logical, physical_ns, _node}, {node, incarnation}, seq}),
    do: {physical_ns, logical, node, incarnation, seq}

  @doc """
  Whether an event comes behind a cursor, in that order; `nil` is before everything.

      iex> event = %Event{id: {{:a@h, 1}, 7}, at: {0, 5, :a@h}}
      iex> for order <- [:asc, :desc], do: Filter.behind?(event, {{0, 5, :a@h}, {:a@h, 1}, 6}, order)
      [true, false]
  """
  @spec behind?(Event.t(), Storage.cursor() | nil, :asc | :desc) :: boolean
  def behind?(_event, nil, _order), do: true
  def behind?(event, cursor, :asc), do: place(event) > place(cursor)
  def behind?(event, cursor, :desc), do: place(event) < place(cursor)

  @doc """
  The filter for what is not before a stamp, in its order.

      iex> Filter.narrow(Filter.new(from: 3), {0, 5}).from
      {0, 5}
      iex> Filter.narrow(Filter.new(to: 3, order: :desc), {0, 5}).to
      {255, 3}
  """
  @spec narrow(t, stamp) :: t
  def narrow(%{order: :asc} = filter, stamp),
    do: %{filter | from: Enum.max_by([filter.from || stamp, stamp], &moment/1)}

  def narrow(%{order: :desc} = filter, stamp),
    do: %{filter | to: Enum.min_by([filter.to || stamp, stamp], &moment/1)}

  defp moment({logical, ns}), do: {ns, logical}

  @doc """
  The place of an event as a cursor.

      iex> Filter.cursor(%Event{id: {{:a@h, 1}, 7}, at: {0, 5, :a@h}})
      {{0, 5, :a@h}, {:a@h, 1}, 7}
  """
  @spec cursor(Event.t()) :: Storage.cursor()
  def cursor(%Event{id: {origin, seq}, at: at}), do: {at, origin, seq}

  @doc """
  Whether an event is older than a stamp.

      iex> Filter.before?(%Event{at: {1, 5, :a@h}}, {2, 5})
      true
  """
  @spec before?(Event.t(), stamp) :: boolean
  def before?(%{at: {logical, ns, _node}}, {first_logical, first_ns}),
    do: {ns, logical} < {first_ns, first_logical}

  # Gaps behind the last event belong to the next page.
  defp take(event, found, filter) do
    cond do
      not matches?(filter, event) -> {:cont, pass(event, found, filter)}
      found.count == filter.limit -> {:halt, %{found | more?: true}}
      true -> {:cont, keep(event, pass(event, found, filter))}
    end
  end

  defp pass(event, found, filter) do
    if event.kind == :gap and in_range?(filter, event),
      do: %{found | behind: found.behind + lost(event.data)},
      else: found
  end

  defp keep(event, found) do
    dropped = found.dropped + found.behind
    %{found | events: [event | found.events], count: found.count + 1, dropped: dropped, behind: 0}
  end

  defp lost(data) when is_map(data) and not is_struct(data),
    do: data |> Map.values() |> Enum.map(&number/1) |> Enum.sum() |> max(1)

  defp lost(data), do: max(number(data), 1)

  defp number(n) when is_integer(n), do: n |> max(0) |> min(@most_lost)
  defp number(_other), do: 0

  defp in_range?(filter, event) do
    one_of?(filter.nodes, event.node) and
      (filter.from == nil or not before?(event, filter.from)) and
      (filter.to == nil or not after?(event, filter.to))
  end

  defp after?(%{at: {logical, ns, _node}}, {last_logical, last_ns}),
    do: {ns, logical} > {last_ns, last_logical}

  defp one_of?([], _value), do: true
  defp one_of?(values, value), do: value in values

  defp about?(%{modules: [], mfa: nil}, _event), do: true

  defp about?(filter, event) do
    case function(event) do
      {m, _f, _a} = mfa -> one_of?(filter.modules, m) and function?(filter.mfa, mfa)
      nil -> false
    end
  end

  # What `record/3` was given is a name, whatever it looks like.
  defp function(%{kind: :mark}), do: nil

  defp function(%{subject: {m, f, a}}) when is_atom(m) and is_atom(f) and a in 0..255,
    do: {m, f, a}

  defp function(_event), do: nil

  defp function?(nil, _mfa), do: true

  defp function?({m, f, a}, {module, name, arity}),
    do: m in [:_, module] and f in [:_, name] and a in [:_, arity]

  defp correlated?(%{correlation_id: []}, _event), do: true
  defp correlated?(_filter, %{correlation_id: nil}), do: false

  defp correlated?(filter, %{correlation_id: id} = event) do
    Enum.any?(filter.correlation_id, &same?(&1, id)) or
      Enum.any?(filter.spans, fn {form, from, to} ->
        form === id and not before?(event, from) and not after?(event, to)
      end)
  end

  # A long id is compared as it was recorded.
  defp same?(id, %Opaque{type: :binary, size: size, kept: kept}) when is_binary(id),
    do: byte_size(id) == size and String.starts_with?(id, kept)

  defp same?(id, recorded), do: id === recorded

  defp holds?(nil, _event), do: true

  defp holds?(text, event) do
    looked_for = {text, integer(text)}

    subject?(function(event), event.subject, looked_for) or
      part?(event.correlation_id, looked_for) or
      part?(event.data, looked_for)
  end

  defp integer(text) do
    case Integer.parse(text) do
      {n, ""} -> if Integer.to_string(n) == text, do: n
      _no_number -> nil
    end
  end

  defp subject?({m, f, _a}, _subject, looked_for),
    do: in_term?(m, looked_for) or in_term?(f, looked_for)

  defp subject?(nil, subject, looked_for), do: part?(subject, looked_for)

  # What is not there holds no text.
  defp part?(nil, _looked_for), do: false
  defp part?(term, looked_for), do: in_term?(term, looked_for)

  defp in_term?(atom, {text, _}) when is_atom(atom),
    do: String.contains?(Atom.to_string(atom), text)

  defp in_term?(bytes, {text, _}) when is_binary(bytes), do: bytes =~ text
  defp in_term?(n, {_, number}) when is_integer(n), do: n == number
  defp in_term?(%Opaque{kept: kept}, looked_for), do: kept != nil and in_term?(kept, looked_for)
  defp in_term?([head | tail], text), do: in_term?(head, text) or in_term?(tail, text)
  defp in_term?([], _text), do: false
  defp in_term?(tuple, text) when is_tuple(tuple), do: tuple |> Tuple.to_list() |> in_term?(text)

  defp in_term?(map, text) when is_map(map),
    do: map |> :maps.to_list() |> Enum.any?(&in_term?(&1, text))

  defp in_term?(_other, _text), do: false

  # An event has the id as it was given to `record/3`, or by its key.
  defp forms(nil), do: []
  defp forms(id), do: Enum.uniq([id, Correlation.key(id)])

  # A point in time without a logical part stands for its first or its last stamp.
  defp first({logical, ns, _node}) when logical > @most_logical, do: {0, ns}
  defp first(moment), do: moment(moment, 0)
  defp last(moment), do: moment(moment, @last_logical)

  defp moment(nil, _logical), do: nil
  defp moment({logical, physical_ns, _node}, _logical), do: {logical, physical_ns}
  defp moment(%DateTime{} = at, logical), do: {logical, DateTime.to_unix(at, :nanosecond)}
  defp moment(physical_ns, logical), do: {logical, physical_ns}
end
