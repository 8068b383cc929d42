defmodule ElixirScope.Distributed.Debug.Services.Versions do
  @moduledoc false
  # Which version of the requests two nodes speak with one another: the highest that both know. Pure.

  @own {1, 1}

  @type version :: pos_integer
  @type range :: {lowest :: version, highest :: version}

  @doc "What this library speaks."
  @spec own() :: range
  def own, do: @own

  @doc "What both speak."
  @spec agree(range, term) :: {:ok, version} | :none
  def agree({low, high}, {other_low, other_high})
      when is_integer(other_low) and is_integer(other_high) do
    {from, to} = {max(low, other_low), min(high, other_high)}
    if from <= to, do: {:ok, to}, else: :none
  end

  def agree(_own, _no_range), do: :none

  @doc "Whether a version is one of the range."
  @spec in?(range, term) :: boolean
  def in?({low, high}, version), do: is_integer(version) and version in low..high
end
