# What whole programs take when all that they do is traced, beside the same programs untraced and
# with the tracers that the VM has; and what it takes beside the program to keep an event.
#
#   kv   twenty servers and eight clients: small arguments, many messages
#   fmt  the formatter of the language over a source: twenty modules, large arguments
#
# Every call, return and message of theirs is an event. The first figures are the program's own
# time. The last ones are processor time of what runs beside it, for each event that it kept.

Code.require_file("support.exs", __DIR__)
Code.require_file("noop/tracers.exs", __DIR__)
alias Bench.Tracers
alias ElixirScope.Distributed, as: Scope
alias ElixirScope.Distributed.Capture.Targets.Loops

for n <- 1..20 do
  defmodule Module.concat(Bench.Kv, "Store#{n}") do
    use GenServer

    def put(store, key, item), do: GenServer.call(store, {:put, key, item})
    def fetch(store, key), do: GenServer.call(store, {:fetch, key})

    def init(nil), do: {:ok, %{}}

    def handle_call({:put, key, item}, _from, items),
      do: {:reply, :ok, Map.put(items, name(key), priced(item))}

    def handle_call({:fetch, key}, _from, items), do: {:reply, found(items, key), items}

    defp found(items, key), do: Map.get(items, name(key), :none)
    defp name(key), do: rem(key, 100)
    defp priced(item), do: %{item | total: total(item.lines)}
    defp total([one, two]), do: one + two
  end
end

defmodule Bench.Kv do
  @moduledoc false
  @clients 8
  @steps 400

  def modules, do: for(n <- 1..20, do: Module.concat(__MODULE__, "Store#{n}"))

  @doc "Its processes, and what runs it."
  def start do
    stores = for module <- modules(), do: {module, elem(GenServer.start(module, nil), 1)}
    stores = List.to_tuple(stores)
    clients = for n <- 1..@clients, do: spawn(fn -> client(stores, n) end)
    {Enum.map(Tuple.to_list(stores), &elem(&1, 1)) ++ clients, fn -> run(clients) end}
  end

  defp run(clients) do
    for client <- clients, do: send(client, {:go, self()})
    for _client <- clients, do: receive(do: (:done -> :ok))
  end

  defp client(stores, n) do
    from = receive do: ({:go, from} -> from)
    for step <- 1..@steps, do: step(elem(stores, rem(n + step, tuple_size(stores))), step)
    send(from, :done)
    Process.sleep(:infinity)
  end

  defp step({module, store}, step) do
    :ok = module.put(store, step, %{user: "ada", lines: [step, 7], total: 0})
    %{total: _} = module.fetch(store, step)
  end
end

defmodule Bench.Fmt do
  @moduledoc false

  @source File.read!(Path.join(__DIR__, "table.exs"))
  @modules [Code.Formatter, Code.Normalizer, Code.Identifier, Code.Fragment, Inspect.Algebra] ++
             [Macro, Macro.Env, Path, File, String.Break, String.Tokenizer, Version] ++
             [Version.Parser, String.Tokenizer.Security] ++
             ~w(elixir elixir_config elixir_errors elixir_interpolation elixir_parser
                elixir_tokenizer elixir_utils)a

  def modules, do: Enum.filter(@modules, &Code.ensure_loaded?/1)

  @doc "Its process, and what runs it."
  def start do
    worker = spawn(&work/0)
    {[worker], fn -> send(worker, {:go, self()}) && receive(do: (:done -> :ok)) end}
  end

  defp work do
    from = receive do: ({:go, from} -> from)
    Code.format_string!(@source)
    send(from, :done)
    Process.sleep(:infinity)
  end
end

defmodule Bench.Cpu do
  @moduledoc false
  # Processor time of threads of this VM, in nanoseconds, by the kernel's account.

  def ours, do: of(&String.starts_with?(&1, "elixir_scope"))
  def all, do: of(fn _name -> true end)

  defp of(wanted) do
    for task <- File.ls!("/proc/self/task"), wanted.(name(task)), reduce: 0 do
      sum -> sum + ran(task)
    end
  end

  defp name(task), do: File.read!("/proc/self/task/#{task}/comm")

  defp ran(task) do
    [ran | _] = "/proc/self/task/#{task}/schedstat" |> File.read!() |> String.split()
    String.to_integer(ran)
  end
end

defmodule Bench.Program do
  @moduledoc false
  # One way of tracing at a time. A way is a fun of the processes, and answers what ends it, which
  # in turn answers how many events it kept, how many it lost, and the nanoseconds of processor time
  # that this took beside the program.

  @rounds 5

  def compare(program, ways) do
    for {_name, way} <- ways, do: once(program, way)
    rounds = for _ <- 1..@rounds, do: for({name, way} <- ways, do: {name, once(program, way)})
    Map.new(ways, fn {name, _way} -> {name, medians(for round <- rounds, do: round[name])} end)
  end

  defp medians(runs) do
    Map.new(Map.keys(hd(runs)), fn key -> {key, Bench.median(for run <- runs, do: run[key])} end)
  end

  defp once(program, way) do
    {pids, run} = program.start()
    stop = way.(pids)
    {us, _done} = :timer.tc(run)
    kept = stop.()
    for pid <- pids, do: Process.exit(pid, :kill)
    seen = kept.events + kept.lost
    Map.merge(kept, %{seen: seen, ms: us / 1_000, cpu: kept.cpu / max(kept.events, 1)})
  end
end

defmodule Bench.Ours do
  @moduledoc false

  def start(pids, modules, options) do
    {:ok, before} = Scope.status()
    cpu = Bench.Cpu.ours()
    options = [return: true, messages: true, correlate: false, processes: pids] ++ options
    {:ok, trace} = Scope.trace(modules, Keyword.merge(Tracers.bounds(), options))
    fn -> stop(trace, before.rings, cpu) end
  end

  # A query would empty the rings by itself, on a thread of the VM.
  defp stop(trace, before, cpu) do
    now = emptied(Scope.status())
    cpu = Bench.Cpu.ours() - cpu
    {:ok, _} = Scope.stop_trace(trace)
    %{events: now.recorded - before.recorded, lost: now.lost - before.lost, cpu: cpu}
  end

  defp emptied({:ok, %{rings: %{waiting: 0} = rings}}), do: rings

  defp emptied({:ok, _status}) do
    receive do: (:never -> :ok), after: (1 -> emptied(Scope.status()))
  end
end

defmodule Bench.Process do
  @moduledoc false
  # A process as tracer: `keep` is a fun of an event and of what it kept so far.

  @doc "It works while the program runs."
  def beside(pids, flags, patterns, keep) do
    tracer = spawn_tracer(keep)
    stop = Tracers.start(pids, tracer, flags, patterns)
    fn -> stop.() && %{events: events(tracer), lost: 0, cpu: 0} end
  end

  @doc "It works when the program is through, alone: what the VM takes then is what it takes."
  def behind(pids, flags, patterns, keep) do
    tracer = spawn_tracer(keep)
    stop = Tracers.start(pids, tracer, flags, patterns)
    true = :erlang.suspend_process(tracer)
    fn -> stop.() && work(tracer) end
  end

  defp work(tracer) do
    cpu = Bench.Cpu.all()
    :erlang.resume_process(tracer)
    events = events(tracer)
    %{events: events, lost: 0, cpu: Bench.Cpu.all() - cpu}
  end

  defp spawn_tracer(keep) do
    :erlang.spawn_opt(fn -> loop(keep, 0, nil) end, message_queue_data: :off_heap)
  end

  defp events(tracer) do
    send(tracer, {:count, self()})
    receive do: ({:counted, events} -> events)
  end

  defp loop(keep, count, kept) do
    receive do
      {:count, from} -> send(from, {:counted, count})
      event -> loop(keep, count + 1, keep.(event, kept))
    end
  end

  def encode(event), do: :erlang.term_to_binary(event)

  @doc "Blocks of a thousand events, compressed by the fastest that the VM has: zlib, at level 1."
  def compress(event, nil), do: compress(event, {stream(), 0, []})

  def compress(event, {stream, count, events}) when count < 1_000,
    do: {stream, count + 1, [encode(event) | events]}

  def compress(event, {stream, _count, events}) do
    :zlib.deflate(stream, events, :finish)
    :zlib.deflateReset(stream)
    compress(event, {stream, 0, []})
  end

  defp stream do
    stream = :zlib.open()
    :ok = :zlib.deflateInit(stream, 1)
    stream
  end
end

defmodule Bench.Patterns do
  @moduledoc false
  # The functions that a trace of modules stands for, with what other tracers are told of them: the
  # returns, too, but of those that would never come.

  @generated [module_info: 0, module_info: 1, __info__: 1, behaviour_info: 1]

  def of(modules), do: Enum.flat_map(modules, &of_module/1)

  defp of_module(module) do
    loops = with :unknown <- Loops.of(module), do: {:ok, []}

    for function <- module.module_info(:functions), wanted?(function) do
      {Tuple.insert_at(function, 0, module), spec(function in elem(loops, 1))}
    end
  end

  defp wanted?({name, _arity} = function) do
    function not in @generated and not String.starts_with?(Atom.to_string(name), "-inlined-")
  end

  defp spec(true = _loop), do: true
  defp spec(false), do: [{:_, [], [{:exception_trace}]}]
end

defmodule Bench.Ways do
  @moduledoc false

  alias Bench.{Ours, Patterns, Process}

  @flags [:call, :send, :receive]

  def of(program) do
    {modules, patterns} = {program.modules(), Patterns.of(program.modules())}
    with_arity = [:arity | @flags]

    [
      untraced: fn _pids -> fn -> nothing() end end,
      noop: &noop(&1, @flags, patterns),
      calls: &Ours.start(&1, modules, capture: :calls),
      arguments: &Ours.start(&1, modules, []),
      correlated: &Ours.start(&1, modules, correlate: true),
      process: &Process.beside(&1, with_arity, patterns, fn _event, nil -> nil end),
      encoded: &Process.beside(&1, @flags, patterns, fn e, nil -> Process.encode(e) && nil end),
      behind: &Process.behind(&1, @flags, patterns, fn e, nil -> Process.encode(e) && nil end),
      compressed: &compressed(&1, @flags, patterns)
    ]
  end

  defp noop(pids, flags, patterns) do
    stop = Tracers.start(pids, {Bench.Noop, []}, flags, patterns)
    fn -> stop.() && nothing() end
  end

  defp compressed(pids, flags, patterns),
    do: Process.behind(pids, flags, patterns, &Process.compress/2)

  defp nothing, do: %{events: 0, lost: 0, cpu: 0}
end

programs = [kv: Bench.Kv, fmt: Bench.Fmt]

results =
  for {name, program} <- programs,
      do: {name, Bench.Program.compare(program, Bench.Ways.of(program))}

# Each saw the same, and kept it or counted it as lost, where the drain got no processor; ours may
# have an event or two of its own, of its beginning and of gaps.
for {_program, of} <- results, way <- [:calls, :arguments, :correlated] do
  true = abs(of[way].seen - of.encoded.seen) <= 3
  true = of.encoded.events > 20_000
end

row = fn what, unit, ours, peer, figure, options ->
  Bench.row("Elixir: #{what}", unit, ours, [peer: {peer, figure}] ++ options)
end

for {program, of} <- results do
  slower = fn way -> of[way].ms / of.untraced.ms end
  lost = "lost #{of.calls.lost} and with arguments #{of.arguments.lost}"
  IO.puts("#{program}: #{of.encoded.events} events, #{of.untraced.ms} ms untraced, #{lost}")

  for {what, way, peer, figure, options} <- [
        {"a tracer that does nothing", :noop, nil, :noop, []},
        {"no arguments", :calls, "a tracer that does nothing", :noop, []},
        {"no arguments", :calls, "process as tracer", :process, times: 1},
        {"arguments", :arguments, "process and term_to_binary", :encoded, times: 1},
        {"arguments, correlated", :correlated, "process and term_to_binary", :encoded, []}
      ],
      do: row.("#{program}, slower, #{what}", "×", slower.(way), peer, slower.(figure), options)

  for {what, way, peer, figure, options} <- [
        {"no arguments", :calls, "process and term_to_binary", :behind, at_most: 80},
        {"arguments", :arguments, "process and term_to_binary", :behind, at_most: 80, times: 5},
        {"arguments", :arguments, "the same, and zlib at level 1", :compressed, times: 5}
      ],
      do: row.("#{program}, beside it, #{what}", "ns", of[way].cpu, peer, of[figure].cpu, options)
end
