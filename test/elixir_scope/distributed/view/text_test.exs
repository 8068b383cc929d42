defmodule ElixirScope.Distributed.View.TextTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen
  import ElixirScope.Distributed.NastyText, only: [harmless?: 1]

  alias ElixirScope.Distributed.{NastyText, View.Text}
  doctest Text

  @columns [
    {"", 0},
    {"abc", 3},
    {"é", 1},
    {"e\u0301", 1},
    {"日本語", 6},
    {"ｶﾅ", 2},
    {"한", 2},
    {"\u1112\u1161\u11AB", 2},
    {"👍", 2},
    {"👍🏽", 2},
    {"☝🏽", 2},
    {"❤", 1},
    {"❤️", 2},
    {"1️⃣", 2},
    {"👩‍👩‍👧‍👦", 2},
    {"🏴‍☠️", 2},
    {"🇩🇪", 2},
    {"🇩🇪🇫🇷", 4},
    {"🇩", 1},
    {"a\uFE0F", 1},
    {"漢\u200D漢", 4},
    {"┌─┐", 3},
    {"क्षि", 3},
    {"\u0301", 1},
    {"\t", 2},
    {"\u202E", 6},
    {<<0xFF>>, 4}
  ]

  test "the columns of a text" do
    for {text, columns} <- @columns, do: assert({text, Text.width(text)} == {text, columns})
  end

  test "an emoji is never cut, nor is a mark from its letter" do
    assert Text.fit("👩‍👩‍👧‍👦x", 2) == "…"
    assert Text.fit("👩‍👩‍👧‍👦xy", 3) == "👩‍👩‍👧‍👦…"
    assert Text.fit("e\u0301e\u0301e\u0301", 2) == "e\u0301…"
    assert Text.fit("日本", 3) == "日…"
    assert Text.fit("日本", 4) == "日本"
    assert Text.fit("日本", 0) == ""
    assert Text.fit("ab", 1, "...") == "a"
    assert Text.fit("abcde", 4, "...") == "a..."
  end

  test "a wide character that does not fit leaves a column that padding fills" do
    assert "日本語" |> Text.fit(4) |> Text.pad(4) == "日… "
    assert Text.pad("日", 4, :right) == "  日"
    assert Text.pad("日本", 3) == "日本"
  end

  test "what moves the cursor, colours or hides is written out" do
    for {text, clean} <- [
          {"\e[31mred\e[0m", ~S"\e[31mred\e[0m"},
          {"a\r\nb\tc", ~S"a\r\nb\tc"},
          {"\u009B31m", ~S"\u009B31m"},
          {"user\u202Etxt.exe", ~S"user\u202Etxt.exe"},
          {"ad\u00ADmin", ~S"ad\u00ADmin"},
          {"\u{E0041}", ~S"\u{E0041}"},
          {"a" <> <<0xC3>> <> "b", ~S"a\xC3b"},
          {"\u0301x", "◌\u0301x"}
        ],
        do: assert(Text.clean(text) == clean)
  end

  test "marks without end take columns in the end" do
    assert Text.width("e" <> String.duplicate("\u0301", 160)) == 11
  end

  test "any text is harmless, once cleaned, and stays what it is then" do
    property(NastyText.text(), fn text ->
      clean = Text.clean(text)
      assert harmless?(clean)
      assert Text.clean(clean) == clean
      assert Text.width(clean) == Text.width(text)
      assert Text.ascii(text) =~ ~r/\A[\x20-\x7E]*\z/
      assert Text.ascii(Text.ascii(text)) == Text.ascii(text)
    end)
  end

  test "what is fitted is no wider, the beginning of the text, and all of it where it fits" do
    property(tuple([NastyText.text(), integer(0..40)]), fn {text, columns} ->
      fitted = Text.fit(text, columns)
      assert harmless?(fitted)
      assert Text.width(fitted) <= columns
      assert String.starts_with?(Text.clean(text), String.trim_trailing(fitted, "…"))
      if Text.width(text) <= columns, do: assert(fitted == Text.clean(text))
      assert Text.width(Text.pad(fitted, columns)) == columns
    end)
  end
end
