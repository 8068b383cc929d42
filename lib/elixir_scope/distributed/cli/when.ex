defmodule ElixirScope.Distributed.CLI.When do
  @moduledoc false
  # Times and lengths of time as they are written on a command line. A time that counts from now is
  # worked out where the events are: the clock of whoever asks does not matter.

  @units %{"ms" => 1, "s" => 1_000, "m" => 60_000, "h" => 3_600_000, "d" => 86_400_000}
  @length ~r/\A(?:\d{1,9}(?:ms|s|m|h|d))+\z/
  @part ~r/(\d+)(ms|s|m|h|d)/

  @doc """
  A length of time, in milliseconds.

      iex> ElixirScope.Distributed.CLI.When.duration("1m30s")
      {:ok, 90_000}
      iex> ElixirScope.Distributed.CLI.When.duration("soon")
      {:error, "a length of time such as 500ms, 30s, 5m or 1h30m"}
  """
  @spec duration(String.t()) :: {:ok, non_neg_integer} | {:error, String.t()}
  def duration(text) do
    if text =~ @length,
      do: {:ok, sum(text)},
      else: {:error, "a length of time such as 500ms, 30s, 5m or 1h30m"}
  end

  defp sum(text) do
    @part
    |> Regex.scan(text, capture: :all_but_first)
    |> Enum.map(fn [count, unit] -> String.to_integer(count) * @units[unit] end)
    |> Enum.sum()
  end

  @doc """
  A time, in nanoseconds since 1970, given what is now.

      iex> ElixirScope.Distributed.CLI.When.time("-5m", 1_000_000_000_000)
      {:ok, 700_000_000_000}
      iex> ElixirScope.Distributed.CLI.When.time("1970-01-01T00:00:01Z", 0)
      {:ok, 1_000_000_000}
      iex> ElixirScope.Distributed.CLI.When.time("now", 7)
      {:ok, 7}
  """
  @spec time(String.t(), integer) :: {:ok, integer} | {:error, String.t()}
  def time("now", now_ns), do: {:ok, now_ns}

  def time("-" <> ago, now_ns) do
    with {:ok, ms} <- duration(ago), do: {:ok, now_ns - ms * 1_000_000}, else: (_ -> wrong())
  end

  def time(text, _now_ns) do
    case DateTime.from_iso8601(text) do
      {:ok, time, _offset} -> {:ok, nanoseconds(time, text)}
      {:error, _reason} -> wrong()
    end
  end

  # `DateTime` ends at microseconds; stamps do not, and are printed whole.
  defp nanoseconds(time, text) do
    seconds = time |> DateTime.truncate(:second) |> DateTime.to_unix(:second)
    seconds * 1_000_000_000 + fraction(Regex.run(~r/[.,](\d{1,9})/, text))
  end

  defp fraction(nil), do: 0
  defp fraction([_all, digits]), do: digits |> String.pad_trailing(9, "0") |> String.to_integer()

  defp wrong,
    do:
      {:error, "a time such as -5m, now or 2026-03-01T12:00:00Z (RFC 3339, with Z or an offset)"}
end
