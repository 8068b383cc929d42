defmodule ElixirScope.Distributed.Debug.Adapter.Json.Number do
  @moduledoc false
  # Numbers, by the grammar: a sign, digits without leading zeros, a fraction, an exponent.

  alias ElixirScope.Distributed.Debug.Adapter.Json

  defguardp is_digit(byte) when byte in ?0..?9

  @doc "The number that begins here, and what is behind it."
  @spec read(binary, non_neg_integer, map) :: {number, binary, non_neg_integer}
  def read(<<?-, rest::binary>>, at, state), do: whole(rest, at + 1, at, state)
  def read(rest, at, state), do: whole(rest, at, at, state)

  defp whole(<<?0, rest::binary>>, at, from, state), do: fraction(rest, at + 1, from, state)

  defp whole(<<digit, _::binary>> = rest, at, from, state) when digit in ?1..?9 do
    {rest, at} = digits(rest, at)
    fraction(rest, at, from, state)
  end

  defp whole(rest, at, _from, _state), do: Json.unexpected(rest, at)

  defp fraction(<<?., digit, _::binary>> = rest, at, from, state) when is_digit(digit) do
    {rest, to} = digits(binary_part(rest, 1, byte_size(rest) - 1), at + 1)
    exponent(rest, to, {from, at}, state)
  end

  defp fraction(<<?., rest::binary>>, at, _from, _state), do: Json.unexpected(rest, at + 1)
  defp fraction(rest, at, from, state), do: exponent(rest, at, {from, nil}, state)

  defp exponent(<<letter, rest::binary>>, at, where, state) when letter in [?e, ?E] do
    {rest, to} = sign(rest, at + 1)
    {rest, stop} = digits!(rest, to)
    {made(where, at, {at + 1, stop}, state), rest, stop}
  end

  defp exponent(rest, at, where, state), do: {made(where, at, nil, state), rest, at}

  defp sign(<<sign, rest::binary>>, at) when sign in [?+, ?-], do: {rest, at + 1}
  defp sign(rest, at), do: {rest, at}

  defp digits!(<<digit, _::binary>> = rest, at) when is_digit(digit), do: digits(rest, at)
  defp digits!(rest, at), do: Json.unexpected(rest, at)

  defp digits(<<digit, rest::binary>>, at) when is_digit(digit), do: digits(rest, at + 1)
  defp digits(rest, at), do: {rest, at}

  # A long number takes time that grows with its square: there is no use for one.
  defp made({from, _point}, to, exponent, %{max_digits: most})
       when to - from > most or
              (exponent != nil and elem(exponent, 1) - elem(exponent, 0) > most),
       do: Json.refuse(:number_too_large, from)

  defp made({from, nil}, to, nil, state), do: state.text |> part(from, to) |> String.to_integer()

  defp made({from, point}, to, exponent, state) do
    mantissa = part(state.text, from, to)
    mantissa = if point, do: mantissa, else: mantissa <> ".0"
    exponent = if exponent, do: "e" <> part(state.text, elem(exponent, 0), elem(exponent, 1))
    String.to_float(mantissa <> (exponent || ""))
  rescue
    # Beyond what a float can be.
    ArgumentError -> Json.refuse(:number_too_large, from)
  end

  defp part(text, from, to), do: binary_part(text, from, to - from)
end
