defmodule ElixirScope.Distributed.Debug.Services.Retry do
  @moduledoc false
  # How long it is waited before somebody is asked again: twice as long each time, and by chance between
  # the half and the whole of it, so that those who failed together do not come back together. Pure:
  # the chance is an argument.

  @first_ms 50
  @longest_ms 1_000

  @doc "The numbers."
  @spec limits() :: %{first_ms: pos_integer, longest_ms: pos_integer}
  def limits, do: %{first_ms: @first_ms, longest_ms: @longest_ms}

  @doc "Before the retry of that number, from 1; `chance` is from 0.0 to 1.0."
  @spec wait_ms(pos_integer, float) :: pos_integer
  def wait_ms(number, chance) do
    whole = min(@first_ms * Integer.pow(2, min(number - 1, 16)), @longest_ms)
    half = div(whole, 2)
    half + round((whole - half) * chance)
  end
end
