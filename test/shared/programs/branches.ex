defmodule Programs.Branches do
  def run do
    first = named(%{name: "ann", age: 7})
    second = named(%{name: "bob"})
    {first, second, size(12), size(3)}
  end

  def named(person) do
    with {:ok, name} <- Map.fetch(person, :name),
         {:ok, age} <- Map.fetch(person, :age) do
      label = "#{name} #{age}"
      label
    else
      :error -> :unknown
    end
  end

  def size(number) when number > 10 do
    case rem(number, 2) do
      0 -> :large_even
      _odd -> :large_odd
    end
  end

  def size(number) do
    cond do
      number > 5 ->
        :middle

      true ->
        number = -number
        {:small, number}
    end
  end
end
