defmodule Bench do
  @moduledoc false
  # Times one call: the median of rounds that are interleaved with the peer's, so that
  # what disturbs the machine disturbs both; with the empty loop taken off.

  @rounds 51
  @calls 20_000

  @doc """
  Nanoseconds per call of each of `cases` (name => fun of no arguments). `settle` runs
  before each measurement: what the one before left to do is not the next one's cost.
  """
  def compare(cases, settle \\ fn -> :ok end) do
    cases = [{:empty, fn -> :ok end} | cases]
    measure = fn fun -> settle.() && time(fun) end
    for {_name, fun} <- cases, do: measure.(fun)
    rounds = for _ <- 1..@rounds, do: for({name, fun} <- cases, do: {name, measure.(fun)})
    medians = Map.new(cases, fn {name, _} -> {name, median(for r <- rounds, do: r[name])} end)
    for {name, _fun} <- tl(cases), do: {name, max(medians[name] - medians[:empty], 0.0)}
  end

  @doc "Prints rows of `{what, ours, peer, peer's name, target}`; a ratio is peer over ours."
  def table(title, rows) do
    IO.puts("\n#{title}\n#{machine()}\n")
    IO.puts("| what | ours | peer | ratio | target | met |\n|---|---|---|---|---|---|")
    Enum.each(rows, &IO.puts(row(&1)))
  end

  def machine do
    otp = :erlang.system_info(:otp_release)
    schedulers = :erlang.system_info(:schedulers_online)

    "#{Date.utc_today()}, OTP #{otp}, Elixir #{System.version()}, #{schedulers} schedulers, #{cpu()}"
  end

  def ns(value), do: "#{:erlang.float_to_binary(value / 1, decimals: 1)} ns"

  def median(values), do: values |> Enum.sort() |> Enum.at(div(length(values), 2))

  defp row({what, ours, peer, peer_name, {target, met?}}) do
    ratio = if ours > 0, do: :erlang.float_to_binary(peer / ours, decimals: 1), else: "-"
    "| #{what} | #{ns(ours)} | #{ns(peer)} #{peer_name} | #{ratio} | #{target} | #{met(met?)} |"
  end

  defp met(true), do: "yes"
  defp met(false), do: "no"

  defp time(fun) do
    {us, :ok} = :timer.tc(fn -> repeat(fun, @calls) end)
    us * 1_000 / @calls
  end

  defp repeat(_fun, 0), do: :ok

  defp repeat(fun, n) do
    fun.()
    repeat(fun, n - 1)
  end

  defp cpu do
    with {:ok, info} <- File.read("/proc/cpuinfo"),
         [_, name] <- Regex.run(~r/model name\s*: (.*)/, info),
         do: name,
         else: (_ -> "unknown processor")
  end
end
