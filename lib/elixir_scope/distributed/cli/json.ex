defmodule ElixirScope.Distributed.CLI.Json do
  @moduledoc false
  # Terms as JSON text. Exports are written in Rust, from pages; this is for what a command says
  # itself, and for events that come one by one. OTP has a writer of its own from 27 on alone.

  @type value ::
          nil | boolean | number | atom | String.t() | [value] | %{optional(term) => value}

  @doc """
  One value as JSON, on one line; keys of maps in order, atoms as strings.

      iex> ElixirScope.Distributed.CLI.Json.encode(%{ok: [1, 2.5, nil, "a\\n"]}) |> IO.iodata_to_binary()
      ~S({"ok":[1,2.5,null,"a\\n"]})
  """
  @spec encode(value) :: iodata
  def encode(nil), do: "null"
  def encode(true), do: "true"
  def encode(false), do: "false"
  def encode(number) when is_integer(number), do: Integer.to_string(number)
  def encode(number) when is_float(number), do: :erlang.float_to_binary(number, [:short])
  def encode(atom) when is_atom(atom), do: atom |> Atom.to_string() |> encode()
  def encode(text) when is_binary(text), do: [?", escape(text, text, 0, 0, []), ?"]
  def encode(list) when is_list(list), do: [?[, Enum.map_intersperse(list, ?,, &encode/1), ?]]

  # Pairs instead of a map keep their order.
  def encode({:object, pairs}), do: [?{, Enum.map_intersperse(pairs, ?,, &pair/1), ?}]
  def encode(map) when is_map(map), do: encode({:object, map |> Map.to_list() |> Enum.sort()})

  defp pair({key, value}), do: [key |> name() |> encode(), ?:, encode(value)]

  # `nil` has a name, too.
  defp name(key) when is_atom(key), do: Atom.to_string(key)
  defp name(key), do: to_string(key)

  # Runs of what needs no escape are taken as they are.
  defp escape(<<>>, text, start, length, done), do: [done, binary_part(text, start, length)]

  defp escape(<<byte, rest::binary>>, text, start, length, done)
       when byte in [?", ?\\] or byte < 0x20 do
    done = [done, binary_part(text, start, length), escaped(byte)]
    escape(rest, text, start + length + 1, 0, done)
  end

  defp escape(<<char::utf8, rest::binary>>, text, start, length, done),
    do: escape(rest, text, start, length + byte_size(<<char::utf8>>), done)

  # What is no UTF-8 is no JSON either: its place is marked.
  defp escape(<<_byte, rest::binary>>, text, start, length, done),
    do:
      escape(rest, text, start + length + 1, 0, [done, binary_part(text, start, length), "\uFFFD"])

  defp escaped(?"), do: ~S(\")
  defp escaped(?\\), do: ~S(\\)
  defp escaped(?\n), do: ~S(\n)
  defp escaped(?\r), do: ~S(\r)
  defp escaped(?\t), do: ~S(\t)

  defp escaped(byte),
    do: ["\\u", byte |> Integer.to_string(16) |> String.downcase() |> String.pad_leading(4, "0")]

  @doc """
  What the library says of itself as a JSON value: structs and maps are objects, tuples arrays, and what
  JSON has no word for is text, as Elixir writes it.

      iex> ElixirScope.Distributed.CLI.Json.plain(%{at: {0, self()}, on: :web@host}).on
      :web@host
  """
  @spec plain(term) :: value
  def plain(error) when is_exception(error), do: Exception.message(error)
  def plain(struct) when is_struct(struct), do: struct |> Map.from_struct() |> plain()
  def plain(tuple) when is_tuple(tuple), do: tuple |> Tuple.to_list() |> plain()
  def plain(atom) when is_atom(atom), do: atom
  def plain(number) when is_number(number), do: number

  def plain(map) when is_map(map),
    do: Map.new(map, fn {key, value} -> {key(key), plain(value)} end)

  def plain(text) when is_binary(text),
    do: if(String.valid?(text), do: text, else: inspect(text))

  def plain(list) when is_list(list) do
    if List.improper?(list), do: inspect(list), else: Enum.map(list, &plain/1)
  end

  def plain(other), do: inspect(other)

  defp key(key) when is_atom(key) or is_number(key), do: key
  defp key(key), do: if(is_binary(key) and String.valid?(key), do: key, else: inspect(key))
end
