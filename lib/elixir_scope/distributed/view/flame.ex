defmodule ElixirScope.Distributed.View.Flame do
  @moduledoc """
  Where the time of a request went, over all nodes in one flame.

      ElixirScope.Distributed.View.flame(correlation_id: "r-17")

  Calls of one function on one node below the same calls are one *frame*. A call on another node stands below the
  call that waited for it. What is left of that wait has frames of its own: `[waiting]` passed at the other side
  while nothing that was captured ran there, `[network]` on the way there and back, and in queues. So what is
  below a call adds up to its time. What a call began and did not wait for is below it too, and may last longer.
  Where messages were not captured, the time of what a call holds on other nodes is taken from its own.

  Each line is a frame with a bar for its share of all the time. `format: :folded` writes folded stacks,
  one line for each stack with nanoseconds, as `flamegraph.pl`, speedscope and others read them.

      iex> alias ElixirScope.Distributed.{Causality, Event, View}
      iex> event = &%Event{
      ...>   id: {{:web@host, 1}, &1}, at: {0, &1 * 1_000, :web@host}, mono_ns: &1 * 1_000, node: :web@host,
      ...>   pid: self(), kind: &2, subject: {Shop, &3, 1}
      ...> }
      iex> {:ok, causality} = Causality.build([
      ...>   event.(1, :call, :buy), event.(2, :call, :pay), event.(4, :return, :pay), event.(5, :return, :buy)
      ...> ])
      iex> causality |> View.Flame.render(format: :folded) |> Enum.map(&to_string/1)
      ["Shop.buy/1 (web@host) 2000", "Shop.buy/1 (web@host);Shop.pay/1 2000"]
  """

  alias ElixirScope.Distributed.{Causality, Error, View}
  alias ElixirScope.Distributed.Causality.Spans
  alias ElixirScope.Distributed.View.Flame.{Bars, Folded}
  alias ElixirScope.Distributed.View.Tree

  @doc """
  The lines of a picture.

  ## Options

  #{ElixirScope.Distributed.Options.docs(:flame)}
  """
  @spec render(Causality.t(), keyword | map) :: View.lines() | {:error, Error.t()}
  def render(causality, options \\ []) do
    with {:ok, options} <- View.check(:flame, options),
         spans = Spans.of(causality),
         {:ok, top} <- Tree.top(spans, options[:id]),
         do: lines(options[:format], spans, Spans.flame(spans, top), options)
  end

  defp lines(:folded, _spans, frames, _options), do: Folded.lines(frames)
  defp lines(:text, spans, frames, options), do: Bars.lines(spans, frames, options)
end
