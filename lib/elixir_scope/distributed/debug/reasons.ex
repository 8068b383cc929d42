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

  def text(:put_out, %{node: node, from: from}) do
    "for #{node}, #{from} is out of the cluster: NodeCoordinator.register_node(#{inspect(from)}) on any " <>
      "member takes it in again"
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

  # -- dependencies --

  def text(:bad_options, %{message: message}), do: message

  def text(:no_stream, _details),
    do: "nobody follows the dependencies of modules on this node: see TracerStream.start_link/1"

  def text(:too_many_readers, %{limit: limit}),
    do: "#{limit} subscriptions follow the dependencies of this node already: see `subscribers:`"

  def text(:unknown_file, %{file: file}),
    do: "no module that this node can load has code from #{file}"

  def text(:unknown_line, %{file: file, line: line, last: last}),
    do: "#{file} has no line #{line}; the last one with code is #{last}"

  def text(:no_code_on_line, %{file: file, line: line, nearest: nearest}),
    do: "there is no code on line #{line} of #{file}; the nearest is on line #{nearest}"

  def text(:no_debug_info, details) do
    "#{inspect(details[:module] || details[:modules])} was compiled without debug information: " <>
      "compile with `debug_info: true`, and let no release strip it"
  end

  def text(:stale_source, %{file: file, module: module}),
    do: "#{file} is not what #{inspect(module)} was compiled from any more: compile it again"

  def text(:no_beam, %{module: module}),
    do: "there is no file of #{inspect(module)} on the code path of this node"

  def text(:unknown_module, %{module: module}),
    do: "#{inspect(module)} is not a module of the project, nor named by one"

  # -- what stopped --

  def text(reason, details), do: Stopped.Reasons.text(reason, details)

  defp range({same, same}), do: "version #{same}"
  defp range({low, high}), do: "versions #{low} to #{high}"
  defp range(_unknown), do: "no version that is known here"
end
