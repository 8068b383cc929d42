defmodule ElixirScope.Distributed.Debug.Reasons do
  @moduledoc false
  # Why something of debugging does not work, in words: a part of `ElixirScope.Distributed.Error`.

  alias ElixirScope.Distributed.Debug.Stopped

  @doc "The words, or `nil` where the reason is another one."
  @spec text(atom, map) :: String.t() | nil

  # -- services --

  def text(:not_allowed, %{what: what, node: node}) do
    "#{node} does not allow #{inspect(what)}: see the options :allow and :serve of its scope"
  end

  def text(:no_common_version, %{node: node, ours: ours, theirs: theirs}) do
    "#{node} speaks #{range(theirs)} of the debugging services, and this node #{range(ours)}: " <>
      "let both have the same version of the library"
  end

  def text(:desk_busy, %{node: node}),
    do: "#{node} works on as many requests as it may, and as many wait: try again"

  def text(:too_late, %{node: node}),
    do: "the time for it was over before #{node} had done it: give it more with `timeout_ms:`"

  def text(:answer_too_large, %{limit: limit}),
    do: "the answer has more than #{limit} bytes: ask for a part of it"

  def text(:service_not_found, %{service: service, scope: scope}),
    do: "no node that can be reached offers #{inspect(service)} for the scope #{inspect(scope)}"

  def text(:circuit_open, %{node: node, wait_ms: wait_ms}) do
    "#{node} did not answer several times, and is not asked for another #{wait_ms} ms: see `services` " <>
      "in status/0"
  end

  def text(reason, details), do: Stopped.Reasons.text(reason, details)

  defp range({same, same}), do: "version #{same}"
  defp range({low, high}), do: "versions #{low} to #{high}"
  defp range(_unknown), do: "no version that is known here"
end
