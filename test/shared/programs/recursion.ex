defmodule Programs.Recursion do
  def run do
    a = sum([1, 2])
    b = count(2, 0)
    a + b
  end

  def sum([]), do: 0

  def sum([first | rest]) do
    below = sum(rest)
    first + below
  end

  def count(0, seen), do: seen

  def count(left, seen) do
    seen = seen + 1
    count(left - 1, seen)
  end
end
