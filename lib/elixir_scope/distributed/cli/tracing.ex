defmodule ElixirScope.Distributed.CLI.Tracing do
  @moduledoc false
  # The options of a command that traces as those of `trace/2`. Patterns stay text, which the node that is
  # asked reads.

  alias ElixirScope.Distributed, as: Library
  alias ElixirScope.Distributed.CLI.{Atoms, Values}

  @same [duration: :duration_ms, events: :events, bytes: :bytes, events_per_s: :events_per_s] ++
          [return: :return, messages: :messages, state: :state, memory: :memory, also: :kinds] ++
          [profile: :profile, capture: :capture, correlate: :correlate]
  @own [on: :nodes, slower_than: :only, process: :processes]

  # What is followed of every trace, beside what it wants.
  @always [:function, :trace_started, :trace_stopped, :gap]

  @doc "The options of the command."
  @spec options() :: [atom]
  def options, do: Keyword.keys(@same) ++ Keyword.keys(@own)

  @doc "What `trace/2` takes."
  @spec order([String.t()], map, atom) :: {[String.t()], keyword}
  def order(arguments, options, scope) do
    same = for {key, name} <- @same, Map.has_key?(options, key), do: {name, options[key]}
    own = for {key, name} <- @own, given = options[key], do: {name, own(key, given)}
    Enum.each(arguments, &Atoms.afford!/1)
    {arguments, [scope: scope] ++ same ++ own}
  end

  defp own(:on, nodes), do: Enum.map(nodes, &Values.one(:nodes, &1))
  defp own(:slower_than, ms), do: Library.slower_than(ms)
  defp own(:process, processes), do: Enum.map(processes, &process/1)

  defp process("new"), do: :new
  defp process("supervised_by:" <> name), do: {:supervised_by, Values.name(name)}
  # By its name on each node; a pid is of one.
  defp process("<" <> _ = pid), do: Values.pid(pid)
  defp process("#PID<" <> _ = pid), do: Values.pid(pid)
  defp process(name), do: Values.name(name)

  @doc "The kinds of events that a trace with these options can give."
  @spec kinds(keyword) :: [atom]
  def kinds(options) do
    wanted = [messages: :message, state: :state, memory: :memory]
    @always ++ for({key, kind} <- wanted, options[key], do: kind) ++ (options[:kinds] || [])
  end
end
