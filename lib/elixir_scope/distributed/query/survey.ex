defmodule ElixirScope.Distributed.Query.Survey do
  @moduledoc false
  # What the members have of the events that a question is about, and who did not say. It is taken
  # once for a question: what is recorded later is not its business, so that an answer is
  # of one moment, however long it takes to read it.

  alias ElixirScope.Distributed.{ClusterStateManager, NodeCoordinator, Scope}
  alias ElixirScope.Distributed.Query.{Answer, Calls, Cover, Exchange, Wire}
  alias ElixirScope.Distributed.Recording.Opened
  alias ElixirScope.Distributed.Types.ClusterNodeInfo

  # Messages in which one member tells what it has.
  @most_messages 16

  defstruct [
    :scope,
    :timeout_ms,
    members: [],
    nodes: [],
    holdings: %{},
    heads: %{},
    missing: %{},
    unheard: []
  ]

  @typedoc "How far a member's own events are settled: nothing older can come to it any more."
  @type settled :: {logical :: non_neg_integer, physical_ns :: non_neg_integer}

  @type t :: %__MODULE__{
          scope: Scope.t(),
          timeout_ms: pos_integer,
          members: [node],
          nodes: [node],
          holdings: Cover.t(),
          heads: %{node => settled},
          missing: %{node => term},
          unheard: [node]
        }

  @doc "Asks those members that a question about `nodes` (all, if empty) concerns, what they have."
  @spec take(Scope.t(), [node], keyword) :: {:ok, t} | {:error, term}
  def take(%{recording: %Opened{}} = scope, nodes, options),
    do: {:ok, Opened.survey(scope, nodes, patience(scope, options))}

  def take(scope, nodes, options) do
    with :ok <- majority(scope, options[:require]),
         {:ok, infos} <- NodeCoordinator.nodes(scope.name) do
      survey = %__MODULE__{scope: scope, timeout_ms: patience(scope, options), nodes: nodes}
      {:ok, survey |> among(infos) |> ask_members(infos)}
    end
  end

  defp patience(scope, options), do: options[:timeout_ms] || scope.options[:query_timeout_ms]

  # Whose side is too small says so at once, rather than after asking nodes that are not there.
  defp majority(scope, :majority), do: ClusterStateManager.require_majority(scope)
  defp majority(_scope, _all_or_any), do: :ok

  @doc "A member failed: what it has is asked of others from now on."
  @spec fail(t, node) :: t
  def fail(survey, node), do: %{survey | holdings: Map.delete(survey.holdings, node)}

  @doc "Something of a member is missing: nobody else has it."
  @spec miss(t, node, reason :: term) :: t
  def miss(survey, node, reason), do: put_in(survey.missing[node], reason)

  @doc "Who reads what."
  @spec cover(t) :: Cover.t()
  def cover(survey), do: Cover.plan(survey.holdings, survey.scope.node)

  @doc "The same, of those nodes that a filter is about."
  @spec cover(t, Wire.filter()) :: Cover.t()
  def cover(survey, filter), do: survey |> cover() |> Cover.of_nodes(names(filter))

  @doc """
  What retention may have taken before whoever goes on from somewhere gets there: who would have had it
  is asked for that, too. Nothing of the sort where a question begins at the beginning.
  """
  @spec below(t, Wire.filter(), boolean) :: Cover.t()
  def below(_survey, _filter, false), do: %{}

  def below(survey, filter, true),
    do: survey.holdings |> Cover.below() |> Cover.of_nodes(names(filter))

  @doc "What is to be read here by a filter, and by which others; `below` is to be asked for besides."
  @spec shares(t, Wire.filter(), Cover.t()) :: {[Wire.range()], [{node, [Wire.range(), ...]}]}
  def shares(survey, filter, below) do
    {local, others} =
      survey |> cover(filter) |> Cover.both(below) |> Map.pop(survey.scope.node, [])

    {local, Enum.sort(for {node, [_ | _] = rows} <- others, do: {node, rows})}
  end

  defp names(filter), do: Enum.map(filter.nodes, &Atom.to_string/1)

  @doc "The stamp below which no member will have an older event any more."
  @spec settled(t) :: settled
  def settled(survey),
    do: survey.heads |> Map.values() |> Enum.min_by(fn {logical, ns} -> {ns, logical} end)

  defp own(%{scope: scope} = survey) do
    {rows, head} = Answer.holdings(scope, [])
    heard(survey, scope.node, rows, head)
  end

  defp heard(survey, node, rows, {_node, _incarnation, _seq, settled}) do
    survey = put_in(survey.heads[node], settled)
    update_in(survey.holdings, &Map.update(&1, node, rows, fn known -> known ++ rows end))
  end

  defp among(survey, infos) do
    {up, out} = Enum.split_with(known(infos), fn {_node, info} -> info.status == :up end)
    refusing = for {node, info} <- up, :query not in info.capabilities, do: node
    survey = %{survey | members: Enum.sort([survey.scope.node | Map.keys(infos)])}

    survey =
      Enum.reduce(out, survey, fn {node, _}, s -> unheard(s, node, {:node_unavailable, node}) end)

    Enum.reduce(refusing, survey, &unheard(&2, &1, {:distributed_exit, :not_allowed}))
  end

  # A node without the library, or put out on purpose, has nothing to be missed.
  defp known(infos) do
    Enum.reject(infos, fn {_node, %ClusterNodeInfo{reason: reason}} ->
      reason in [:no_library, :hidden, :unregistered]
    end)
  end

  # Only who was named, where somebody was, can be missed before it said what it has.
  defp unheard(survey, node, reason) do
    survey = %{survey | unheard: [node | survey.unheard]}
    if survey.nodes == [] or node in survey.nodes, do: miss(survey, node, reason), else: survey
  end

  # Also of one node all are asked for everything: others may still have what retention took there, and
  # what explains an event may be on any. While they look, so does this one.
  defp ask_members(survey, infos) do
    up = for {node, %{status: :up} = info} <- infos, :query in info.capabilities, do: node
    asked = Enum.reduce(up, {[], Calls.new(survey.timeout_ms)}, &ask(&1, {1, nil}, survey, &2))
    hear(asked, own(survey))
  end

  defp ask(node, {_message, place} = key, survey, {events, calls}) do
    body = %{after: place, nodes: []}
    {more, calls} = Exchange.ask(calls, survey.scope, key, node, :holdings?, body)
    {events ++ more, calls}
  end

  defp hear({[event | events], calls}, survey) do
    {more, calls, survey} = hear_one(event, calls, survey)
    hear({events ++ more, calls}, survey)
  end

  defp hear({[], calls}, survey) do
    if Calls.none?(calls),
      do: survey,
      else: calls |> Exchange.await(survey.scope) |> hear(survey)
  end

  defp hear_one({:failed, _key, node, reason}, calls, survey) do
    {[], calls, survey |> fail(node) |> unheard(node, reason)}
  end

  defp hear_one({:answer, {message, _place}, node, told}, calls, survey) do
    survey = heard(survey, node, told.rows, told.head)
    go_on(told, node, message, calls, survey)
  end

  defp go_on(%{more: false}, _node, _message, calls, survey), do: {[], calls, survey}

  defp go_on(%{rows: [_ | _] = rows}, node, message, calls, survey)
       when message < @most_messages do
    {origin, incarnation, first, _last} = List.last(rows)
    place = {origin, incarnation, first}
    {events, calls} = ask(node, {message + 1, place}, survey, {[], calls})
    {events, calls, survey}
  end

  # It has more than it may tell, or says so without telling anything.
  defp go_on(_told, node, _message, calls, survey),
    do: {[], calls, miss(survey, node, {:distributed_exit, :too_much})}
end
