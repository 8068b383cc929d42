defmodule ElixirScope.Distributed.Recording.Opened do
  @moduledoc false
  # What an opened recording says of itself, and how a question sees it: as one member that has everything
  # and answers at once. Who did not answer when it was made is missing now.

  alias ElixirScope.Distributed.Query.{Answer, Cover, Survey, Wire}
  alias ElixirScope.Distributed.Recording.Reasons
  alias ElixirScope.Distributed.Types.ClusterNodeInfo

  # Later than any stamp: nothing older can come into a recording.
  @settled {0, 4_294_967_295_000_000_000}

  @enforce_keys [:path, :about, :nodes, :missing, :totals]
  defstruct [:path, :about, :nodes, :missing, :totals, :lost] ++
              [beside: [], dropped: 0, expired: 0]

  @type t :: %__MODULE__{
          path: Path.t(),
          about: map,
          nodes: [node],
          missing: %{node => term},
          totals: map,
          beside: [Wire.range()],
          lost: {at :: non_neg_integer, bytes :: non_neg_integer} | nil,
          dropped: non_neg_integer,
          expired: non_neg_integer
        }

  @doc "Of what the core read at that path."
  @spec new(Path.t(), map) :: t
  def new(path, told) do
    %__MODULE__{
      path: path,
      about: told.about,
      nodes: told.nodes,
      missing: missing(told),
      totals: told.totals,
      beside: told.beside,
      lost: told.lost,
      dropped: told.outcome.dropped,
      expired: told.outcome.expired
    }
  end

  # Of one that is cut, what is gone may have been anybody's.
  defp missing(%{lost: nil, missing: nodes, outcome: %{missing: rows}}) do
    for {node, {_text, reason}} <- Enum.zip(nodes, rows),
        into: %{},
        do: {node, Reasons.read(node, reason)}
  end

  defp missing(%{nodes: nodes}), do: Map.new(nodes, &{&1, {:distributed_exit, :cut}})

  @doc "What a question finds there."
  @spec survey(map, [node], pos_integer) :: Survey.t()
  def survey(%{recording: opened, node: node} = scope, nodes, timeout_ms) do
    {rows, {_node, _incarnation, noted, _promise}} = Answer.holdings(scope, [])
    missing = opened.missing

    %Survey{
      scope: scope,
      timeout_ms: timeout_ms,
      nodes: nodes,
      members: Enum.sort(Enum.uniq(noter(node, noted) ++ opened.nodes)),
      holdings: %{node => rows},
      heads: %{node => @settled},
      missing: if(nodes == [], do: missing, else: Map.take(missing, nodes)),
      unheard: Map.keys(missing)
    }
  end

  # Who reads is no member, unless there is something of it.
  defp noter(_node, 0), do: []
  defp noter(node, _notes), do: [node]

  @doc "The same with what explains events, which may be of nodes and times that were not asked for."
  @spec widen(Survey.t()) :: Survey.t()
  def widen(%{scope: %{recording: %__MODULE__{} = opened, node: node}} = survey) do
    # Who asks for some numbers wants no others.
    if Cover.less(opened.about.covers, survey.holdings[node] || []) == [],
      do:
        update_in(
          survey.holdings,
          &Map.update(&1, node, [], fn rows -> rows ++ opened.beside end)
        ),
      else: survey
  end

  def widen(survey), do: survey

  @doc "Its nodes in the form of `status/0`: those that answered, and those that did not."
  @spec nodes(t) :: %{node => ClusterNodeInfo.t()}
  def nodes(opened) do
    for node <- Enum.uniq(opened.nodes ++ Map.keys(opened.missing)), into: %{} do
      status = if is_map_key(opened.missing, node), do: :down, else: :up
      {node, %ClusterNodeInfo{node: node, status: status}}
    end
  end

  @doc "What it says of itself, for `status/0`."
  @spec describe(t) :: map
  def describe(opened) do
    saved_at = DateTime.from_unix!(opened.about.saved_ns, :nanosecond)

    opened.about
    |> Map.take([:library, :machine, :by, :filters])
    |> Map.merge(Map.take(opened, [:path, :nodes, :missing, :dropped, :expired, :lost]))
    |> Map.merge(opened.totals)
    |> Map.put(:saved_at, saved_at)
  end
end
