defmodule ElixirScope.Distributed.Capture.Sources.Text do
  @moduledoc false
  # The beginning of a text, without looking at the rest of it.

  @limit 1_024

  @doc "The first KiB of chardata, or of an atom's name."
  @spec of(IO.chardata() | atom) :: String.t()
  def of(atom) when is_atom(atom), do: Atom.to_string(atom)
  def of(chardata), do: chardata |> take(@limit, []) |> elem(1) |> whole()

  # What is left of the limit, and what was taken, last first.
  defp take(_chardata, 0, taken), do: {0, taken}

  defp take(text, left, taken) when is_binary(text) do
    size = min(byte_size(text), left)
    {left - size, [binary_part(text, 0, size) | taken]}
  end

  defp take(point, left, taken) when is_integer(point), do: take(<<point::utf8>>, left, taken)
  defp take([], left, taken), do: {left, taken}

  defp take([head | tail], left, taken) do
    {left, taken} = take(head, left, taken)
    take(tail, left, taken)
  end

  # A character that was cut in two is left out; the binary is a copy, so that nothing large is
  # kept for the sake of its beginning.
  defp whole(taken) do
    text = taken |> Enum.reverse() |> IO.iodata_to_binary()

    case :unicode.characters_to_binary(text) do
      text when is_binary(text) -> text
      {_broken, text, _rest} -> text
    end
  end
end
