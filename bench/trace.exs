# What a trace point costs the process that is traced, beside a tracer that does nothing (the
# VM's own part), a process as tracer, and one that encodes what it gets. It measures the traced
# process; drain and tracer processes run beside it.

Code.require_file("support.exs", __DIR__)
Code.require_file("noop/tracers.exs", __DIR__)
alias Bench.Tracers
alias ElixirScope.Distributed, as: Scope

defmodule Bench.Subject do
  def f(x, y), do: if(x == y, do: 1, else: 2)
  def g(map), do: map.id

  def run(:f, 0), do: :ok
  def run(:f, n), do: next(:f, n, __MODULE__.f(n, 7))
  def run(:g, 0), do: :ok
  def run(:g, n), do: next(:g, n, __MODULE__.g(%{id: n, user: "ada", total: 42}))
  def run(:send, 0), do: :ok
  def run(:send, n), do: next(:send, n, send(Process.get(:sink), n))

  defp next(what, n, _result), do: run(what, n - 1)
end

defmodule Bench.Traced do
  @moduledoc false
  # One way of tracing at a time, for a process that then calls so and so often.

  @rounds 21
  @calls 4_000

  def compare(ways) do
    for _ <- 1..2, {_name, way} <- ways, do: once(way)
    rounds = for _ <- 1..@rounds, do: for({name, way} <- ways, do: {name, once(way)})
    for {name, _} <- ways, do: {name, rounds |> Enum.map(& &1[name]) |> Bench.median()}
  end

  defp once({what, start}) do
    sink = spawn(fn -> drop() end)
    worker = worker(what, sink)
    stop = start.(worker)
    send(worker, {:go, self()})
    us = receive do: ({:took, us} -> us)
    stop.()
    Enum.each([worker, sink], &Process.exit(&1, :kill))
    us * 1_000 / @calls
  end

  defp worker(what, sink) do
    :erlang.spawn_opt(
      fn ->
        Process.put(:sink, sink)

        receive do
          {:go, from} ->
            {us, :ok} = :timer.tc(Bench.Subject, :run, [what, @calls])
            send(from, {:took, us})
            Process.sleep(:infinity)
        end
      end,
      min_heap_size: 2_000_000
    )
  end

  defp drop, do: receive(do: (_message -> drop()))
end

f = {Bench.Subject, :f, 2}
g = {Bench.Subject, :g, 1}
untraced = fn _pid -> fn -> :ok end end

ours = fn patterns, options ->
  fn pid ->
    {:ok, trace} = Scope.trace(patterns, [processes: pid] ++ options ++ Tracers.bounds())
    fn -> {:ok, _} = Scope.stop_trace(trace) end
  end
end

noop = fn flags, patterns -> &Tracers.start([&1], {Bench.Noop, []}, flags, patterns) end

# A process that is sent every event; `each` is what it does with it.
process = fn flags, patterns, each ->
  fn pid ->
    tracer = :erlang.spawn_opt(fn -> each.(each) end, message_queue_data: :off_heap)
    stop = Tracers.start([pid], tracer, flags, patterns)
    fn -> stop.() && Process.exit(tracer, :kill) end
  end
end

drop = fn again -> receive do: (_event -> again.(again)) end

encode = fn again ->
  receive do
    event ->
      :erlang.term_to_binary(event)
      again.(again)
  end
end

other = spawn(fn -> Process.sleep(:infinity) end)
breakpoint = fn _pid -> noop.([:call], [{f, true}]).(other) end
returns = [{:_, [], [{:exception_trace}]}]
token = [{:_, [], [{:message, {:get_seq_token}}]}]

results =
  Bench.Traced.compare(
    untraced: {:f, untraced},
    breakpoint: {:f, breakpoint},
    noop: {:f, noop.([:call, :arity], [{f, true}])},
    noop_arguments: {:f, noop.([:call], [{f, true}])},
    call: {:f, ours.(f, capture: :calls, correlate: false)},
    arguments: {:f, ours.(f, correlate: false)},
    noop_token: {:f, noop.([:call, :arity], [{f, token}])},
    token: {:f, ours.(f, capture: :calls)},
    process_token: {:f, process.([:call, :arity], [{f, token}], drop)},
    noop_map: {:g, noop.([:call], [{g, true}])},
    map: {:g, ours.(g, correlate: false)},
    noop_returns: {:f, noop.([:call, :arity], [{f, returns}])},
    returns: {:f, ours.(f, capture: :calls, correlate: false, return: true)},
    process: {:f, process.([:call, :arity], [{f, true}], drop)},
    process_returns: {:f, process.([:call, :arity], [{f, returns}], drop)},
    encoded: {:f, process.([:call], [{f, true}], encode)},
    send: {:send, ours.([], messages: true, correlate: false)},
    untraced_send: {:send, untraced},
    process_send: {:send, process.([:send], [], drop)}
  )

{:ok, status} = Scope.status()
true = status.rings.recorded > 100_000

row = fn what, ours, peer, figure, options ->
  Bench.row("Elixir: #{what}", "ns", results[ours], [peer: {peer, results[figure]}] ++ options)
end

nothing = "a tracer that does nothing"
row.("call, untraced", :untraced, nil, :untraced, [])
row.("call of another process's trace", :breakpoint, "untraced", :untraced, [])
row.("traced call", :call, nothing, :noop, at_most: results[:noop] + 30)
row.("traced call", :call, "process as tracer", :process, times: 1.6)

row.("traced call, two integers", :arguments, nothing, :noop_arguments,
  at_most: results[:noop_arguments] + 75
)

row.("traced call, map of three", :map, nothing, :noop_map, at_most: results[:noop_map] + 180)
row.("traced call, two integers", :arguments, "process and term_to_binary", :encoded, [])

row.("traced call and return", :returns, nothing, :noop_returns,
  at_most: results[:noop_returns] + 60
)

row.("traced call and return", :returns, "process as tracer", :process_returns, times: 1.6)
row.("traced call, correlated", :token, nothing, :noop_token, at_most: results[:noop_token] + 150)

row.("traced call, correlated", :token, "process as tracer", :process_token, times: 1.2)
row.("traced send", :send, "process as tracer", :process_send, [])
row.("send, untraced", :untraced_send, nil, :untraced_send, [])
IO.puts("recorded #{status.rings.recorded}, lost #{status.rings.lost}")
