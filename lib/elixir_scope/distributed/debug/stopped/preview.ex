defmodule ElixirScope.Distributed.Debug.Stopped.Preview do
  @moduledoc false
  # A term as text of bounded size. Nobody's code is asked how it should look: a struct is shown by its
  # fields, whatever its `Inspect` would say, as what is looked at stands at a breakpoint, perhaps in just that
  # code. Pure; time and memory are those of the text, not of the term.

  alias ElixirScope.Distributed.Inject.Guest.Secrets

  @most_bytes 200
  @most_depth 5
  @most_items 20
  @integer_bits 512
  @hidden "[hidden]"

  @doc "How long one is at most, in bytes; what is cut ends with `…`."
  @spec most_bytes() :: pos_integer
  def most_bytes, do: @most_bytes

  @doc "What stands for a secret."
  @spec hidden() :: String.t()
  def hidden, do: @hidden

  @doc "The text. `rules` are those of `Secrets`."
  @spec text(term, Secrets.rules()) :: String.t()
  def text(term, rules) do
    {text, _left} = write(term, @most_depth, @most_bytes, rules)
    text |> IO.iodata_to_binary() |> cut()
  end

  defp cut(text) when byte_size(text) <= @most_bytes, do: text

  defp cut(text) do
    kept = binary_part(text, 0, @most_bytes - 3)
    whole(kept) <> "…"
  end

  # Not in the middle of a character.
  defp whole(text) do
    case :unicode.characters_to_binary(text) do
      text when is_binary(text) -> text
      {_kind, whole, _rest} -> whole
    end
  end

  defp write(_term, _depth, left, _rules) when left <= 0, do: {"…", 0}

  defp write(binary, _depth, left, _rules) when is_binary(binary),
    do: sized(string(binary, left), left)

  defp write(bits, _depth, left, _rules) when is_bitstring(bits), do: sized(bytes(bits), left)
  defp write([], _depth, left, _rules), do: sized("[]", left)
  defp write({}, _depth, left, _rules), do: sized("{}", left)

  defp write(integer, _depth, left, _rules) when is_integer(integer),
    do: sized(number(integer), left)

  defp write(fun, _depth, left, _rules) when is_function(fun), do: sized(function(fun), left)

  defp write(term, _depth, left, _rules)
       when not (is_list(term) or is_tuple(term) or is_map(term)),
       do: sized(inspect(term), left)

  defp write(_container, 0, left, _rules), do: sized("…", left)

  defp write(list, depth, left, rules) when is_list(list) do
    case chars(list) do
      nil -> list(list, depth, left, rules)
      text -> sized(text, left)
    end
  end

  defp write(tuple, depth, left, rules) when is_tuple(tuple), do: tuple(tuple, depth, left, rules)

  defp write(%{__struct__: name} = struct, depth, left, rules) when is_atom(name),
    do: struct(struct, name, depth, left, rules)

  defp write(map, depth, left, rules),
    do: pairs(first_pairs(map), map_size(map), "%{", depth, left, rules)

  defp sized(text, left), do: {text, left - byte_size(text)}

  defp list(list, depth, left, rules) do
    {items, rest} = taken(list, @most_items, [])

    write =
      if keywords?(items),
        do: &pair(&1, depth - 1, &2, rules),
        else: &write(&1, depth - 1, &2, rules)

    {written, left} = joined(items, left - 2, write)
    {last, left} = tail(rest, depth - 1, left, rules)
    {["[", written, last, "]"], left}
  end

  defp keywords?(items), do: Enum.all?(items, &match?({key, _value} when is_atom(key), &1))

  defp taken([item | rest], most, items) when most > 0, do: taken(rest, most - 1, [item | items])
  defp taken(rest, _most, items), do: {Enum.reverse(items), rest}

  defp tail([], _depth, left, _rules), do: {"", left}
  defp tail([_ | _], _depth, left, _rules), do: {", …", left - 5}

  defp tail(tail, depth, left, rules) do
    {text, left} = write(tail, depth, left - 3, rules)
    {[" | ", text], left}
  end

  defp tuple(tuple, depth, left, rules) do
    if secret_record?(tuple, rules),
      do: sized(@hidden, left),
      else: elements(tuple, depth, left, rules)
  end

  defp secret_record?(tuple, rules), do: Secrets.type?(rules, elem(tuple, 0))

  # A pair such as a header hides its value.
  defp elements({key, _value} = pair, depth, left, rules) do
    if Secrets.key?(rules, key),
      do: hidden_pair(key, depth, left, rules),
      else: plain(pair, depth, left, rules)
  end

  defp elements(tuple, depth, left, rules), do: plain(tuple, depth, left, rules)

  defp hidden_pair(key, depth, left, rules) do
    {text, left} = write(key, depth - 1, left - 4, rules)
    {["{", text, ", ", @hidden, "}"], left - byte_size(@hidden)}
  end

  defp plain(tuple, depth, left, rules) do
    size = tuple_size(tuple)
    items = for position <- 0..(min(size, @most_items) - 1)//1, do: elem(tuple, position)
    {written, left} = items(items, depth - 1, left - 2, rules)
    {["{", written, if(size > @most_items, do: ", …", else: ""), "}"], left}
  end

  defp struct(struct, name, depth, left, rules) do
    cond do
      Secrets.type?(rules, name) -> sized(@hidden, left)
      text = known(struct, name) -> sized(text, left)
      true -> fields(struct, name, depth, left, rules)
    end
  end

  defp fields(struct, name, depth, left, rules) do
    fields = struct |> Map.delete(:__struct__) |> Enum.take(@most_items) |> Enum.sort()
    pairs(fields, map_size(struct) - 1, "%#{inspect(name)}{", depth, left, rules)
  end

  # Of Elixir itself, and of a size that cannot grow.
  @calendar [Date, Time, NaiveDateTime, DateTime, Range]

  defp known(struct, name) when name in @calendar do
    inspect(struct)
  rescue
    # One whose fields are not what they should be.
    _malformed -> nil
  end

  defp known(_struct, _name), do: nil

  # Sorted where that is no work; a large map begins with any of its pairs.
  defp first_pairs(map) when map_size(map) <= 1_000,
    do: map |> Enum.sort() |> Enum.take(@most_items)

  defp first_pairs(map), do: map |> :maps.iterator() |> first(@most_items)

  defp first(_iterator, 0), do: []

  defp first(iterator, most) do
    case :maps.next(iterator) do
      {key, value, rest} -> [{key, value} | first(rest, most - 1)]
      :none -> []
    end
  end

  defp pairs(pairs, size, opening, depth, left, rules) do
    {written, left} =
      joined(pairs, left - byte_size(opening) - 1, &pair(&1, depth - 1, &2, rules))

    {[opening, written, if(size > @most_items, do: ", …", else: ""), "}"], left}
  end

  defp pair({key, value}, depth, left, rules) do
    {name, left} = key(key, depth, left, rules)

    if Secrets.key?(rules, key) do
      {[name, @hidden], left - byte_size(@hidden)}
    else
      {text, left} = write(value, depth, left, rules)
      {[name, text], left}
    end
  end

  defp key(key, _depth, left, _rules) when is_atom(key),
    do: sized(String.trim_trailing(inspect([{key, 0}]) |> String.slice(1..-4//1)) <> " ", left)

  defp key(key, depth, left, rules) do
    {text, left} = write(key, depth, left, rules)
    {[text, " => "], left - 4}
  end

  defp items(items, depth, left, rules), do: joined(items, left, &write(&1, depth, &2, rules))

  defp joined(items, left, write) do
    {written, left} =
      Enum.map_reduce(items, left, fn item, left ->
        if left > 0, do: write.(item, left - 2), else: {:left_out, left}
      end)

    {shown, rest} = Enum.split_while(written, &(&1 != :left_out))
    {Enum.intersperse(shown ++ if(rest == [], do: [], else: ["…"]), ", "), left}
  end

  defp string(binary, left) do
    part = if byte_size(binary) > left, do: whole_part(binary, left), else: binary
    more = if byte_size(part) < byte_size(binary), do: " <> …", else: ""

    if String.printable?(part) and (part != "" or binary == ""),
      do: inspect(part, printable_limit: :infinity) <> more,
      else: bytes(binary)
  end

  defp whole_part(binary, left), do: binary |> binary_part(0, left) |> whole()

  defp bytes(bits), do: inspect(bits, limit: @most_items, binaries: :as_binaries)

  defp chars(list) do
    {items, rest} = taken(list, @most_bytes, [])

    if is_list(rest) and Enum.all?(items, &is_integer/1) and List.ascii_printable?(items),
      do: "~c" <> inspect(List.to_string(items)) <> if(rest == [], do: "", else: " ++ …")
  end

  # To write a number in decimals takes time that grows with the square of its size.
  defp number(integer) do
    if integer in -(2 ** @integer_bits)..(2 ** @integer_bits),
      do: Integer.to_string(integer),
      else: "an integer of #{:erlang.external_size(integer) - 7} bytes"
  end

  # One that was made in interpreted code says where.
  defp function(fun) do
    with {:module, :dbg_ieval} <- :erlang.fun_info(fun, :module),
         {:env, [info | _]} when is_tuple(info) <- :erlang.fun_info(fun, :env),
         {module, name} <- elem(info, 0) do
      {:arity, arity} = :erlang.fun_info(fun, :arity)
      "#Function<#{name}/#{arity} in #{inspect(module)}>"
    else
      _compiled -> inspect(fun)
    end
  end
end
