defmodule ElixirScope.Distributed.Query.ResultTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.{Error, Query.Result}
  doctest Result

  defp result(nodes, missing) do
    %Result{events: [], nodes: nodes, missing: Map.new(missing, &{&1, :distributed_timeout})}
  end

  test "how many members must have answered" do
    for {nodes, missing, any, majority, all} <- [
          {[:a, :b, :c], [], :ok, :ok, :ok},
          {[:a, :b, :c], [:b], :ok, :ok, :error},
          {[:a, :b, :c], [:b, :c], :ok, :error, :error},
          {[:a, :b], [:b], :ok, :error, :error},
          {[:a], [], :ok, :ok, :ok}
        ],
        {require, expected} <- [any: any, majority: majority, all: all] do
      assert {^expected, value} = nodes |> result(missing) |> Result.require(require)
      if expected == :error, do: assert(%Error{reason: :nodes_missing} = value)
    end
  end

  test "what is missing or lost makes a result partial" do
    refute Result.partial?(result([:a], []))
    assert Result.partial?(result([:a, :b], [:b]))
    assert Result.partial?(%{result([:a], []) | dropped: 1})
  end
end
