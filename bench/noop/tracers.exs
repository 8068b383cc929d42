# Other tracers than ours, for the benches to be compared with: one that does nothing, in native
# code, which is the VM's own part; and processes, which is what the VM has without native code.

# Built where the VM's headers are.
library = Path.join(System.tmp_dir!(), "bench_noop_#{System.pid()}")
source = Path.join(__DIR__, "noop_tracer.c")
headers = Path.join(:code.root_dir(), "usr/include")
cc = ~w(-O2 -shared -fPIC -I #{headers} -o #{library}.so #{source})
{_, 0} = System.cmd("cc", cc)
System.put_env("BENCH_NOOP", library)

defmodule Bench.Noop do
  @on_load :load
  def load, do: :erlang.load_nif(System.get_env("BENCH_NOOP", ""), 0)
  def enabled(_tag, _state, _tracee), do: :erlang.nif_error(:missing)
  def trace(_tag, _state, _tracee, _term, _options), do: :erlang.nif_error(:missing)
end

{:module, _} = Code.ensure_loaded(Bench.Noop)
File.rm!(library <> ".so")

defmodule Bench.Tracers do
  @moduledoc false
  # With patterns of their own: what takes a tracer away again is returned.

  @compile {:no_warn_undefined, :trace}

  # What no trace of ours ends by.
  @bounds [
    events: 1_000_000_000,
    events_per_s: 1_000_000_000,
    bytes: 1_000_000_000_000,
    duration_ms: 3_600_000,
    cpu_percent: 100_000,
    health: [
      run_queue: :infinity,
      scheduler: :infinity,
      memory: :infinity,
      dist_ports: :infinity,
      available: 0
    ]
  ]

  def bounds, do: @bounds

  def start(pids, tracer, flags, patterns) do
    if Code.ensure_loaded?(:trace),
      do: session(pids, tracer, flags, patterns),
      else: legacy(pids, tracer, flags, patterns)
  end

  defp session(pids, tracer, flags, patterns) do
    session = :trace.session_create(:bench, tracer, [])
    for {mfa, spec} <- patterns, do: :trace.function(session, mfa, spec, [:local])
    for pid <- pids, do: 1 = :trace.process(session, pid, true, flags)
    fn -> :trace.session_destroy(session) end
  end

  defp legacy(pids, tracer, flags, patterns) do
    for {mfa, spec} <- patterns, do: :erlang.trace_pattern(mfa, spec, [:local])
    tracer = if is_tuple(tracer), do: Tuple.insert_at(tracer, 0, :tracer), else: {:tracer, tracer}
    for pid <- pids, do: 1 = :erlang.trace(pid, true, [tracer | flags])

    fn ->
      for pid <- pids, Process.alive?(pid), do: :erlang.trace(pid, false, [:all])
      for {mfa, _spec} <- patterns, do: :erlang.trace_pattern(mfa, false, [:local])
    end
  end
end
