defmodule ElixirScope.Distributed.Export do
  @moduledoc """
  Events in the formats that other tools read.

      {:ok, lines} = ElixirScope.Distributed.Export.json_lines(correlation_id: "r-17")
      {:ok, written} = ElixirScope.Distributed.Export.write("r-17.csv", :csv, correlation_id: "r-17")
      written.events

  TABLES_AND_TRACES
  """

  alias ElixirScope.Distributed.{Error, Event, Native, Query}
  alias ElixirScope.Distributed.Export.{Failure, Table, Target, Written}
  alias ElixirScope.Distributed.Query.Page

  @tables [:json_lines, :csv, :parquet]

  @typedoc "A format, see `formats/0`."
  @type format :: :json_lines | :csv | :parquet

  @doc """
  Every format there is.

      iex> :csv in ElixirScope.Distributed.Export.formats()
      true
  """
  @spec formats() :: [format]
  def formats, do: @tables

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

  # As a value it is in memory, and so has the limit of a question.
  defp value(format, filters) do
    with {:ok, options} <- Query.check(:export, filters),
         options = Keyword.update!(options, :limit, &(&1 || 10_000)),
         {:ok, written} <- Table.write(format, :memory, options) do
      if Written.partial?(written) or written.more?, do: Query.warn(written)
      {:ok, written.into}
    end
  end

  @doc """
  Writes all events that match to a path, a device or something collectable, in steps: it takes no
  more memory for more events.

  A file is written under a name of its own beside `path` and renamed when it is whole. What it came
  to says what is missing, as the format itself does where it has a place for it.

  #{ElixirScope.Distributed.Options.docs(:export)}

      {:ok, written} = ElixirScope.Distributed.Export.write("today.jsonl", :json_lines, show_progress: true)
  """
  @spec write(Target.place(), format, keyword | map) :: {:ok, Written.t()} | {:error, Error.t()}
  def write(target, format, options \\ [])

  def write(target, format, options) when format in @tables do
    with {:ok, options} <- Query.check(:export, options),
         do: Table.write(format, target, options)
  end

  def write(_target, format, _options), do: {:error, Failure.unknown_format(format, formats())}

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
end
