defmodule Programs.Macros do
  defmacro doubled(expression) do
    quote do
      value = unquote(expression)
      value * 2
    end
  end
end

defmodule Programs.Macro do
  require Programs.Macros, as: Made

  def run do
    value = 1
    twice = Made.doubled(value + 1)
    unless twice == 0, do: other(value)
    chosen = nil || twice
    {value, chosen}
  end

  defp other(value) do
    value = value + 10
    value
  end
end
