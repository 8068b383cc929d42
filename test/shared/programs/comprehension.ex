defmodule Programs.Comprehension do
  def run do
    numbers = [1, 2]

    doubled =
      for number <- numbers, number > 0 do
        twice = number * 2
        twice
      end

    pairs = for x <- doubled, y <- [:a], into: %{}, do: {x, y}
    map_size(pairs)
  end
end
