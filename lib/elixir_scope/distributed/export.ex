defmodule ElixirScope.Distributed.Export do
  @moduledoc """
  Events in the formats that other tools read.

      {:ok, lines} = ElixirScope.Distributed.Export.json_lines(correlation_id: "r-17")
      File.write!("r-17.jsonl", lines)

  ## JSON Lines

  One event, one object, one line, in stamp order:

  | field | what |
  |---|---|
  | `id` | `{"node", "incarnation", "seq"}`: identity |
  | `at` | `{"ns", "logical", "time"}`: nanoseconds since 1970 as a string of digits, the place within that nanosecond, RFC 3339 |
  | `mono_ns` | the monotonic clock of the node as a string of digits, or `null` |
  | `node`, `pid` | who; a pid is text: `"<node.id.serial>"` |
  | `kind` | what |
  | `subject` | a function as `{"module", "function", "arity"}`, else a term |
  | `correlation_id`, `data` | terms |
  | `meta` | `"truncated?": true`, `"attribution": "inherited"`, `"confidence": "likely"`, `"entry": true`, of a message `"pairing"` and `"pair"`, as far as they apply, in `{}` |

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

  alias ElixirScope.Distributed.{Error, Native, Query}
  alias ElixirScope.Distributed.Storage.Kept
  alias ElixirScope.Distributed.Query.{Losses, Page, Reading, Result, Show}

  @doc """
  The matching events of all members as JSON Lines; the filters are those of
  `ElixirScope.Distributed.events/1`, also the `limit` of 10,000 events.

  A warning says when something is missing, or when there are more events than the limit.

      {:ok, lines} = ElixirScope.Distributed.Export.json_lines(kinds: [:mark], limit: 100)
  """
  @spec json_lines(keyword | map) :: {:ok, iodata} | {:error, Error.t()}
  def json_lines(filters \\ []) do
    with {:ok, result} <- Query.run(filters, &read/2) do
      if Result.partial?(result) or result.more?, do: Query.warn(result)
      {:ok, result.events}
    end
  end

  # What is found is held until all of it is there, so that its messages can be paired.
  defp read(%{survey: survey} = reading, options) do
    {steps, reading} = reading |> Kept.leave() |> hold(options[:limit], [])
    {more?, reading} = Reading.more?(reading)
    written = lines(Enum.map(steps, & &1.events), Show.pairs(survey, stretch(steps)))
    found = %{events: written.events, count: written.count, more?: more?}
    {found, update_in(reading.losses, &Losses.more(&1, written.damaged))}
  end

  @doc false
  # What the core holds as text, with its pairs of messages.
  @spec lines([Page.found()], reference | nil) ::
          %{events: iodata, count: non_neg_integer, damaged: non_neg_integer}
  def lines(found, pairs) do
    written = for part <- found, do: Native.export_json_lines(part, pairs)

    %{
      events: for(%{text: text} <- written, do: text),
      count: sum(written, & &1.count),
      damaged: sum(written, & &1.damaged)
    }
  end

  defp hold(%{done?: true} = reading, _left, steps), do: {Enum.reverse(steps), reading}
  defp hold(reading, 0, steps), do: {Enum.reverse(steps), reading}

  defp hold(reading, left, steps) do
    {step, reading} = Reading.step(reading, left, &Page.take/2)
    hold(reading, left - step.count, [step | steps])
  end

  # The stretch of time of all messages in some steps.
  defp stretch(steps) do
    case for(%{messages: {from, to}} <- steps, do: {from, to}) do
      [] ->
        nil

      all ->
        {all |> Enum.map(&elem(&1, 0)) |> Enum.min(), all |> Enum.map(&elem(&1, 1)) |> Enum.max()}
    end
  end

  defp sum(written, field), do: written |> Enum.map(field) |> Enum.sum()
end
