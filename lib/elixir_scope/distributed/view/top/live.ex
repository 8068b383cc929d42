defmodule ElixirScope.Distributed.View.Top.Live do
  @moduledoc false
  # The same table again and again, over the last stretch of time, in the process that asks for it: who
  # interrupts that ends it, and nothing is left behind.

  alias ElixirScope.Distributed.{Error, View}
  alias ElixirScope.Distributed.View.Top

  # To the upper left, and clear from there.
  @again "\e[H\e[2J"

  @doc "Draws until it is interrupted, or as often as the options say."
  @spec run(keyword | map, keyword) :: :ok | {:error, Error.t()}
  def run(source, options) do
    case filters(source) do
      {:ok, filters} -> draw(filters, options, options[:times])
      :error -> {:error, Error.new(:bad_option, message: message(source))}
    end
  end

  # What a question found does not change any more, and a list without anything is one of no events.
  defp filters([]), do: :error

  defp filters(source) when is_list(source) or (is_map(source) and not is_struct(source)) do
    if is_map(source) or Keyword.keyword?(source), do: {:ok, Map.new(source)}, else: :error
  end

  defp filters(_other), do: :error

  defp message(source) do
    "refresh_ms: needs filters, as what is given is drawn once and for all, got: " <>
      inspect(source, limit: 3, printable_limit: 60)
  end

  defp draw(_filters, _options, 0), do: :ok

  defp draw(filters, options, left) do
    with :ok <- once(filters, options) do
      left = left && left - 1
      if left != 0, do: wait(options[:refresh_ms])
      draw(filters, options, left)
    end
  end

  defp once(filters, options) do
    from = System.os_time(:nanosecond) - options[:window_ms] * 1_000_000
    filters = Map.put(filters, :from, from)

    with {:ok, causality} <- View.build(filters),
         do: show(Top.render(causality, options), options)
  end

  # All at once, so that it does not flicker.
  defp show(lines, options) do
    again = if options[:color], do: @again, else: ""
    IO.write([again, Enum.map(lines, &[&1, ?\n])])
  end

  defp wait(ms), do: Process.sleep(ms)
end
