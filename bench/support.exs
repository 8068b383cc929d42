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

  @doc """
  Says a row of the table that `make bench` prints; native/scope_bench says what is in it.
  `:peer` is `{name, figure}`, `:at_most` what ours may be, `:times` how many times the
  peer's figure has to be of ours.
  """
  def row(what, unit, ours, options \\ []) do
    {peer, figure} = options[:peer] || {nil, nil}
    fields = ["row", what, unit, ours / 1, peer, figure, options[:at_most], options[:times]]
    IO.puts(Enum.join(fields, "\t"))
  end

  def median(values), do: values |> Enum.sort() |> Enum.at(div(length(values), 2))

  defp time(fun) do
    {us, :ok} = :timer.tc(fn -> repeat(fun, @calls) end)
    us * 1_000 / @calls
  end

  defp repeat(_fun, 0), do: :ok

  defp repeat(fun, n) do
    fun.()
    repeat(fun, n - 1)
  end
end
