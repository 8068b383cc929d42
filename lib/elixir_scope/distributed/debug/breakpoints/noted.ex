defmodule ElixirScope.Distributed.Debug.Breakpoints.Noted do
  @moduledoc false
  # What owners are told from where processes pass: texts of log points, and what is wrong with conditions. Of each
  # breakpoint a bounded number of messages in a second; of how many were left out the next one says.

  alias ElixirScope.Distributed.Debug.Breakpoints.{Board, Text}

  @per_second 100

  @doc "How many messages there are of one breakpoint in a second."
  def limits, do: %{breakpoint_messages_per_s: @per_second}

  @doc "A log point was passed."
  def logged(one, pid, log, frame) do
    with {:ok, left_out} <- allowed(one) do
      text = Text.render(log, frame) <> left_out(left_out)
      send(one.owner, {:elixir_scope_stopped, node(), {:logged, one.id, pid, text}})
    end
  end

  @doc "A condition could not be evaluated: it does not count."
  @spec wrong(map, String.t()) :: false
  def wrong(one, why) do
    with {:ok, left_out} <- allowed(one),
         do:
           send(
             one.owner,
             {:breakpoint, {:condition_failed, why <> left_out(left_out)}, one.shown}
           )

    false
  end

  defp allowed(%{owner: owner, id: id}),
    do: Board.allow({owner, id}, System.monotonic_time(:second), @per_second)

  defp left_out(0), do: ""
  defp left_out(more), do: " (and #{more} more that are not shown)"
end
