Code.require_file("../../../shared/traced.exs", __DIR__)

defmodule ElixirScope.Distributed.Capture.HostileTermsTest do
  # Terms that are large, deep or strange, through every way on which a term can be recorded:
  # as argument, return, sent and received message, exit reason and by `record/3`. Nothing of
  # them stays.
  use ExUnit.Case

  import ElixirScope.Distributed.Case, only: [eventually: 1, eventually: 2]

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.Capture.Conductor
  alias ElixirScope.Distributed.Opaque

  @calm [run_queue: :infinity, scheduler: :infinity, memory: :infinity, available: 0]
  @mib 1024 * 1024
  @times if System.get_env("SCOPE_LONG"), do: 10, else: 3
  @native_record """
  -module(scope_native_record).
  -export([new/0]).
  -record #pt{x = 1, y = 2}.
  new() -> #pt{x = 3}.
  """

  @moduletag timeout: :infinity

  setup context do
    scope = :"#{context.module}.#{context.test}"
    start_supervised!({Scope, name: scope})
    on_exit(fn -> eventually(fn -> assert ScopeTraced.Vm.traced() == [] end) end)
    {:ok, scope: scope}
  end

  # Each with what is seen of it.
  defp terms do
    [
      improper: {fn -> [1, 2 | 3] end, &match?([1, 2 | 3], &1)},
      huge_integer: {fn -> Integer.pow(7, 20_000) end, &match?(%Opaque{type: :integer}, &1)},
      deep: {fn -> nested(100_000) end, &match?([_], &1)},
      deep_tuple: {fn -> Enum.reduce(1..100_000, {}, &{&2, &1}) end, &is_tuple/1},
      deep_map: {fn -> Enum.reduce(1..10_000, %{}, &%{&1 => &2}) end, &is_map/1},
      map: {fn -> Map.new(1..100_000, &{&1, &1}) end, &is_map/1},
      bits: {fn -> <<5::3>> end, &match?(%Opaque{}, &1)},
      fun: {fn -> fn -> :x end end, &match?(%Opaque{type: :fun}, &1)},
      keyed_by_huge: {fn -> %{String.duplicate("k", 100_000) => nested(1_000)} end, &is_map/1},
      binary: {fn -> :binary.copy("x", 50 * @mib) end, &match?(%Opaque{type: :binary}, &1)}
    ] ++ native_record()
  end

  defp large do
    [
      unaligned: {&unaligned/0, &match?(%Opaque{type: :binary}, &1)},
      list: {fn -> Enum.to_list(1..10_000_000) end, &match?([1, 2 | _], &1)}
    ]
  end

  defp unaligned do
    <<_::1, rest::binary-size(100_000_000), _::7>> = <<0::1, 0::size(800_000_000), 0::7>>
    rest
  end

  defp nested(depth), do: Enum.reduce(1..depth, [], fn _, inner -> [inner] end)

  defp native_record do
    file = Path.join(System.tmp_dir!(), "scope_native_record.erl")
    File.write!(file, @native_record)

    case :compile.file(to_charlist(file), [:binary, :return]) do
      {:ok, module, code, _warnings} ->
        {:module, ^module} = :code.load_binary(module, ~c"scope_native_record", code)
        # The module is not there when this file is compiled.
        make = fn -> apply(module, :new, []) end

        [
          native: {make, &match?(%Opaque{}, &1)},
          natives: {fn -> [{make.()}] end, &match?([{%Opaque{}}], &1)}
        ]

      _older_otp ->
        []
    end
  end

  # By a process of its own, which ends with the term as its reason.
  defp use_up(scope, make) do
    pid =
      spawn(fn ->
        term = make.()
        ScopeTraced.id(term)
        send(self(), term)
        receive(do: (_ -> :ok))
        Scope.record(:it, term, scope: scope)
        exit(term)
      end)

    eventually(fn -> not Process.alive?(pid) end, within: 30_000)
    pid
  end

  defp trace(scope, capture) do
    {:ok, trace} =
      Scope.trace({ScopeTraced, :id},
        scope: scope,
        processes: :new,
        return: true,
        messages: true,
        kinds: [:process],
        capture: capture,
        health: @calm,
        duration_ms: 600_000,
        events: 1_000_000,
        bytes: 1_000 * @mib
      )

    trace
  end

  defp recorded(scope, pid) do
    {:ok, events} = Scope.events(scope: scope, pids: [pid])

    for e <- events,
        e.kind in [:call, :return, :send, :receive, :mark, :exit],
        do: {e.kind, e.data}
  end

  defp check(scope, capture, {name, {make, seen?}}) do
    pid = use_up(scope, make)
    recorded = recorded(scope, pid)

    assert {name, capture, [:call, :return, :send, :receive, :mark, :exit]} ==
             {name, capture, Keyword.keys(recorded)}

    for {kind, data} <- recorded do
      data = if kind == :call and is_list(data), do: hd(data), else: data
      assert {name, capture, kind, seen?.(data)} == {name, capture, kind, true}
    end
  end

  test "what is recorded of them", %{scope: scope} do
    for capture <- [:arguments, :full] do
      trace = trace(scope, capture)

      for {name, _} = term when not (capture == :full and name in [:map]) <- terms(),
          do: check(scope, capture, term)

      {:ok, _} = Conductor.stop(trace.id, scope)
    end
  end

  test "nothing of them stays", %{scope: scope} do
    trace(scope, :arguments)
    stays_flat(scope, terms(), @times)
  end

  @tag :slow
  test "nothing of the largest stays", %{scope: scope} do
    trace(scope, :arguments)
    for term <- large(), do: check(scope, :arguments, term)
    stays_flat(scope, large(), @times)
  end

  test "a small part of a large binary keeps nothing of it alive", %{scope: scope} do
    trace(scope, :arguments)
    size = if System.get_env("SCOPE_LONG"), do: 1_000, else: 200
    before = memory()
    pid = use_up(scope, fn -> binary_part(:binary.copy("x", size * @mib), 17, 20) end)
    assert [{:call, ["xxxxxxxxxxxxxxxxxxxx"]} | _] = recorded(scope, pid)
    eventually(fn -> assert memory() - before < 5 * @mib end)
  end

  defp stays_flat(scope, terms, times) do
    for _ <- 1..2, {_name, {make, _}} <- terms, do: use_up(scope, make)
    before = settled()
    for _ <- 1..times, {_name, {make, _}} <- terms, do: use_up(scope, make)

    eventually(
      fn ->
        grown = Map.new(settled(), fn {what, bytes} -> {what, (bytes - before[what]) / @mib} end)
        assert grown.total < 5 and grown.resident < 5, inspect(grown)
      end,
      within: 20_000
    )
  end

  defp settled do
    Enum.each(Process.list(), &:erlang.garbage_collect/1)
    %{total: memory(), resident: resident()}
  end

  defp memory, do: :erlang.memory(:total)

  # Pages of 4 KiB; where there is no such file, nothing is known.
  defp resident do
    case File.read("/proc/self/statm") do
      {:ok, text} -> (text |> String.split() |> Enum.at(1) |> String.to_integer()) * 4096
      _none -> 0
    end
  end
end
