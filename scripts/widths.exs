# Makes the table of display widths from the data files of Unicode, which are public:
#
#   elixir scripts/widths.exs FOLDER >lib/elixir_scope/distributed/view/text/widths.txt
#
# FOLDER is where EastAsianWidth.txt, extracted/DerivedGeneralCategory.txt, HangulSyllableType.txt
# and emoji/emoji-data.txt are, all of one version: /usr/share/unicode of Debian's unicode-data.

defmodule Widths do
  # A character takes the first class that fits; who fits none is one column wide.
  #
  #   x  is not shown as it is: it moves the cursor, or what stands beside it, or hides
  #   0  takes no column of its own
  #   e  two columns, and joins others to one picture
  #   p  one column, and joins others to one picture
  #   2  two columns
  def run([folder]) do
    [version] =
      Regex.run(~r/EastAsianWidth-([\d.]+)\.txt/, read(folder, "EastAsianWidth.txt"),
        capture: :all_but_first
      )

    IO.puts(
      "# Unicode #{version}, made by scripts/widths.exs: see there for what the letters mean."
    )

    IO.puts("# © Unicode, Inc., https://www.unicode.org/terms_of_use.html")

    classes = folder |> facts() |> classes()
    for {first, last, class} <- runs(classes), do: IO.puts("#{hex(first)}-#{hex(last)} #{class}")
  end

  defp facts(folder) do
    %{
      width: table(folder, "EastAsianWidth.txt"),
      category: table(folder, "extracted/DerivedGeneralCategory.txt"),
      syllable: table(folder, "HangulSyllableType.txt"),
      picture: folder |> table("emoji/emoji-data.txt", ["Extended_Pictographic"])
    }
  end

  defp classes(facts) do
    points = Enum.uniq(Enum.flat_map(Map.values(facts), &Map.keys/1))
    for point <- Enum.sort(points), class = class(point, of(facts, point)), do: {point, class}
  end

  defp of(facts, point), do: Map.new(facts, fn {fact, table} -> {fact, table[point]} end)

  # Joiners stay, as scripts and emoji are made with them.
  defp class(point, _facts) when point in 0x200C..0x200D, do: "0"
  defp class(_point, %{category: c}) when c in ~w(Cc Zl Zp Cs), do: "x"
  # These stand over or around digits.
  defp class(point, %{category: "Cf"}) when point in [0x06DD, 0x070F, 0x08E2, 0x110BD, 0x110CD],
    do: nil

  defp class(point, %{category: "Cf"}) when point in 0x0600..0x0605 or point in 0x0890..0x0891,
    do: nil

  defp class(_point, %{category: "Cf"}), do: "x"
  defp class(_point, %{category: c}) when c in ~w(Mn Me), do: "0"
  defp class(_point, %{syllable: s}) when s in ~w(V T), do: "0"
  defp class(_point, %{picture: "Extended_Pictographic", width: w}) when w in ~w(W F), do: "e"
  # What has no meaning yet in these rows becomes a wide one, as all did before it.
  defp class(point, %{picture: "Extended_Pictographic", category: c})
       when c in ["Cn", nil] and point > 0xFFFF,
       do: "e"

  defp class(_point, %{picture: "Extended_Pictographic"}), do: "p"
  defp class(_point, %{width: w}) when w in ~w(W F), do: "2"
  defp class(_point, _facts), do: nil

  defp runs(classes) do
    classes
    |> Enum.chunk_while(nil, &extend/2, fn run -> {:cont, run, nil} end)
    |> Enum.reject(&is_nil/1)
  end

  defp extend({point, class}, {first, last, class}) when point == last + 1,
    do: {:cont, {first, point, class}}

  defp extend({point, class}, run), do: {:cont, run, {point, point, class}}

  defp table(folder, name, wanted \\ nil) do
    for line <- folder |> read(name) |> String.split("\n"),
        [range, value] <- [
          line |> String.split("#") |> hd() |> String.split(";") |> Enum.map(&String.trim/1)
        ],
        wanted == nil or value in wanted,
        point <- points(String.split(range, "..")),
        into: %{},
        do: {point, value}
  end

  defp points([one]), do: points([one, one])
  defp points([first, last]), do: String.to_integer(first, 16)..String.to_integer(last, 16)

  defp read(folder, name), do: File.read!(Path.join(folder, name))
  defp hex(point), do: point |> Integer.to_string(16) |> String.pad_leading(4, "0")
end

Widths.run(System.argv())
