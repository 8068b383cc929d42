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
  alias ElixirScope.Distributed.Query.{Losses, Page, Pairs, Reading, Result, Show}

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
  defp read(reading, options) do
    {held, count, reading} = hold(reading, options[:limit], [], 0)
    {more?, reading} = Reading.more?(reading)
    stretches = for {_found, stretch} <- held, stretch != nil, do: stretch
    pairs = Pairs.read(reading.survey, stretch(stretches), Show.terms(reading.survey))
    {lines, damaged} = write(held, pairs)
    found = %{events: lines, count: count - damaged, more?: more?}
    {found, update_in(reading.losses, &Losses.more(&1, damaged))}
  end

  defp hold(%{done?: true} = reading, _left, held, count),
    do: {Enum.reverse(held), count, reading}

  defp hold(reading, 0, held, count), do: {Enum.reverse(held), count, reading}

  defp hold(reading, left, held, count) do
    {step, reading} = Reading.step(reading, left, &Page.take/2)
    hold(reading, left - step.count, [{step.events, step.messages} | held], count + step.count)
  end

  defp stretch([]), do: nil

  defp stretch(stretches) do
    {firsts, lasts} = Enum.unzip(stretches)
    {Enum.min(firsts), Enum.max(lasts)}
  end

  defp write(held, pairs) do
    Enum.map_reduce(held, 0, fn {found, _stretch}, damaged ->
      written = Native.export_json_lines(found, pairs)
      {written.text, damaged + written.damaged}
    end)
  end
end
