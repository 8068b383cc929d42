defmodule ElixirScope.Distributed.Snippets do
  @moduledoc false
  # The code in a guide, and what its tables of configuration say: in Lua and Emacs Lisp as far as those
  # are data. What is no data is kept as `{:code, text}`.

  @doc "The texts of a guide's code blocks in a language."
  def blocks(path, language) do
    ~r/^```#{language}\n(.*?)^```$/ms
    |> Regex.scan(File.read!(path))
    |> Enum.map(fn [_all, text] -> text end)
  end

  @doc "The table that is assigned to a name in Lua."
  def lua(text, name) do
    [_before, rest] = String.split(text, "#{name} = ", parts: 2)
    {value, _rest} = lua_value(lua_skip(rest))
    value
  end

  defp lua_value("{" <> rest), do: lua_table(lua_skip(rest), [], %{})
  defp lua_value("\"" <> rest), do: text(rest, [])
  defp lua_value("true" <> rest), do: {true, rest}
  defp lua_value("false" <> rest), do: {false, rest}

  defp lua_value(text) do
    [number] = Regex.run(~r/^-?\d+/, text)
    {String.to_integer(number), behind(text, number)}
  end

  defp lua_table("}" <> rest, items, pairs) when items == [] or pairs == %{},
    do: {if(pairs == %{}, do: Enum.reverse(items), else: pairs), rest}

  defp lua_table("," <> rest, items, pairs), do: lua_table(lua_skip(rest), items, pairs)

  defp lua_table(text, items, pairs) do
    case Regex.run(~r/^(\w+) = /, text) do
      [all, key] ->
        {value, rest} = lua_value(lua_skip(behind(text, all)))
        lua_table(lua_skip(rest), items, Map.put(pairs, key, value))

      nil ->
        {value, rest} = lua_value(text)
        lua_table(lua_skip(rest), [value | items], pairs)
    end
  end

  defp lua_skip(text), do: String.replace(text, ~r/\A(\s+|--[^\n]*)+/, "")

  @doc "All that a text in Emacs Lisp says: lists, vectors as `{:vector, items}`, symbols as `{:code, name}`."
  def lisp(text) do
    case lisp_skip(text) do
      "" ->
        []

      text ->
        {value, rest} = lisp_value(text)
        [value | lisp(rest)]
    end
  end

  defp lisp_value("(" <> rest), do: lisp_items(lisp_skip(rest), ")", [])

  defp lisp_value("[" <> rest) do
    {items, rest} = lisp_items(lisp_skip(rest), "]", [])
    {{:vector, items}, rest}
  end

  defp lisp_value("'" <> rest), do: lisp_value(rest)
  defp lisp_value("\"" <> rest), do: text(rest, [])

  defp lisp_value(text) do
    [symbol] = Regex.run(~r/^[^\s()\[\]"';]+/, text)
    {{:code, symbol}, behind(text, symbol)}
  end

  defp lisp_items(text, close, items) do
    if String.starts_with?(text, close) do
      {Enum.reverse(items), behind(text, close)}
    else
      {value, rest} = lisp_value(text)
      lisp_items(lisp_skip(rest), close, [value | items])
    end
  end

  defp lisp_skip(text), do: String.replace(text, ~r/\A(\s+|;[^\n]*)+/, "")

  defp text("\\" <> <<char::utf8, rest::binary>>, done), do: text(rest, [<<char::utf8>> | done])
  defp text("\"" <> rest, done), do: {done |> Enum.reverse() |> IO.iodata_to_binary(), rest}
  defp text(<<char::utf8, rest::binary>>, done), do: text(rest, [<<char::utf8>> | done])

  defp behind(text, first),
    do: binary_part(text, byte_size(first), byte_size(text) - byte_size(first))
end
