defmodule ElixirScope.Distributed.Debug.Operations.Argument do
  @moduledoc false
  # What an argument of a service's operation may be, by the name of its type. What comes from
  # elsewhere is looked at with bounded work, and nothing of it is called or made into an atom.
  #
  # Invariant: `check/2` never raises, whatever it is given.

  import ElixirScope.Distributed.Operations.Shape, only: [each?: 3, small?: 2, text?: 2]

  @file_bytes 4_096
  @text_bytes 16_384
  @most 1_000
  @last_line 10_000_000
  @longest_lease_ms 600_000

  @words %{
    module: "a module",
    modules: "a list of at most #{@most} modules",
    file: "a path of at most #{@file_bytes} bytes",
    line: "a line, from 1",
    text: "text of at most #{@text_bytes} bytes",
    pid: "a process",
    owner: "the process to which it belongs, of any node",
    options: "a keyword list of at most 32 options of plain data",
    version: "a position `{epoch, version}`, or `nil`",
    patterns: "at most 256 patterns as `trace/2` takes them",
    patterns_or_all: "the same, or `:all`",
    where: "`{file, line}`, `{module, line}`, `{module, function, arity}`, or text",
    ids: "at most #{@most} numbers or references of breakpoints, or `:all`",
    lease_ms: "milliseconds, from 1 to #{@longest_lease_ms}",
    frame: "the number of a frame, from 0",
    path: "where in a term: at most 64 keys or positions",
    how: "`:into`, `:over` or `:out`",
    filters: "at most 32 names of kinds of exceptions"
  }

  @type name :: atom

  @doc "Every type, and what it is in words."
  @spec words() :: %{name => String.t()}
  def words, do: @words

  @doc "Whether a term is one of the type."
  @spec check(name, term) :: boolean
  def check(:module, value), do: module?(value)
  def check(:modules, value), do: each?(value, @most, &module?/1)
  def check(:file, value), do: file?(value)
  def check(:line, value), do: line?(value)
  def check(:text, value), do: text?(value, @text_bytes)
  def check(:pid, value), do: is_pid(value)
  def check(:owner, value), do: is_pid(value)
  def check(:options, value), do: each?(value, 32, &option?/1) and small?(value, {2_000, 65_536})
  def check(:version, {epoch, version}), do: number?(epoch) and number?(version)
  def check(:version, value), do: value == nil
  def check(:patterns, value), do: each?(value, 256, &pattern?/1)
  def check(:patterns_or_all, value), do: value == :all or check(:patterns, value)
  def check(:where, value), do: where?(value)
  def check(:ids, value), do: value == :all or each?(value, @most, &id?/1)
  def check(:lease_ms, value), do: is_integer(value) and value in 1..@longest_lease_ms
  def check(:frame, value), do: is_integer(value) and value in 0..1_000_000
  def check(:path, value), do: is_list(value) and each?(value, 64, &small?(&1, {64, 4_096}))
  def check(:how, value), do: value in [:into, :over, :out]
  def check(:filters, value), do: each?(value, 32, &(is_atom(&1) or text?(&1, 256)))
  def check(_type, _value), do: false

  defp module?(value), do: is_atom(value) and value not in [nil, true, false]
  defp line?(value), do: is_integer(value) and value in 1..@last_line
  defp number?(value), do: is_integer(value) and value >= 0 and value < 0x1_0000_0000_0000_0000
  defp id?(value), do: number?(value) or is_reference(value)

  # The operating system ends a path at a zero.
  defp file?(value),
    do: text?(value, @file_bytes) and value != "" and :binary.match(value, <<0>>) == :nomatch

  defp option?({key, _value}), do: is_atom(key)
  defp option?(_other), do: false

  defp pattern?(value) when is_binary(value), do: text?(value, 1_024)
  defp pattern?(value) when is_atom(value), do: module?(value)

  defp pattern?({one, other}), do: is_atom(one) and is_atom(other)

  defp pattern?({module, function, arity}),
    do: module?(module) and is_atom(function) and (arity == :_ or arity in 0..255)

  defp pattern?(_other), do: false

  defp where?({place, line}), do: (module?(place) or file?(place)) and line?(line)

  defp where?({module, function, arity}),
    do: module?(module) and is_atom(function) and arity in 0..255

  defp where?(text), do: text?(text, 1_024)
end
