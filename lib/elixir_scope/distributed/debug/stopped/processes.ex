defmodule ElixirScope.Distributed.Debug.Stopped.Processes do
  @moduledoc false
  # The processes of this node, as somebody who debugs wants to see them.

  @most 1_000

  @doc "A page of them: those that stand, then those that ran interpreted code, then the others by age."
  @spec page(keyword, %{pid => :standing | :debugged}) :: %{
          processes: [map],
          total: non_neg_integer
        }
  def page(page, states) do
    all = Process.list()
    order = Enum.sort_by(all, &{rank(states[&1]), &1})
    shown = Enum.slice(order, page[:start], min(page[:count], @most))
    %{processes: Enum.flat_map(shown, &one(&1, states)), total: length(all)}
  end

  defp rank(:standing), do: 0
  defp rank(:debugged), do: 1
  defp rank(nil), do: 2

  @doc "One, where it still is."
  @spec one(pid, map) :: [map]
  def one(pid, states) do
    case Process.info(pid, [:registered_name, :initial_call, :dictionary]) do
      nil -> []
      info -> [described(pid, info, Map.get(states, pid, :compiled))]
    end
  end

  defp described(pid, info, state) do
    %{
      pid: pid,
      node: node(),
      name: name(info[:registered_name]),
      initial: initial(info[:dictionary][:"$initial_call"], info[:initial_call]),
      label: label(pid),
      state: state
    }
  end

  defp name([]), do: nil
  defp name(name), do: name

  # What `proc_lib` begins says what it is itself.
  defp initial({_module, _function, _arity} = call, _really), do: call
  defp initial(_none, call), do: call

  # From OTP 27 on, and any term: as text of bounded size.
  defp label(pid) do
    if function_exported?(:proc_lib, :get_label, 1), do: text(apply(:proc_lib, :get_label, [pid]))
  end

  defp text(:undefined), do: nil
  defp text(label) when is_binary(label), do: String.slice(label, 0, 200)
  defp text(label), do: label |> inspect(limit: 10, printable_limit: 200) |> String.slice(0, 200)
end
