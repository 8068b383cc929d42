defmodule ElixirScope.Distributed.Options do
  @moduledoc """
  Every option and configuration key of the library, in one schema.

  The schema validates and documents: what stands here is what is accepted, and the
  tables in the documentation are printed from it.

      iex> {:ok, options} = ElixirScope.Distributed.Options.validate(:start, name: :shop)
      iex> {options[:name], options[:sync_interval_ms]}
      {:shop, 1000}

      iex> {:error, message} = ElixirScope.Distributed.Options.validate(:start, nmae: :shop)
      iex> message
      "unknown option :nmae, did you mean :name?"

      iex> {:error, message} = ElixirScope.Distributed.Options.validate(:start, flush_ms: 0)
      iex> message
      "expected :flush_ms to be a positive integer, got: 0"
  """

  alias ElixirScope.Distributed.Options.{
    Capture,
    Debug,
    Export,
    Grants,
    Inject,
    Instrument,
    Live,
    Parts
  }

  alias ElixirScope.Distributed.Options.{Query, Recording, Simulation, Sync, TimeTravel, Trace}
  alias ElixirScope.Distributed.Options.{Type, View}

  @default_scope ElixirScope.Distributed

  @members [
    name: [
      type: :atom,
      default: @default_scope,
      doc: "the scope's name; every call without `scope:` goes to `#{inspect(@default_scope)}`"
    ],
    node: [
      type: {:or, [:atom, nil]},
      default: nil,
      doc: "what this member is called; `nil` is the name of the running node"
    ],
    cluster_nodes_init: [
      type: {:list, :atom},
      default: [],
      doc: "nodes to register and to keep trying to reach from the start"
    ],
    forget_node_after_ms: [
      type: :pos_integer,
      default: 24 * 60 * 60 * 1000,
      doc:
        "how long a node that is gone, and that nobody registered, is known and counts for `quorum/0`"
    ],
    flush_ms: [
      type: :pos_integer,
      default: 500,
      doc: "how long after its first event an open block is closed and can be shipped"
    ],
    retention_bytes: [
      type: :pos_integer,
      default: 64 * 1024 * 1024,
      doc: "bytes of closed blocks that are kept; the oldest go first"
    ],
    retention_age_ms: [
      type: :pos_integer,
      default: 30 * 24 * 60 * 60 * 1000,
      doc: "events older than this are dropped, and not taken from other nodes either"
    ],
    data_dir: [
      type: {:or, [:string, nil]},
      default: nil,
      doc:
        "a folder of this scope alone, where its blocks survive a restart; `nil` keeps them in " <>
          "memory. A folder that cannot be used stops nothing: `status/0` and one warning say so"
    ],
    query_timeout_ms: [
      type: :pos_integer,
      default: 5_000,
      doc: "how long a query waits for other nodes before it names them in `missing`"
    ],
    max_clock_drift_ms: [
      type: :pos_integer,
      default: 500,
      doc: "a remote stamp further than this ahead of our physical clock does not move ours"
    ]
  ]

  @start @members ++ Grants.schema() ++ Parts.schema() ++ Simulation.of_scope() ++ Sync.schema()

  @config [
    enabled: [
      type: :boolean,
      default: true,
      doc: "`false` starts nothing at all; every call returns at once"
    ],
    autostart: [
      type: :boolean,
      default: true,
      doc: "`false` leaves the default scope to your own supervision tree"
    ],
    ring_bytes: [
      type: :pos_integer,
      default: 64 * 1024 * 1024,
      doc: "address space of all rings of this VM together; pages are used only as they fill"
    ],
    redact: [
      type: :redact,
      default: [],
      doc: "what no event shows besides passwords, tokens and the like: see `Capture.Redact`"
    ],
    capture: [
      type: :capture,
      default: [],
      doc: "what else is recorded: log, telemetry events, vitals; see `Capture.Sources`"
    ]
  ]

  @record [
    correlation_id: [
      type: :any,
      default: nil,
      doc: "what ties this event to others of the same request"
    ],
    scope: [type: :atom, default: @default_scope, doc: "the scope that records it"]
  ]

  @debug Map.merge(
           Debug.schemas(@default_scope),
           ElixirScope.Distributed.Options.Stopped.schemas(@default_scope)
         )

  @schemas Map.merge(@debug, %{
             start: @start,
             config: @config ++ @start,
             simulator: Simulation.of_simulator(@default_scope),
             record: @record,
             filter: Query.filter(),
             query: Query.of_question(@default_scope),
             stream: Query.of_stream(@default_scope),
             export: Export.of_write(Query.of_stream(@default_scope)),
             collector: Export.of_collector(Query.of_stream(@default_scope)),
             subscribe: Live.schema(Query.filter(), @default_scope),
             save: Recording.of_save(@default_scope),
             open: Recording.of_open(),
             trace: Trace.schema(@default_scope),
             inject: Inject.schema(),
             instrument: Instrument.of_use(),
             scope: Instrument.of_function(),
             project: Instrument.of_project(),
             logger: Capture.of_logger(),
             vitals: Capture.of_vitals(),
             view: View.common(),
             timeline: View.common(),
             sequence: View.sequence(),
             tree: View.tree(),
             flame: View.flame(),
             top: View.top(),
             diff: View.diff(),
             gaps: View.common(),
             dependencies: View.dependencies(),
             state_at: TimeTravel.of_state(@default_scope),
             changes: TimeTravel.of_changes(@default_scope),
             states: View.common() ++ TimeTravel.of_states(@default_scope),
             replay: TimeTravel.of_replay(@default_scope),
             note: TimeTravel.of_note(@default_scope),
             notes: TimeTravel.of_notes(@default_scope)
           })

  @doc "The name of the scope that serves every call without one."
  @spec default_scope() :: atom
  def default_scope, do: @default_scope

  @doc "The entry points that have a schema."
  @spec entries() :: [atom]
  def entries, do: Map.keys(@schemas)

  @doc """
  The schema of an entry point, such as `:start`, `:query` or `:trace`.

      iex> ElixirScope.Distributed.Options.schema(:config)[:enabled][:default]
      true
  """
  @spec schema(atom) :: keyword
  def schema(entry), do: Map.fetch!(@schemas, entry)

  @doc "Checks `options` (a keyword list or a map) against a schema and fills in the defaults."
  @spec validate(atom, keyword | map) :: {:ok, keyword} | {:error, String.t()}
  def validate(entry, options) do
    with :ok <- known(schema(entry), options),
         {:ok, given} <- cast(schema(entry), options) do
      {:ok, Keyword.merge(defaults(entry), given)}
    end
  end

  @doc "Like `validate/2`, but raises `ArgumentError`."
  @spec validate!(atom, keyword | map) :: keyword
  def validate!(entry, options) do
    case validate(entry, options) do
      {:ok, options} -> options
      {:error, message} -> raise ArgumentError, message
    end
  end

  @doc "The default of every option of a schema."
  @spec defaults(atom) :: keyword
  def defaults(entry), do: for({key, spec} <- schema(entry), do: {key, spec[:default]})

  @doc "The options of a schema as a Markdown list."
  @spec docs(atom) :: String.t()
  def docs(entry) do
    Enum.map_join(schema(entry), "\n", fn {key, spec} ->
      "  * `:#{key}` (#{Type.describe(spec[:type])}, default `#{inspect(spec[:default])}`) - #{spec[:doc]}"
    end)
  end

  defp known(_schema, options) when not (is_list(options) or is_map(options)) do
    {:error, "expected a keyword list or a map of options, got: #{inspect(options)}"}
  end

  defp known(schema, options) do
    case Enum.find(options, &unknown?(schema, &1)) do
      nil -> :ok
      {key, _value} -> {:error, "unknown option #{inspect(key)}" <> suggestion(schema, key)}
      other -> {:error, "expected a keyword list or a map of options, got: #{inspect(other)}"}
    end
  end

  defp unknown?(schema, {key, _value}) when is_atom(key), do: not Keyword.has_key?(schema, key)
  defp unknown?(_schema, _other), do: true

  defp suggestion(schema, key) do
    closest = schema |> Keyword.keys() |> Enum.max_by(&similarity(&1, key))
    if similarity(closest, key) > 0.7, do: ", did you mean #{inspect(closest)}?", else: ""
  end

  defp similarity(name, key) when is_atom(key) or is_binary(key),
    do: String.jaro_distance(to_string(name), to_string(key))

  defp similarity(_name, _key), do: 0.0

  defp cast(schema, options) do
    Enum.reduce_while(options, {:ok, []}, fn {key, value}, {:ok, cast} ->
      type = schema[key][:type]

      case Type.check(type, value) do
        :ok -> {:cont, {:ok, Keyword.put(cast, key, value)}}
        {:error, expected} -> {:halt, {:error, mismatch(key, expected, value, type)}}
      end
    end)
  end

  defp mismatch(key, expected, value, type),
    do:
      "expected #{inspect(key)} to be #{expected}, got: #{inspect(value)}#{Type.why(type, value)}"
end
