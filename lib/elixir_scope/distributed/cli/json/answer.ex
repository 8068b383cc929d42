defmodule ElixirScope.Distributed.CLI.Json.Answer do
  @moduledoc false
  # What is known of an answer besides its events, as a JSON value: whose it is, and what it lacks.

  alias ElixirScope.Distributed.CLI.Json
  alias ElixirScope.Distributed.View.Footer

  @doc "The value, of what a result or a picture says of itself."
  @spec value(map) :: Json.value()
  def value(about) do
    missing = Map.new(about.missing, fn {node, why} -> {node, Footer.word(why)} end)
    known = Map.take(about, [:events, :nodes, :dropped, :expired])
    Map.merge(known, %{missing: missing, more: about.more?})
  end
end
