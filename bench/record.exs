# What an explicit event costs the process that records it, beside inserting the same
# into an ETS table. It measures the calling process; the drain runs beside it.

Code.require_file("support.exs", __DIR__)
alias ElixirScope.Distributed, as: Scope

plain = :ets.new(:plain, [:set, :public])
concurrent = :ets.new(:concurrent, [:set, :public, write_concurrency: true])
map = %{id: 17, user: "ada", total: 42}

insert = fn table, data -> :ets.insert(table, {:step, self(), data, nil}) end

# The rings are empty again.
settle = fn -> match?({:ok, [_]}, Scope.events(order: :desc, limit: 1)) end
Scope.record(:first)

results =
  Bench.compare(
    [
      none: fn -> Scope.record(:step) end,
      integer: fn -> Scope.record(:step, 17) end,
      map: fn -> Scope.record(:step, map) end,
      correlated: fn -> Scope.record(:step, 17, correlation_id: "r-17") end,
      not_running: fn -> Scope.record(:step, 17, scope: :nobody) end,
      now: fn -> Scope.GlobalClock.now() end,
      plain_integer: fn -> insert.(plain, 17) end,
      plain_map: fn -> insert.(plain, map) end,
      concurrent_integer: fn -> insert.(concurrent, 17) end,
      concurrent_map: fn -> insert.(concurrent, map) end,
      counter: fn -> :erlang.system_time() end
    ],
    settle
  )

# In an extent, and in a process that was reached from one.
cases = [integer: fn -> Scope.record(:step, 17) end, peer: fn -> insert.(concurrent, 17) end]

{own, inherited} =
  Scope.with_correlation("r-17", fn ->
    own = Bench.compare(cases, settle)
    {own, Task.await(Task.async(fn -> Bench.compare(cases, settle) end), :infinity)}
  end)

extent =
  Bench.compare(
    begin: fn -> Scope.with_correlation(17, fn -> :ok end) end,
    peer: fn -> insert.(concurrent, 17) end
  )

{:ok, status} = Scope.status()

# As it is where the configuration says `enabled: false`.
:ok = Scope.stop()
disabled = Bench.compare(record: fn -> Scope.record(:step, 17) end)[:record]
true = status.rings.recorded > 1_000_000
true = status.rings.lost == 0

row = fn what, ours, peer, figure, options ->
  Bench.row("Elixir: #{what}", "ns", ours, [peer: {peer, figure}] ++ options)
end

{set, busy} = {"ets, set", "ets, write_concurrency"}
{plain, concurrent} = {results[:plain_integer], results[:concurrent_integer]}

row.("record/1", results[:none], set, plain, times: 1.3)
row.("record/2, integer", results[:integer], busy, concurrent, at_most: 50, times: 1.3)

row.("record/2, map of three", results[:map], busy, results[:concurrent_map],
  at_most: 130,
  times: 1.3
)

row.("record/3, correlated", results[:correlated], busy, concurrent, times: 1)
row.("record/2, integer, in an extent", own[:integer], busy, own[:peer], [])
row.("record/2, integer, inherited", inherited[:integer], busy, inherited[:peer], [])
row.("with_correlation/2", extent[:begin], busy, extent[:peer], [])
row.("record/3, no scope runs", results[:not_running], set, plain, times: 1)
row.("record/2, disabled", disabled, set, plain, times: 1)
row.("GlobalClock.now/0", results[:now], "system_time/0", results[:counter], [])

IO.puts("recorded #{status.rings.recorded}, lost #{status.rings.lost}")
