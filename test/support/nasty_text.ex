defmodule ElixirScope.Distributed.NastyText do
  # Text as strangers write it: wide, combining, joined, hidden, or made to hurt a terminal.

  import ElixirScope.Distributed.Case.Gen

  @pieces [
            "a",
            "order",
            "é",
            "e\u0301",
            "日本",
            "한국",
            "ｆｕｌｌ",
            "👩‍👩‍👧‍👦",
            "👍🏽",
            "❤️",
            "🇩🇪",
            "1️⃣",
            "क्षि",
            "\u200D",
            "\u0301",
            "\u202Eabc\u2066",
            "\uFEFF",
            "\u00AD",
            "\n",
            "\r",
            "\t",
            "\b\b",
            "\e[31m",
            "\e]0;title\a",
            "\e[2J\e[H",
            "\u009B31m",
            "\u2028",
            <<0>>,
            <<0x7F>>,
            <<0xFF>>,
            <<0xC3>>,
            <<0xED, 0xA0, 0x80>>,
            "\\e",
            "`|&<>\"';:#%{}",
            "-->>",
            "end"
          ] ++ [String.duplicate("x", 300), "e" <> String.duplicate("\u0301", 100)]

  @doc "Generates binaries of such pieces."
  def text, do: map(list(one_of(Enum.map(@pieces, &constant/1))), &Enum.join/1)

  @doc "Whether nothing in it can do more to a terminal than be read."
  def harmless?(text) do
    String.valid?(text) and
      not String.match?(
        text,
        ~r/[\x{0}-\x{1F}\x{7F}-\x{9F}\x{2028}\x{2029}\x{202A}-\x{202E}\x{2066}-\x{2069}\x{200E}\x{200F}]/u
      )
  end
end
