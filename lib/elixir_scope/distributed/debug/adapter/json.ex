defmodule ElixirScope.Distributed.Debug.Adapter.Json do
  @moduledoc false
  # JSON text from a client as terms, by RFC 8259: objects are maps with text as keys, and no text
  # becomes an atom but `true`, `false` and `null`. What is written back is `CLI.Json`'s.
  #
  # The decoder is a loop over bytes with a stack of its own: text that nests deeply costs a word for
  # each level up to a bound, and is refused there. Of keys that come twice the last one holds, as in
  # JavaScript. Text is taken out of the input as it stands, so that it keeps the whole message
  # alive: who keeps some of it for long copies it.

  alias ElixirScope.Distributed.Debug.Adapter.Json.Number

  @bounds [max_depth: 128, max_bytes: 16 * 1024 * 1024, max_digits: 1_000]

  @type value :: nil | boolean | number | String.t() | [value] | %{optional(String.t()) => value}
  @type reason ::
          :unexpected_byte
          | :unexpected_end
          | :too_deep
          | :too_large
          | :number_too_large
          | :bad_escape
          | :lone_surrogate
          | :not_utf8
  @type error :: {reason, position :: non_neg_integer}

  defguardp is_space(byte) when byte in [?\s, ?\t, ?\n, ?\r]
  defguardp is_digit(byte) when byte in ?0..?9

  @doc "What is refused beyond which number."
  @spec bounds() :: keyword
  def bounds, do: @bounds

  @doc """
  The value of a whole text.

      iex> alias ElixirScope.Distributed.Debug.Adapter.Json
      iex> Json.decode(~S({"seq": 1, "on": [true, null, 2.5e1]}))
      {:ok, %{"seq" => 1, "on" => [true, nil, 25.0]}}
      iex> Json.decode("[1,]")
      {:error, {:unexpected_byte, 3}}
  """
  @spec decode(binary, keyword) :: {:ok, value} | {:error, error}
  def decode(text, options \\ []) when is_binary(text) do
    bounds = @bounds |> Keyword.merge(options) |> Map.new()
    if byte_size(text) > bounds.max_bytes, do: refuse(:too_large, 0)
    state = %{text: text, left: bounds.max_depth, max_digits: bounds.max_digits}
    {:ok, value(text, 0, [], state)}
  catch
    {:refused, reason, position} -> {:error, {reason, position}}
  end

  @doc "Ends the decoding."
  @spec refuse(reason, non_neg_integer) :: no_return
  def refuse(reason, position), do: throw({:refused, reason, position})

  # Values. The stack has one element for each array or object that is open.

  defp value(<<byte, rest::binary>>, at, stack, state) when is_space(byte),
    do: value(rest, at + 1, stack, state)

  defp value(<<?", rest::binary>>, at, stack, state) do
    {text, rest, at} = text(rest, at + 1, state)
    done(text, rest, at, stack, state)
  end

  defp value(<<?{, rest::binary>>, at, stack, state),
    do: first_key(rest, at + 1, stack, deeper(state, at))

  defp value(<<?[, rest::binary>>, at, stack, state),
    do: first_item(rest, at + 1, stack, deeper(state, at))

  defp value(<<"true", rest::binary>>, at, stack, state),
    do: done(true, rest, at + 4, stack, state)

  defp value(<<"false", rest::binary>>, at, stack, state),
    do: done(false, rest, at + 5, stack, state)

  defp value(<<"null", rest::binary>>, at, stack, state),
    do: done(nil, rest, at + 4, stack, state)

  defp value(<<byte, _::binary>> = rest, at, stack, state) when byte == ?- or is_digit(byte) do
    {number, rest, at} = Number.read(rest, at, state)
    done(number, rest, at, stack, state)
  end

  defp value(rest, at, _stack, _state), do: unexpected(rest, at)

  defp deeper(%{left: 0}, at), do: refuse(:too_deep, at)
  defp deeper(%{left: left} = state, _at), do: %{state | left: left - 1}
  defp back(%{left: left} = state), do: %{state | left: left + 1}

  @doc "The same at what should not be there."
  @spec unexpected(binary, non_neg_integer) :: no_return
  def unexpected(<<>>, at), do: refuse(:unexpected_end, at)
  def unexpected(_rest, at), do: refuse(:unexpected_byte, at)

  # A value is there: what comes next depends on what it is in.

  defp done(value, <<byte, rest::binary>>, at, stack, state) when is_space(byte),
    do: done(value, rest, at + 1, stack, state)

  defp done(value, <<>>, _at, [], _state), do: value

  defp done(value, <<?,, rest::binary>>, at, [{:array, items} | stack], state),
    do: value(rest, at + 1, [{:array, [value | items]} | stack], state)

  defp done(value, <<?], rest::binary>>, at, [{:array, items} | stack], state),
    do: done(Enum.reverse([value | items]), rest, at + 1, stack, back(state))

  defp done(value, <<?,, rest::binary>>, at, [{:object, key, pairs} | stack], state),
    do: key(rest, at + 1, [{:object, nil, [{key, value} | pairs]} | stack], state)

  defp done(value, <<?}, rest::binary>>, at, [{:object, key, pairs} | stack], state),
    do: done(object([{key, value} | pairs]), rest, at + 1, stack, back(state))

  defp done(_value, rest, at, _stack, _state), do: unexpected(rest, at)

  defp object(pairs), do: pairs |> Enum.reverse() |> Map.new()

  defp first_item(<<byte, rest::binary>>, at, stack, state) when is_space(byte),
    do: first_item(rest, at + 1, stack, state)

  defp first_item(<<?], rest::binary>>, at, stack, state),
    do: done([], rest, at + 1, stack, back(state))

  defp first_item(rest, at, stack, state), do: value(rest, at, [{:array, []} | stack], state)

  defp first_key(<<byte, rest::binary>>, at, stack, state) when is_space(byte),
    do: first_key(rest, at + 1, stack, state)

  defp first_key(<<?}, rest::binary>>, at, stack, state),
    do: done(%{}, rest, at + 1, stack, back(state))

  defp first_key(rest, at, stack, state), do: key(rest, at, [{:object, nil, []} | stack], state)

  defp key(<<byte, rest::binary>>, at, stack, state) when is_space(byte),
    do: key(rest, at + 1, stack, state)

  defp key(<<?", rest::binary>>, at, [{:object, nil, pairs} | stack], state) do
    {key, rest, at} = text(rest, at + 1, state)
    colon(rest, at, [{:object, key, pairs} | stack], state)
  end

  defp key(rest, at, _stack, _state), do: unexpected(rest, at)

  defp colon(<<byte, rest::binary>>, at, stack, state) when is_space(byte),
    do: colon(rest, at + 1, stack, state)

  defp colon(<<?:, rest::binary>>, at, stack, state), do: value(rest, at + 1, stack, state)
  defp colon(rest, at, _stack, _state), do: unexpected(rest, at)

  # Text: runs without an escape are parts of the input.

  defp text(rest, at, state), do: text(rest, at, at, [], state.text)

  defp text(<<?", rest::binary>>, at, from, done, whole) do
    run = binary_part(whole, from, at - from)
    {if(done == [], do: run, else: IO.iodata_to_binary([done, run])), rest, at + 1}
  end

  defp text(<<?\\, rest::binary>>, at, from, done, whole) do
    {character, length, rest} = escape(rest, at)
    run = binary_part(whole, from, at - from)
    text(rest, at + length, at + length, [done, run, character], whole)
  end

  defp text(<<byte, _::binary>>, at, _from, _done, _whole) when byte < 0x20,
    do: refuse(:unexpected_byte, at)

  defp text(<<byte, rest::binary>>, at, from, done, whole) when byte < 0x80,
    do: text(rest, at + 1, from, done, whole)

  defp text(<<character::utf8, rest::binary>>, at, from, done, whole),
    do: text(rest, at + byte_size(<<character::utf8>>), from, done, whole)

  defp text(<<>>, at, _from, _done, _whole), do: refuse(:unexpected_end, at)
  defp text(_rest, at, _from, _done, _whole), do: refuse(:not_utf8, at)

  for {letter, character} <-
        [{?", ?"}, {?\\, ?\\}, {?/, ?/}, {?b, ?\b}] ++
          [{?f, ?\f}, {?n, ?\n}, {?r, ?\r}, {?t, ?\t}] do
    defp escape(<<unquote(letter), rest::binary>>, _at), do: {unquote(character), 2, rest}
  end

  defp escape(<<?u, rest::binary>>, at) do
    case hex(rest, at) do
      {high, rest} when high in 0xD800..0xDBFF -> pair(high, rest, at)
      {low, _rest} when low in 0xDC00..0xDFFF -> refuse(:lone_surrogate, at)
      {code, rest} -> {<<code::utf8>>, 6, rest}
    end
  end

  defp escape(<<>>, at), do: refuse(:unexpected_end, at + 1)
  defp escape(_other, at), do: refuse(:bad_escape, at)

  defp pair(high, <<"\\u", rest::binary>>, at) do
    case hex(rest, at + 6) do
      {low, rest} when low in 0xDC00..0xDFFF ->
        {<<0x10000 + (high - 0xD800) * 0x400 + (low - 0xDC00)::utf8>>, 12, rest}

      _other ->
        refuse(:lone_surrogate, at)
    end
  end

  defp pair(_high, _rest, at), do: refuse(:lone_surrogate, at)

  defp hex(<<digits::binary-size(4), rest::binary>>, at) do
    if digits =~ ~r/\A[0-9a-fA-F]{4}\z/,
      do: {String.to_integer(digits, 16), rest},
      else: refuse(:bad_escape, at)
  end

  defp hex(_short, at), do: refuse(:bad_escape, at)
end
