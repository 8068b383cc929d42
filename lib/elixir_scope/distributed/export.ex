defmodule ElixirScope.Distributed.Export do
  @moduledoc """
  Events in the formats that other tools read.

      {:ok, lines} = ElixirScope.Distributed.Export.json_lines(correlation_id: "r-17")
      {:ok, written} = ElixirScope.Distributed.Export.write("r-17.perfetto", :perfetto, correlation_id: "r-17")
      written.events

  | format | what | for |
  |---|---|---|
  | `:json_lines`, `:csv`, `:parquet` | tables: a row for each event, however many | `jq`, spreadsheets, DuckDB, pandas |
  | `:perfetto` | nodes, processes, calls, messages and figures over time | Perfetto |
  | `:otlp`, `:otlp_json` | calls as spans, with links; `send_otlp/2` sends them | OpenTelemetry: Jaeger, Tempo, … |
  | `:shiviz` | a log with vector clocks | ShiViz |
  | `:mermaid` | a sequence diagram | Markdown |
  | `:folded`, `:speedscope`, `:callgrind` | where the time went | flame graphs, speedscope, KCachegrind |

  What maps to what, and what is lost in which, is in the guide *Exports*.

  ## Tables

  CSV and Parquet have these columns: `node`, `incarnation`, `seq`, `time`, `ns`, `logical`, `mono_ns`,
  `pid`, `kind`, `module`, `function`, `arity`, `subject`, `correlation_id`, `data` (JSON as below),
  `truncated`, `inherited`, `likely`, `entry`, `pairing`, `pair`, `received_at`, `received_by`. CSV is that
  of RFC 4180 in UTF-8, every text in quotes; text that a spreadsheet would run as a formula has an
  apostrophe before it.

  What is missing is the last row: a `gap` without an id (`seq` 0 in columns) whose data has `missing`,
  `dropped`, `expired` and `more`, as far as they apply.

  ## JSON Lines

  One event, one object, one line, in stamp order:

  | field | what |
  |---|---|
  | `id` | `{"node", "incarnation", "seq"}`: identity; `null` of the row that says what is missing |
  | `at` | `{"ns", "logical", "time"}`: nanoseconds since 1970 as a string of digits, the place within that nanosecond, RFC 3339 |
  | `mono_ns` | the monotonic clock of the node as a string of digits, or `null` |
  | `node`, `pid` | who; a pid is text: `"<node.id.serial>"` |
  | `kind` | what |
  | `subject` | a function as `{"module", "function", "arity"}`, else a term |
  | `correlation_id`, `data` | terms |
  | `meta` | `"truncated?": true`, `"attribution": "inherited"`, `"confidence": "likely"`, `"entry": true`, of a message `"pairing"` and `"pair"`, and `"received_at"` where the stamp is not believed (`{"ns", "logical", "time", "node"}`), as far as they apply, in `{}` |

  `pairing` is `"exact"`, `"likely"` or `"ambiguous"`, and `pair` the `id` of the other half of a send or
  receive; of an ambiguous one, an array of those it may be.

  Terms are written so that they can be told apart, all but atoms from strings:

  | Erlang | JSON |
  |---|---|
  | `nil`, `true`, `false` | `null`, `true`, `false` |
  | other atoms, pids, binaries in UTF-8 | strings |
  | integers | numbers; a reader that uses floats rounds those beyond 2^53 |
  | other binaries | `{"$binary": base64}` |
  | lists, improper lists | arrays, `{"$improper": [element, …, tail]}` |
  | tuples | `{"$tuple": [element, …]}` |
  | maps | objects, if every key is text, no two have the same text, and none begins with `$` |
  | other maps, and maps that were cut | `{"$map": [[key, value], …]}` |
  | references, ports, remote pids | `{"$reference": base64}`, `{"$port": …}`, `{"$pid": …}` of the external term format |
  | `ElixirScope.Distributed.Opaque` | `{"$opaque": {"type", "size", "kept"}}` |
  """

  alias ElixirScope.Distributed.{Causality, Error, Event, Native, Query}
  alias ElixirScope.Distributed.Export.{Collector, Failure, Table, Target, Trace, Written}
  alias ElixirScope.Distributed.Query.Page

  @tables [:json_lines, :csv, :parquet]

  # By format, what the core calls it.
  @traces %{
    perfetto: :perfetto,
    otlp: :otlp_protobuf,
    otlp_json: :otlp_json,
    shiviz: :shiviz,
    mermaid: :mermaid,
    folded: :folded,
    speedscope: :speedscope,
    callgrind: :callgrind
  }

  @formats @tables ++ Map.keys(@traces)

  # Events of an export that is a value, unless it says how many.
  @limit 10_000

  @typedoc "A format, see `formats/0`."
  @type format ::
          :json_lines
          | :csv
          | :parquet
          | :perfetto
          | :otlp
          | :otlp_json
          | :shiviz
          | :mermaid
          | :folded
          | :speedscope
          | :callgrind

  @typedoc "Filters, or for what shows causes also a picture, an answer or a list of events."
  @type source :: keyword | map | Causality.source()

  @doc """
  Every format there is.

      iex> :perfetto in ElixirScope.Distributed.Export.formats()
      true
  """
  @spec formats() :: [format]
  def formats, do: @formats

  @doc """
  The matching events of all members as JSON Lines; the filters are those of
  `ElixirScope.Distributed.events/1`, also the `limit` of 10,000 events.

  A warning says when something is missing, or when there are more events than the limit.

      {:ok, lines} = ElixirScope.Distributed.Export.json_lines(kinds: [:mark], limit: 100)
  """
  @spec json_lines(keyword | map) :: {:ok, iodata} | {:error, Error.t()}
  def json_lines(filters \\ []), do: value(:json_lines, filters)

  @doc """
  The same as CSV.

      {:ok, csv} = ElixirScope.Distributed.Export.csv(kinds: [:mark])
  """
  @spec csv(keyword | map) :: {:ok, iodata} | {:error, Error.t()}
  def csv(filters \\ []), do: value(:csv, filters)

  @doc """
  The same as a Parquet file. The native library has to be built for it.

      {:ok, file} = ElixirScope.Distributed.Export.parquet(kinds: [:mark])
  """
  @spec parquet(keyword | map) :: {:ok, iodata} | {:error, Error.t()}
  def parquet(filters \\ []), do: value(:parquet, filters)

  @doc """
  What happened as a trace for [Perfetto](https://ui.perfetto.dev): of filters, a picture, an answer or a
  list of events. Like all below, with the `limit` of 10,000 events unless another one is given.

      {:ok, trace} = ElixirScope.Distributed.Export.perfetto(correlation_id: "r-17")
  """
  @spec perfetto(source) :: {:ok, iodata} | {:error, Error.t()}
  def perfetto(source \\ []), do: value(:perfetto, source)

  @doc """
  The calls as spans of OpenTelemetry, in protocol buffers (`TracesData`).

      {:ok, spans} = ElixirScope.Distributed.Export.otlp(correlation_id: "r-17")
  """
  @spec otlp(source) :: {:ok, iodata} | {:error, Error.t()}
  def otlp(source \\ []), do: value(:otlp, source)

  @doc """
  The calls as spans of OpenTelemetry, in JSON: one `TracesData` a line.

      {:ok, lines} = ElixirScope.Distributed.Export.otlp_json(correlation_id: "r-17")
  """
  @spec otlp_json(source) :: {:ok, iodata} | {:error, Error.t()}
  def otlp_json(source \\ []), do: value(:otlp_json, source)

  @doc """
  A log with vector clocks for ShiViz. A picture of more than 1,000 processes has none.

      {:ok, log} = ElixirScope.Distributed.Export.shiviz(correlation_id: "r-17")
  """
  @spec shiviz(source) :: {:ok, iodata} | {:error, Error.t()}
  def shiviz(source \\ []), do: value(:shiviz, source)

  @doc """
  A sequence diagram for Mermaid.

      {:ok, diagram} = ElixirScope.Distributed.Export.mermaid(correlation_id: "r-17", limit: 200)
  """
  @spec mermaid(source) :: {:ok, iodata} | {:error, Error.t()}
  def mermaid(source \\ []), do: value(:mermaid, source)

  @doc """
  Folded stacks, for flame graphs: nanoseconds by stack.

      {:ok, stacks} = ElixirScope.Distributed.Export.folded(correlation_id: "r-17")
  """
  @spec folded(source) :: {:ok, iodata} | {:error, Error.t()}
  def folded(source \\ []), do: value(:folded, source)

  @doc """
  A file for [speedscope](https://www.speedscope.app): a profile for each process.

      {:ok, json} = ElixirScope.Distributed.Export.speedscope(correlation_id: "r-17")
  """
  @spec speedscope(source) :: {:ok, iodata} | {:error, Error.t()}
  def speedscope(source \\ []), do: value(:speedscope, source)

  @doc """
  A profile for `callgrind_annotate` and KCachegrind: what each function and each of its calls took.

      {:ok, profile} = ElixirScope.Distributed.Export.callgrind(correlation_id: "r-17")
  """
  @spec callgrind(source) :: {:ok, iodata} | {:error, Error.t()}
  def callgrind(source \\ []), do: value(:callgrind, source)

  # As a value it is in memory, and so has the limit of a question.
  defp value(format, source) do
    with {:ok, written} <- written(:memory, format, limited(source)) do
      if Written.partial?(written) or written.more?, do: Query.warn(written)
      {:ok, written.into}
    end
  end

  defp limited(%_struct{} = source), do: source
  defp limited(%{} = filters), do: Map.put_new(filters, :limit, @limit)

  defp limited(list) when is_list(list),
    do: if(Keyword.keyword?(list), do: Keyword.put_new(list, :limit, @limit), else: list)

  defp limited(other), do: other

  @doc """
  Writes all events that match to a path, a device or something collectable, in steps.

  A table takes no more memory for more events; what shows causes is made from a picture, which holds at
  most 1,000,000. A file is written under a name of its own beside the path and takes its place when it is
  whole, so that nothing is left of one that fails. What it came to says what is missing, as the format
  itself does where it has a place for it.

  Instead of filters there may be a picture (`ElixirScope.Distributed.Causality`), an answer or a list of events
  for the formats that show causes.

  #{ElixirScope.Distributed.Options.docs(:export)}

      {:ok, written} = ElixirScope.Distributed.Export.write("today.jsonl", :json_lines, show_progress: true)
  """
  @spec write(Target.place(), format, source) :: {:ok, Written.t()} | {:error, Error.t()}
  def write(target, format, source \\ []), do: written(target, format, source)

  defp written(target, format, filters) when format in @tables do
    with {:ok, options} <- Query.check(:export, filters),
         do: Table.write(format, target, options)
  end

  defp written(target, format, source) when is_map_key(@traces, format) do
    with {:ok, options} <- options(:export, source),
         {:ok, picture} <- Trace.picture(source, options),
         do: Trace.write(format, @traces[format], target, picture, options)
  end

  defp written(_target, format, _source),
    do: {:error, Failure.unknown_format(format, @formats)}

  @doc """
  Sends the calls as spans to an OpenTelemetry collector, over HTTP.

  Requests hold 512 spans at most and are sent one after the other. One that is not answered in time, or with 429,
  502, 503 or 504, is sent again after a wait that doubles; any other answer ends it with an error that
  says how many were taken. As ids are made from what is sent, sending the same again makes no second spans
  where the collector knows spans by their ids. Of `https` the certificate and the name of the host are
  verified, always. In the result `into` is the number of requests.

  #{ElixirScope.Distributed.Options.docs(:collector)}

      {:ok, sent} =
        ElixirScope.Distributed.Export.send_otlp(
          url: "http://localhost:4318/v1/traces",
          correlation_id: "r-17"
        )
  """
  @spec send_otlp(keyword | map) :: {:ok, Written.t()} | {:error, Error.t()}
  def send_otlp(options), do: send_otlp(options, options)

  @doc """
  The same of a picture, an answer or a list of events.

      {:ok, picture} = ElixirScope.Distributed.Causality.build(correlation_id: "r-17")
      ElixirScope.Distributed.Export.send_otlp(picture, url: "http://localhost:4318/v1/traces")
  """
  @spec send_otlp(source, keyword | map) :: {:ok, Written.t()} | {:error, Error.t()}
  def send_otlp(source, options) do
    with {:ok, options} <- Query.check(:collector, options),
         {:ok, picture} <- Trace.picture(source, options),
         do: Collector.send(picture, options)
  end

  # What is no filter has no options.
  defp options(entry, source) do
    if is_struct(source) or (is_list(source) and not Keyword.keyword?(source)),
      do: Query.check(entry, []),
      else: Query.check(entry, source)
  end

  # What the core is asked: from here alone.

  @doc false
  @spec table(atom) :: {:ok, reference} | {:error, Error.t()}
  def table(format) do
    with :error <- Native.export_table(format),
         do: {:error, Failure.no_parquet()},
         else: (table -> {:ok, table})
  end

  @doc false
  # The events that have the key of a correlation, each with its place.
  @spec keyed(Page.found(), node) :: [{non_neg_integer, Event.t()}]
  def keyed(found, here), do: Native.export_keyed(found, here)

  @doc false
  @spec rows(reference, Page.found(), reference | nil, map) ::
          %{text: binary, count: non_neg_integer, damaged: non_neg_integer}
  def rows(table, found, pairs, shown), do: Native.export_rows(table, found, pairs, shown)

  @doc false
  @spec row_missing(reference, node, {non_neg_integer, non_neg_integer}, map) :: binary
  def row_missing(table, node, now, data), do: Native.export_missing(table, node, now, data)

  @doc false
  @spec table_end(reference) :: binary
  def table_end(table), do: Native.export_finish(table)

  @doc false
  @spec trace(reference, atom, map) :: reference
  def trace(picture, format, missing), do: Native.export_trace(picture, format, missing)

  @doc false
  # What the next step needs: keys of correlations, and events that the core does not have.
  @spec window(reference, node) :: %{
          keyed: [{non_neg_integer, Event.t()}],
          given: [non_neg_integer]
        }
  def window(export, here), do: Native.export_window(export, here)

  @doc false
  @spec step(reference, [{non_neg_integer, term}], [Event.t()]) ::
          %{text: binary, done: non_neg_integer, more: boolean} | {:error, term}
  def step(export, names, events), do: Native.export_step(export, names, events)
end
