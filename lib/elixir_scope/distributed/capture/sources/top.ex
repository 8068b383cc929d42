defmodule ElixirScope.Distributed.Capture.Sources.Top do
  @moduledoc false
  # Which processes are worth an event: those with the most of anything. Pure.

  @measures [:work, :memory, :message_queue_len]

  @doc """
  At most `count` processes of those looked at: in turn the first by work, by memory, by messages.
  `before` has the reductions of the time before.
  """
  @spec of([{pid, keyword}], %{pid => non_neg_integer}, pos_integer) :: [{pid, map}]
  def of(looked, before, count) do
    samples = for {pid, info} <- looked, do: {pid, data(info, before[pid])}

    @measures
    |> Enum.map(&first(samples, &1, count))
    |> in_turn()
    |> Enum.uniq_by(&elem(&1, 0))
    |> Enum.take(count)
  end

  defp data(info, before) do
    %{
      work: if(before, do: info[:reductions] - before),
      reductions: info[:reductions],
      memory: info[:memory],
      message_queue_len: info[:message_queue_len],
      name: name(info[:registered_name])
    }
  end

  defp name([]), do: nil
  defp name(name), do: name

  # What is nothing is not the most of anything.
  defp first(samples, measure, count) do
    samples
    |> Enum.filter(fn {_pid, data} -> data[measure] not in [nil, 0] end)
    |> Enum.sort_by(fn {_pid, data} -> data[measure] end, :desc)
    |> Enum.take(count)
  end

  defp in_turn(lists) do
    longest = lists |> Enum.map(&length/1) |> Enum.max()
    for at <- 0..(longest - 1)//1, list <- lists, sample = Enum.at(list, at), do: sample
  end
end
