defmodule Programs.Anonymous do
  def run do
    factor = 3

    times = fn number ->
      product = number * factor
      product
    end

    direct = times.(2)
    mapped = Enum.map([4, 5], times)
    captured = Enum.map([1], &(&1 + factor))
    {direct, mapped, captured}
  end
end
