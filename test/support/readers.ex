defmodule ElixirScope.Distributed.Readers do
  @moduledoc false
  # Other people's readers of our exports, as far as `scripts/readers` brought them in. Tests of what is
  # not there have the tag `:readers`, are left out, and the run says so.

  @doc "What is lacking of the readers, `[]` if nothing is."
  def lacking do
    for {what, path} <- [
          {"schemas and DuckDB from PyPI", python()},
          {"speedscope and Mermaid from npm", Path.join(folder(), "node_modules/mermaid")}
        ],
        not File.exists?(path),
        do: what
  end

  @doc "The tags of tests that are left out, after a line that says so."
  def excluded do
    case {lacking(), System.find_executable("callgrind_annotate")} do
      {[], found} when found != nil -> []
      {lacking, found} -> told(lacking ++ if(found, do: [], else: ["callgrind_annotate"]))
    end
  end

  defp told(lacking) do
    IO.puts(
      "exports are not read by other people's readers: no #{Enum.join(lacking, ", no ")} " <>
        "(scripts/readers brings in what comes from PyPI and npm, valgrind has callgrind_annotate)"
    )

    [:readers]
  end

  @doc "What a reader of test/readers says of a file, as Elixir's terms."
  def read(script, arguments) do
    {program, first} =
      if Path.extname(script) == ".py",
        do: {python(), []},
        else: {System.find_executable("node"), folder(script)}

    path = Path.join("test/readers", script)
    {said, 0} = System.cmd(program, [path | first ++ arguments], stderr_to_stdout: true)
    decode(said)
  end

  defp folder("shiviz.mjs"), do: []
  defp folder(_script), do: [folder()]

  defp python, do: Path.join(folder(), "venv/bin/python")

  # Where scripts/lib.sh says.
  defp folder do
    cache = System.get_env("XDG_CACHE_HOME") || Path.join(System.user_home!(), ".cache")
    Path.join(cache, "elixir_scope/readers")
  end

  # A small reader of JSON: the language has none before OTP 27, and the library no dependency.
  def decode(text) do
    {value, rest} = value(String.trim_leading(text))
    "" = String.trim(rest)
    value
  end

  defp value("{" <> rest), do: object(String.trim_leading(rest), %{})
  defp value("[" <> rest), do: array(String.trim_leading(rest), [])
  defp value("\"" <> rest), do: string(rest, [])
  defp value("null" <> rest), do: {nil, rest}
  defp value("true" <> rest), do: {true, rest}
  defp value("false" <> rest), do: {false, rest}

  defp value(text) do
    [number] = Regex.run(~r/^-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/, text)
    {number(number), binary_part(text, byte_size(number), byte_size(text) - byte_size(number))}
  end

  defp number(text) do
    case Integer.parse(text) do
      {integer, ""} -> integer
      _float -> text |> Float.parse() |> elem(0)
    end
  end

  defp object("}" <> rest, pairs), do: {pairs, rest}
  defp object("," <> rest, pairs), do: object(String.trim_leading(rest), pairs)

  defp object("\"" <> rest, pairs) do
    {key, rest} = string(rest, [])
    ":" <> rest = String.trim_leading(rest)
    {value, rest} = value(String.trim_leading(rest))
    object(String.trim_leading(rest), Map.put(pairs, key, value))
  end

  defp array("]" <> rest, items), do: {Enum.reverse(items), rest}
  defp array("," <> rest, items), do: array(String.trim_leading(rest), items)

  defp array(text, items) do
    {value, rest} = value(text)
    array(String.trim_leading(rest), [value | items])
  end

  defp string("\"" <> rest, parts), do: {parts |> Enum.reverse() |> IO.iodata_to_binary(), rest}

  defp string("\\u" <> <<high::binary-4, "\\u", low::binary-4, rest::binary>>, parts)
       when high >= "d800" and high < "dc00" do
    bytes = :unicode.characters_to_binary(<<hex(high)::16, hex(low)::16>>, :utf16, :utf8)
    string(rest, [bytes | parts])
  end

  defp string("\\u" <> <<hex::binary-4, rest::binary>>, parts),
    do: string(rest, [<<hex(hex)::utf8>> | parts])

  defp string("\\" <> <<escaped, rest::binary>>, parts),
    do: string(rest, [escape(escaped) | parts])

  defp string(<<character::utf8, rest::binary>>, parts),
    do: string(rest, [<<character::utf8>> | parts])

  defp hex(digits), do: String.to_integer(digits, 16)

  defp escape(?n), do: "\n"
  defp escape(?t), do: "\t"
  defp escape(?r), do: "\r"
  defp escape(?b), do: "\b"
  defp escape(?f), do: "\f"
  defp escape(other), do: <<other>>
end
