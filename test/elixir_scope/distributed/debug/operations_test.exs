defmodule ElixirScope.Distributed.Debug.OperationsTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen
  import ElixirScope.Distributed.Hostile, only: [mutated: 1, wrong: 0]

  alias ElixirScope.Distributed.Debug.Desk.Request
  alias ElixirScope.Distributed.Debug.Operations
  alias ElixirScope.Distributed.Debug.Operations.Argument

  doctest Operations

  @now 1_000

  # One of each type as it should be.
  @good %{
    module: Enum,
    modules: [Enum, :lists],
    file: "lib/é/cart.ex",
    line: 12,
    text: "x + 1",
    options: [depth: 2, kinds: [:runtime], start: 0],
    version: nil,
    patterns: ["Shop.Cart.total/1", Shop.Cart, {Shop.Cart, :total}, {:app, :shop}],
    patterns_or_all: :all,
    where: {"lib/cart.ex", 7},
    ids: [1, 2],
    lease_ms: 10_000,
    frame: 0,
    path: [0, :key, "text", {1, 2}],
    how: :into,
    filters: [:error, "Elixir.ArgumentError"]
  }

  defp good(type) when type in [:pid, :owner], do: self()
  defp good(type), do: Map.fetch!(@good, type)

  defp requests do
    for row <- Operations.all() do
      args = Enum.map(row.takes, &good/1)
      Request.write(1, :shop, row.service, row.operation, args, @now + 50)
    end
  end

  test "each operation is in the table once, and is read as it is meant" do
    for request <- requests(), {_, _, scope, service, operation, args, deadline} = request do
      assert {:ok, read} = Request.read(request, @now)
      assert %{scope: ^scope, args: ^args, deadline: ^deadline} = read
      assert %{service: ^service, operation: ^operation} = read.row
    end

    names = for row <- Operations.all(), do: {row.service, row.operation}
    assert Enum.uniq(names) == names
    services = Operations.services(:language) ++ Operations.services(:target)
    assert Enum.uniq(for {service, _} <- names, do: service) == services and length(services) == 7
  end

  test "what stops, interprets or evaluates needs :debug, all else :query" do
    for row <- Operations.all() do
      side = if row.service in Operations.services(:target), do: :debug, else: :query
      assert {row.operation, row.needs} == {row.operation, side}
      assert is_boolean(row.idempotent?) and row.doc != ""
      assert Enum.all?(row.takes, &is_map_key(Argument.words(), &1))
    end

    once = for %{idempotent?: false} = row <- Operations.all(), do: row.operation
    assert Enum.all?([:set, :evaluate, :step, :continue], &(&1 in once))
  end

  test "what serves an operation takes as much as stands there" do
    for %{function: {module, function}} = row <- Operations.all(), Code.ensure_loaded?(module) do
      assert {row.service, row.operation, function_exported?(module, function, length(row.takes))} ==
               {row.service, row.operation, true}
    end
  end

  test "none takes a function, or a module with a function and arguments" do
    calls = [
      {Kernel, :send, [self(), :called]},
      fn -> send(:nobody, :called) end,
      &Kernel.send/2,
      {:apply, Kernel, :send, [self(), :called]},
      [{Kernel, :send, [self(), :called]}],
      [options: fn -> :called end]
    ]

    for {type, _words} <- Argument.words(), call <- calls, type != :path do
      refute {type, Argument.check(type, call)} == {type, true}
    end
  end

  test "arguments are of their types, and small" do
    for {type, _words} <- Argument.words(),
        do: assert({type, Argument.check(type, good(type))} == {type, true})

    long = String.duplicate("x", 20_000)

    for {type, values} <- [
          module: [nil, true, "Enum", 1],
          modules: [:lists, [1], [Enum | :x], List.duplicate(Enum, 1_001)],
          file: ["", "a\0b", <<255>>, ~c"lib/x.ex", String.duplicate("x", 4_097)],
          line: [0, -1, 1.0, 10_000_001, Bitwise.bsl(1, 100_000)],
          text: [:text, <<255>>, long],
          pid: [:name, {:name, node()}],
          options: [
            %{},
            [1],
            [{"a", 1}],
            [a: fn -> 1 end],
            [a: long <> long <> long <> long <> long]
          ],
          version: [-1, 1.0, Bitwise.bsl(1, 64)],
          patterns: ["x", ["" <> long], [1], List.duplicate("x", 257)],
          where: [
            {"", 1},
            {Enum, 0},
            {Enum, :map, 256},
            {Enum, :map, []},
            {Kernel, :send, [1, 2]},
            1
          ],
          ids: [1, [:a], ["1"], Enum.to_list(1..1_001)],
          lease_ms: [0, 600_001, :infinity],
          frame: [-1, nil],
          path: [1, [1 | 2], List.duplicate(1, 65), [fn -> 1 end], [long]],
          how: [:back, "into"],
          filters: [:error, [1], [long], List.duplicate(:error, 33)]
        ],
        value <- values,
        do: refute({type, value, Argument.check(type, value)} == {type, value, true})
  end

  test "whatever a node sends is read or refused, and none of it is called or becomes an atom" do
    Process.register(self(), :hostile_test)
    requests = Enum.map(requests(), &constant/1)
    broken = bind(one_of(requests), &mutated/1)
    before = :erlang.system_info(:atom_count)

    property(
      one_of([broken, broken, broken, one_of(requests), wrong()]),
      [runs: 3_000],
      fn term ->
        case Request.read(term, @now) do
          {:ok, %Request{} = read} ->
            assert Operations.check(read.row.service, read.row.operation, read.args) ==
                     {:ok, read.row}

            assert :erts_debug.flat_size(read.args) < 50_000
            assert read.deadline <= @now + 600_000

          {:error, :not_a_service_operation} ->
            :ok

          {:error, %{reason: :no_common_version}} ->
            :ok
        end
      end
    )

    refute_received :called
    # Other tests make some at the same time, a new one for each of 3,000 would be seen.
    assert :erlang.system_info(:atom_count) - before < 2_000
  end

  test "another version is told which one is spoken" do
    request = Request.write(2, :shop, :process_monitoring, :stopped, [], @now)
    assert {:error, %{reason: :no_common_version} = error} = Request.read(request, @now)

    assert Exception.message(error) =~
             "speaks version 1 of the debugging services, and this node version 2"
  end
end
