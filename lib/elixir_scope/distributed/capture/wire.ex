defmodule ElixirScope.Distributed.Capture.Wire do
  @moduledoc false
  # What members say to each other about traces, as it is read. An order is made anew from its
  # parts: its options by the schema of `trace/2`, its patterns by our own grammar, its budgets
  # number by number. Summaries and errors are data, and stay small.

  import ElixirScope.Distributed.Operations.Shape, except: [check: 2]

  alias ElixirScope.Distributed.Capture.{Governor, Order}
  alias ElixirScope.Distributed.{Error, Operations.Shape}

  # An order names functions, not everything there is.
  @order {20_000, 256 * 1024}
  @summary {2_000, 64 * 1024}
  @error {1_000, 16 * 1024}

  @most_traces 256
  @most_patterns 256
  @longest_text 1_024
  @longest_ms 0xFFFFFFFF

  @counts [:functions, :waiting, :events, :refused, :thinned, :level, :looked_at, :bytes]

  @doc "The value of a field, checked."
  @spec check(atom, term) :: {:ok, term} | :error
  def check(:order, order),
    do: if(small?(order, @order, :any), do: Order.read(order), else: :error)

  def check(:lease_ms, ms), do: passed(is_integer(ms) and ms in 1..@longest_ms, ms)
  def check(:id, id), do: passed(Order.id?(id), id)
  def check(:which, which), do: passed(which == :all or Order.id?(which), which)
  def check(:end, reason), do: passed(reason in Governor.reasons(), reason)

  def check(:summary, summary),
    do: if(small?(summary, @summary), do: summary(summary), else: :error)

  def check(:summaries, all),
    do: if(each?(all, @most_traces, &small?(&1, @summary)), do: all(all), else: :error)

  def check(:error, error), do: if(small?(error, @error), do: error(error), else: :error)
  def check(type, value), do: Shape.check(type, value)

  defp all(summaries) do
    read = Enum.map(summaries, &summary/1)
    if :error in read, do: :error, else: {:ok, Enum.map(read, &elem(&1, 1))}
  end

  # What a later version says besides is not taken along.
  defp summary(%{} = summary) do
    known = Map.take(summary, Map.keys(types()))
    passed(fields?(known, types()), known)
  end

  defp summary(_other), do: :error

  defp types do
    @counts
    |> Map.new(&{&1, fn value -> number?(value) end})
    |> Map.merge(%{
      id: &Order.id?/1,
      patterns: &each?(&1, @most_patterns, fn text -> text?(text, @longest_text) end),
      by: &(&1 == nil or by?(&1)),
      order: &ordered?/1,
      reason: &(&1 == nil or &1 in Governor.reasons()),
      message: &(&1 == nil or text?(&1, @longest_text))
    })
  end

  defp by?({node, pid}), do: is_atom(node) and is_pid(pid)
  defp by?(_other), do: false

  defp ordered?({id, at}), do: Order.id?(id) and (at == nil or is_integer(at))
  defp ordered?(_other), do: false

  defp error(%Error{reason: reason, details: %{} = details})
       when is_atom(reason) and not is_struct(details),
       do: {:ok, Error.new(reason, details)}

  defp error(_other), do: :error
end
