defmodule ElixirScope.Distributed.Inject.Reasons do
  @moduledoc false
  # Why nothing is injected, or traced beside another tool, in words: a part of
  # `ElixirScope.Distributed.Error`.

  @doc "The words, or `nil` where the reason is another one."
  @spec text(atom, map) :: String.t() | nil
  def text(:not_connected, %{node: node}),
    do: "this node is not connected with #{inspect(node)}"

  def text(:library_there, %{node: node}),
    do: "#{node} has the library: use ElixirScope.Distributed.trace/2 there, nothing is injected"

  def text(:already_injected, %{node: node}),
    do: "#{node} is traced in this way already: wait for its end"

  def text(:module_taken, %{node: node, module: module}),
    do: "#{node} has a module #{inspect(module)} with other code: nothing is injected over it"

  def text(:otp_too_old, %{node: node, otp: otp, oldest: oldest}),
    do: "#{node} runs OTP #{otp}, and nothing before OTP #{oldest} is traced"

  def text(:otp_older, %{node: node, otp: otp, own: own}) do
    "#{node} runs OTP #{otp}, which may not load what OTP #{own} compiled: do it from a node of OTP #{otp} " <>
      "or older, with the library compiled there"
  end

  def text(:short_of_memory, %{node: node, value: value, limit: limit}),
    do: "#{node} is short of memory already (#{value} bytes, limit #{limit}): see `health:`"

  def text(:inject_not_allowed, %{node: node, allow: allow}),
    do: "the configuration of #{node} says allow: #{inspect(allow)}, and :inject is not among it"

  def text(:declined, _details), do: "nothing was done, as nobody said yes"

  def text(:other_tracer, %{processes: count}) do
    "another tool traces #{count} processes, and this version of Erlang has one tracer for all: " <>
      "end that trace first, or use OTP 27"
  end

  def text(_another, _details), do: nil
end
