defmodule ElixirScope.Distributed.Debug.Breakpoints.Visit do
  @moduledoc false
  # Several expressions of a sequence may stand on one line (and some of Elixir's have the line of the one before
  # them, as a tuple has none of its own): the interpreter asks before each, but the line is passed once.
  #
  # Of a line with one expression every question is a visit. Of others those belong together that follow one
  # another at the same depth, where all variables of the one before are as they were; as many as the line has
  # expressions.

  @key __MODULE__

  @doc "Whether a process comes to a place, in whose meta process this runs."
  @spec new?(term, pos_integer, keyword) :: boolean
  def new?(_place, 1, _bindings), do: true

  def new?(place, times, bindings) do
    depth = length(Process.get(:dbg_istk) || [])
    {new?, last} = follow(Process.get(@key), {place, depth, bindings}, times)
    Process.put(@key, last)
    new?
  end

  @doc false
  def follow({place, depth, before, seen}, {place, depth, bindings}, times) when seen < times do
    if Enum.all?(before, &(&1 in bindings)),
      do: {false, {place, depth, bindings, seen + 1}},
      else: {true, {place, depth, bindings, 1}}
  end

  def follow(_before, {place, depth, bindings}, _times), do: {true, {place, depth, bindings, 1}}
end
