defmodule ElixirScope.Distributed.Capture.Only do
  @moduledoc false
  # Which calls a trace keeps, by what became of them: all, or only those that took longer.

  alias ElixirScope.Distributed.Error

  # What is longer than a minute is no call, but a process that waits.
  @most_ms 60_000

  @type t :: {:slower_than, ms :: 1..60_000}

  defguardp is_threshold(ms) when is_integer(ms) and ms in 1..@most_ms

  @doc "Calls that take longer than so many milliseconds."
  @spec slower_than(1..60_000) :: t
  def slower_than(ms) when is_threshold(ms), do: {:slower_than, ms}
  def slower_than(other), do: raise(Error.new(:bad_threshold, given: other, most: @most_ms))

  @doc "Whether something is what `slower_than/1` returns."
  @spec valid?(term) :: boolean
  def valid?({:slower_than, ms}) when is_threshold(ms), do: true
  def valid?(_other), do: false

  @doc "The threshold in milliseconds, 0 where every call is kept."
  @spec ms(t | nil) :: 0..60_000
  def ms(nil), do: 0
  def ms({:slower_than, ms}), do: ms
end
