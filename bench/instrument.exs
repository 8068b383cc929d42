# What instrumented code costs the process that runs it, beside an empty native function,
# counters, ETS and a handler such as :telemetry calls. It measures the calling process; the
# drain runs beside it. The module is the same, compiled with and without the line.

Code.require_file("support.exs", __DIR__)
alias ElixirScope.Distributed, as: Scope
alias ElixirScope.Distributed.Capture.Recorder
alias ElixirScope.Distributed.Native

defmodule Handlers do
  # As :telemetry does it: handlers in a table, called one after the other, each guarded.
  def execute(event, measurements, metadata) do
    for {_event, fun, config} <- :ets.lookup(__MODULE__, event) do
      try do
        fun.(event, measurements, metadata, config)
      catch
        _class, _reason -> :ets.delete(__MODULE__, event)
      end
    end

    :ok
  end

  def handle(_event, _measurements, _metadata, _config), do: :ok
end

:ets.new(Handlers, [:named_table, :bag, :public, read_concurrency: true])
:ets.insert(Handlers, {[:shop, :order, :placed], &Handlers.handle/4, nil})

code = """
  def none, do: :ok
  def two(a, b), do: a + b
  def map(order), do: order
  def fails(x), do: :erlang.error({:no, x})
"""

for {name, line} <- [
      {"Plain", ""},
      {"Watched", "use ElixirScope.Distributed.Instrument"},
      {"Calls", "use ElixirScope.Distributed.Instrument, args: false, returns: false"}
    ],
    do: Code.compile_string("defmodule Bench.#{name} do\n#{line}\n#{code}end")

alias Bench.{Calls, Plain, Watched}

plain = :ets.new(:plain, [:set, :public])
concurrent = :ets.new(:concurrent, [:set, :public, write_concurrency: true])
counter = :counters.new(1, [:write_concurrency])
map = %{id: 17, user: "ada", total: 42}
insert = fn table, data -> :ets.insert(table, {:call, self(), Shop, data}) end

stack =
  try do
    Plain.fails(1)
  catch
    :error, _reason -> __STACKTRACE__
  end

fails = fn module ->
  try do
    module.fails(1)
  catch
    :error, _reason -> :ok
  end
end

# The rings are empty again, and the drain is awake, as it is while events come: waking it is
# the cost of the first event after a silence.
settle = fn ->
  Scope.record(:settled)
  match?({:ok, [_]}, Scope.events(order: :desc, limit: 1))
end

Scope.record(:first)

results =
  Bench.compare(
    [
      nif: fn -> Native.enabled(:call, [], :tracee) end,
      record: fn -> Scope.record(:step) end,
      record_two: fn -> Scope.record(:step, [1, :tea]) end,
      record_map: fn -> Scope.record(:step, [map]) end,
      call: fn -> Recorder.call(Shop, :buy, 2) end,
      call_two: fn -> Recorder.call(Shop, :buy, [1, :tea]) end,
      call_map: fn -> Recorder.call(Shop, :buy, [map]) end,
      return: fn -> Recorder.return(Shop, :buy, 2, 17) end,
      return_map: fn -> Recorder.return(Shop, :buy, 2, map) end,
      exception: fn -> Recorder.exception(Shop, :buy, 2, :error, {:no, 1}, stack) end,
      vitals: fn -> Recorder.vitals(self(), map) end,
      plain_two: fn -> insert.(plain, [1, :tea]) end,
      concurrent_two: fn -> insert.(concurrent, [1, :tea]) end,
      concurrent_map: fn -> insert.(concurrent, [map]) end,
      counter: fn -> :counters.add(counter, 1, 1) end,
      handler: fn -> Handlers.execute([:shop, :order, :placed], map, map) end,
      f_plain: fn -> Plain.two(1, 2) end,
      f_calls: fn -> Calls.two(1, 2) end,
      f_watched: fn -> Watched.two(1, 2) end,
      f_plain_map: fn -> Plain.map(map) end,
      f_watched_map: fn -> Watched.map(map) end,
      f_plain_fails: fn -> fails.(Plain) end,
      f_watched_fails: fn -> fails.(Watched) end
    ],
    settle
  )

{:ok, status} = Scope.status()
true = status.rings.recorded > 10_000_000
true = status.rings.lost == 0

# What it adds to the function as it was.
added = fn watched, plain -> results[watched] - results[plain] end

row = fn what, ours, {name, key}, options ->
  Bench.row("Elixir: #{what}", "ns", ours, [peer: {name, results[key]}] ++ options)
end

nif = {"empty NIF", :nif}
counter = {"counters.add/3", :counter}
handler = {"handler, as of telemetry", :handler}
set = {"ets, set", :plain_two}
busy = {"ets, write_concurrency", :concurrent_two}
busy_map = {"ets, write_concurrency", :concurrent_map}

call = "ring_call, no arguments"
row.(call, results[:call], nif, at_most: 25, times: 0.5)
row.(call, results[:call], set, times: 3)
row.(call, results[:call], busy, times: 5)
row.(call, results[:call], {"record/1", :record}, times: 0.8)

two = "ring_call, two arguments"
row.(two, results[:call_two], busy, at_most: 70, times: 1.3)
row.(two, results[:call_two], {"record/2", :record_two}, times: 0.8)

map = "ring_call, a map of three"
row.(map, results[:call_map], busy_map, at_most: 175, times: 1.3)
row.(map, results[:call_map], {"record/2", :record_map}, times: 0.8)

row.("ring_return, integer", results[:return], busy, at_most: 70, times: 1.3)
row.("ring_return, a map of three", results[:return_map], busy_map, at_most: 175, times: 1.3)
row.("ring_exception, with its stack", results[:exception], busy, [])
row.("ring_vitals, a map of three", results[:vitals], busy_map, [])

for {what, key} <- [
      {call, :call},
      {two, :call_two},
      {"ring_return, integer", :return},
      {"ring_exception, with its stack", :exception},
      {"ring_vitals, a map of three", :vitals}
    ],
    peer <- [nif, counter, handler],
    {key, peer} != {:call, nif},
    do: row.(what, results[key], peer, [])

for {what, watched, plain} <- [
      {"f/2, calls alone", :f_calls, :f_plain},
      {"f/2, call and return", :f_watched, :f_plain},
      {"f/1 of a map, call and return", :f_watched_map, :f_plain_map},
      {"f/1 that fails", :f_watched_fails, :f_plain_fails}
    ],
    do: row.("instrumented #{what}", added.(watched, plain), handler, [])

IO.puts("recorded #{status.rings.recorded}, lost #{status.rings.lost}")
