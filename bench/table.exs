# The one table of what the benches found, from the rows in their output:
#
#     elixir bench/table.exs FILE
#
# What a row says is described in native/scope_bench/src/lib.rs. The ratio is the peer's
# figure over ours; a target is met where all that is asked for holds.

defmodule Table do
  @moduledoc false

  @titles ["what", "ours", "peer", "ratio", "target", "met"]

  def print(rows) do
    lines = [@titles | rows]

    widths =
      for column <- Enum.zip_with(lines, & &1),
          do: column |> Enum.map(&String.length/1) |> Enum.max()

    rule = for width <- widths, do: String.duplicate("-", width)
    for line <- [@titles, rule | rows], do: IO.puts(line(line, widths))
  end

  defp line(cells, widths) do
    padded = Enum.zip_with(cells, widths, &String.pad_trailing/2)
    "| " <> Enum.join(padded, " | ") <> " |"
  end

  @doc "The cells of a row, or nil for a line that is none."
  def row("row\t" <> fields) do
    [what, unit, ours, peer, figure, at_most, times] = fields |> String.trim() |> padded()

    {ours, figure, at_most, times} =
      {number(ours), number(figure), number(at_most), number(times)}

    ratio = figure && ours > 0 && figure / ours

    target = [at_most && "≤ #{short(at_most)} #{unit}", times && "≥ #{short(times)} ×"]
    target = Enum.reject(target, &is_nil/1)
    met = at_least(at_most, ours) and at_least(ratio, times)

    [
      what,
      "#{short(ours)} #{unit}",
      peer(figure, unit, peer),
      if(ratio, do: short(ratio), else: "")
    ] ++
      if(target == [], do: ["reported", ""], else: [Enum.join(target, ", "), met(met)])
  end

  def row(_line), do: nil

  # Empty fields at the end may be gone.
  defp padded(fields) do
    fields = String.split(fields, "\t")
    fields ++ List.duplicate("", 7 - length(fields))
  end

  defp at_least(more, less), do: is_nil(more) or is_nil(less) or (more && more >= less)
  defp met(true), do: "yes"
  defp met(_), do: "NO"

  defp peer(nil, _unit, peer), do: peer
  defp peer(figure, unit, peer), do: "#{short(figure)} #{unit}, #{peer}"

  defp number(""), do: nil

  defp number(text) do
    {number, ""} = Float.parse(text)
    number
  end

  defp short(n) when n == trunc(n) or n >= 100, do: to_string(round(n))
  defp short(n) when n >= 10, do: :erlang.float_to_binary(n, decimals: 1)
  defp short(n), do: :erlang.float_to_binary(n, decimals: 2)
end

defmodule Machine do
  @moduledoc false

  def describe do
    otp = "OTP #{System.otp_release()}, Elixir #{System.version()}, #{rust()}"
    "#{Date.utc_today()}, #{cpu()}, #{System.schedulers_online()} cores, #{otp}"
  end

  defp rust do
    {version, 0} = System.cmd("rustc", ["--version"])
    version |> String.split() |> Enum.take(2) |> Enum.join(" ")
  end

  defp cpu do
    with {:ok, info} <- File.read("/proc/cpuinfo"),
         [_, name] <- Regex.run(~r/model name\s*: (.*)/, info),
         do: name,
         else: (_ -> "unknown processor")
  end
end

[file] = System.argv()
rows = file |> File.stream!() |> Enum.map(&Table.row/1) |> Enum.reject(&is_nil/1)
IO.puts("#{Machine.describe()}\n")
Table.print(rows)
