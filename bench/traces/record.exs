# Records real traces for the bench of the block format, of what a user would trace:
#
#     elixir bench/traces/record.exs FOLDER [EVENTS]
#
# writes `key_value` (clients of GenServers) and `formatter` (`Code.format_string!/1`), each
# without and with arguments, compressed where there is zstd. The format is described where
# it is read: native/scope_event/benches/traces/reader.rs. Scheduling is part of them from
# OTP 26 on: before 25.3 the VM may crash on that.

defmodule Traces.Terms do
  @moduledoc false
  # A term as bytes, bounded a little above what the block format's budgets keep of it.

  import Bitwise
  alias Traces.Names

  @doc "`limits` is `{terms, depth, bytes of a binary, whether references are kept}`."
  def bytes(term, {terms, depth, _, _} = limits) do
    {bytes, _left} = put(term, {<<>>, terms}, depth, limits)
    bytes
  end

  def varint(n) when n < 0x80, do: <<n>>
  def varint(n) when n >= 0x80, do: <<1::1, n::7, varint(n >>> 7)::binary>>

  def sized(bytes), do: <<varint(byte_size(bytes))::binary, bytes::binary>>

  # Nothing more is written once the limit is reached: the reader's budgets cut before.
  defp put(_term, {_, 0} = state, _depth, _limits), do: state
  defp put(atom, state, _, _) when is_atom(atom), do: add(state, [0, varint(Names.text(atom))])

  defp put(n, state, _, _) when is_integer(n) and n in -0x8000000000000000..0x7FFFFFFFFFFFFFFF,
    do: add(state, [1, varint(if(n < 0, do: -2 * n - 1, else: 2 * n))])

  defp put(n, state, _, _) when is_integer(n), do: add(state, [11, 2])
  defp put(n, state, _, _) when is_float(n), do: add(state, [2, <<n::float-little>>])

  defp put(binary, state, _, {_, _, most, _}) when is_binary(binary) do
    kept = binary_part(binary, 0, min(most, byte_size(binary)))
    add(state, [3, varint(byte_size(binary)), sized(kept)])
  end

  defp put(bits, state, _, _) when is_bitstring(bits), do: add(state, [11, 3])
  defp put([], state, _, _), do: add(state, [12])
  defp put(tuple, state, 0, _) when is_tuple(tuple), do: add(state, [11, 8])
  defp put(map, state, 0, _) when is_map(map), do: add(state, [11, 9])
  defp put(list, state, 0, _) when is_list(list), do: add(state, [11, 10])

  defp put(tuple, state, depth, limits) when is_tuple(tuple),
    do: elements(tuple, 0, add(state, [4, varint(tuple_size(tuple))]), depth - 1, limits)

  defp put(list, state, depth, limits) when is_list(list),
    do: cells(list, add(state, [5]), depth - 1, limits)

  defp put(map, state, depth, limits) when is_map(map) do
    state = add(state, [8, varint(map_size(map))])
    pairs(:maps.next(:maps.iterator(map)), state, depth - 1, limits)
  end

  defp put(pid, state, _, _) when is_pid(pid), do: add(state, [9, varint(Names.pid(pid))])

  defp put(reference, state, _, {_, _, _, true}) when is_reference(reference),
    do: add(state, [10, sized(:erlang.term_to_binary(reference))])

  defp put(reference, state, _, _) when is_reference(reference), do: add(state, [11, 5])
  defp put(fun, state, _, _) when is_function(fun), do: add(state, [11, 1])
  defp put(port, state, _, _) when is_port(port), do: add(state, [11, 6])

  defp add({bytes, left}, more),
    do: {<<bytes::binary, IO.iodata_to_binary(more)::binary>>, left - 1}

  defp elements(tuple, at, state, _, _) when at == tuple_size(tuple), do: state
  defp elements(_, _, {_, 0} = state, _, _), do: state

  defp elements(tuple, at, state, depth, limits),
    do: elements(tuple, at + 1, put(elem(tuple, at), state, depth, limits), depth, limits)

  defp cells(_, {_, 0} = state, _, _), do: state
  defp cells([], {bytes, left}, _, _), do: {<<bytes::binary, 6>>, left}

  defp cells([head | tail], state, depth, limits),
    do: cells(tail, put(head, state, depth, limits), depth, limits)

  defp cells(tail, {bytes, left}, depth, limits),
    do: put(tail, {<<bytes::binary, 7>>, left}, depth, limits)

  defp pairs(_, {_, 0} = state, _, _), do: state
  defp pairs(:none, state, _, _), do: state

  defp pairs({key, value, next}, state, depth, limits) do
    state = put(value, put(key, state, depth, limits), depth, limits)
    pairs(:maps.next(next), state, depth, limits)
  end
end

defmodule Traces.Names do
  @moduledoc false
  # Numbers of atoms and pids, given as they are met; kept by the process that writes.

  def text(atom), do: number(:texts, atom)
  def pid(pid), do: number(:pids, pid)

  @doc "The texts, by number."
  def texts do
    names = Enum.sort_by(Process.get(:texts, %{}), fn {_atom, number} -> number end)
    for {atom, _number} <- names, do: Traces.Terms.sized(Atom.to_string(atom))
  end

  defp number(sort, name) do
    case Process.get(sort, %{}) do
      %{^name => number} ->
        number

      names ->
        Process.put(sort, Map.put(names, name, map_size(names)))
        map_size(names)
    end
  end
end

defmodule Traces.Event do
  @moduledoc false
  # One event as bytes: all but its time.

  import Traces.Terms, only: [bytes: 2, sized: 1, varint: 1]
  alias Traces.Names

  @arguments {34, 8, 130, false}
  @messages {66, 12, 260, true}

  @doc "`{time, bytes}` of a message of the VM, or nil for what is no event of ours."
  def new(message, arguments?) do
    [:trace_ts, pid, tag | rest] = Tuple.to_list(message)
    {rest, [lane, {time, unique}]} = Enum.split(rest, -2)

    with {kind, subject, data} <- event(tag, rest) do
      head = [varint(lane), kind, varint(Names.pid(pid)), subject(subject)]
      {{time, unique}, IO.iodata_to_binary([head, sized(data(data, arguments?))])}
    end
  end

  defp event(:call, [{m, f, arity}]) when is_integer(arity), do: {0, {m, f, arity}, nil}

  defp event(:call, [{m, f, arguments}]),
    do: {0, {m, f, length(arguments)}, {@arguments, arguments}}

  defp event(:return_from, [mfa, value]), do: {1, mfa, {@arguments, value}}
  defp event(:exception_from, [mfa, error]), do: {2, mfa, {@arguments, error}}
  defp event(:send, [message, to]), do: {8, to, {@messages, message}}
  defp event(:send_to_non_existing_process, sent), do: event(:send, sent)
  defp event(:receive, [message]), do: {9, nil, {@messages, message}}
  defp event(:spawn, [pid, _mfa]), do: {16, pid, nil}
  defp event(:exit, [reason]), do: {17, nil, {@messages, reason}}
  defp event(:link, [to]), do: {18, to, nil}
  defp event(:unlink, [to]), do: {19, to, nil}
  defp event(:register, [name]), do: {20, name, nil}
  defp event(:unregister, [name]), do: {21, name, nil}
  defp event(:in, [at]), do: {40, at, nil}
  defp event(:out, [at]), do: {41, at, nil}
  defp event(_other, _rest), do: nil

  defp subject({m, f, arity}) when is_integer(arity),
    do: [1, varint(Names.text(m)), varint(Names.text(f)), arity]

  defp subject(pid) when is_pid(pid), do: [2, varint(Names.pid(pid))]
  defp subject(name) when is_atom(name) and name != nil, do: [3, varint(Names.text(name))]

  defp subject(reference) when is_reference(reference),
    do: [4, sized(bytes(reference, @messages))]

  defp subject(_none), do: 0

  defp data({limits, term}, true), do: bytes(term, limits)
  defp data(_none, _arguments?), do: <<>>
end

defmodule Traces.Tracer do
  @moduledoc false
  # Takes the VM's messages. It is suspended while the load runs, so that it takes no
  # scheduler from it, and writes down what came in between.

  @magic "scope trace 1\n"

  def start(arguments?, events) do
    empty = %{last: nil, left: events, bytes: <<>>}
    Process.spawn(fn -> loop([], empty, arguments?) end, message_queue_data: :off_heap)
  end

  @doc "Runs a part of the load; how many events are still wanted."
  def during(tracer, load) do
    :erlang.suspend_process(tracer)
    load.()
    delivered = :erlang.trace_delivered(:all)
    receive do: ({:trace_delivered, :all, ^delivered} -> :ok)
    :erlang.resume_process(tracer)
    ask(tracer, :left)
  end

  @doc "The trace; the tracer ends."
  def bytes(tracer), do: ask(tracer, :bytes)

  defp ask(tracer, question) do
    send(tracer, {question, self()})
    receive do: ({^tracer, answer} -> answer)
  end

  defp loop(new, kept, arguments?) do
    receive do
      {:left, from} ->
        kept = Enum.reduce(Enum.sort(new), kept, &write/2)
        send(from, {self(), kept.left})
        loop([], kept, arguments?)

      {:bytes, from} ->
        texts = Traces.Names.texts()
        head = [@magic, Traces.Terms.varint(length(texts)), texts]
        send(from, {self(), IO.iodata_to_binary([head, kept.bytes])})

      message ->
        event = Traces.Event.new(message, arguments?)
        loop(if(event, do: [event | new], else: new), kept, arguments?)
    end
  end

  defp write(_event, %{left: 0} = kept), do: kept

  defp write({{time, _unique}, bytes}, kept) do
    delta = Traces.Terms.varint(time - (kept.last || time))
    bytes = <<kept.bytes::binary, delta::binary, bytes::binary>>
    %{last: time, left: kept.left - 1, bytes: bytes}
  end
end

defmodule Traces.KeyValue do
  @moduledoc false
  # Twenty servers, eight clients: four reads to a write.

  defmodule Server do
    @moduledoc false
    use GenServer

    def start_link(name), do: GenServer.start_link(__MODULE__, name, name: name)
    def get(server, key), do: GenServer.call(server, {:get, key})
    def put(server, key, value), do: GenServer.call(server, {:put, key, value})

    @impl true
    def init(name), do: {:ok, %{name: name, reads: 0, items: %{}}}

    @impl true
    def handle_call({:get, key}, _from, state),
      do: {:reply, lookup(state, key), count_read(state)}

    def handle_call({:put, key, value}, _from, state) do
      {:reply, :ok, %{state | items: Map.put(state.items, key, value)}}
    end

    defp lookup(state, key) do
      case Map.fetch(state.items, key) do
        {:ok, value} -> {:ok, value}
        :error -> {:error, :not_found}
      end
    end

    defp count_read(state), do: Map.update!(state, :reads, &(&1 + 1))
  end

  defmodule Client do
    @moduledoc false

    def loop(servers) do
      receive do
        {:run, requests, from} ->
          Enum.each(1..requests, fn _ -> request(servers) end)
          send(from, {:done, self()})
          loop(servers)
      end
    end

    defp request(servers) do
      server = Enum.at(servers, :rand.uniform(length(servers)) - 1)
      key = "user:#{:rand.uniform(60)}"

      case :rand.uniform(5) do
        1 -> Server.put(server, key, %{name: "Ada", visits: :rand.uniform(500)})
        _ -> Server.get(server, key)
      end
    end
  end

  def modules do
    [Server, Client, GenServer, :gen, :gen_server, :proc_lib, :sys, Process, Map, :maps, Enum] ++
      [Enumerable, Enumerable.List, Keyword, List, :lists, String.Chars, Integer, Access, :rand]
  end

  def start(trace) do
    servers = for n <- 1..20, do: :"server_#{n}"
    processes = for name <- servers, do: elem(Server.start_link(name), 1)
    clients = for _ <- 1..8, do: spawn_link(fn -> Client.loop(servers) end)
    Enum.each(processes ++ clients, trace)
    clients
  end

  def run(clients, events) do
    for client <- clients, do: send(client, {:run, div(events, 8 * 60) + 1, self()})
    for client <- clients, do: receive(do: ({:done, ^client} -> :ok))
    clients
  end

  def stop(clients) do
    for pid <- clients, do: Process.unlink(pid) && Process.exit(pid, :kill)
    for n <- 1..20, do: GenServer.stop(:"server_#{n}")
  end
end

defmodule Traces.Formatter do
  @moduledoc false
  # Source files of this library, each formatted by a process of its own. Small ones first:
  # the tokenizer hands the rest of the text on with each call, and the VM copies it for us.

  def modules do
    [Code, Code.Formatter, Code.Normalizer, Code.Identifier, Inspect.Algebra, Macro, Enum] ++
      [:elixir, :elixir_tokenizer, :elixir_interpolation, :elixir_parser, String.Tokenizer] ++
      [String, List, Keyword, :lists, :maps, :string, :unicode, Kernel, Range, IO]
  end

  def start(trace) do
    files = Path.wildcard("#{__DIR__}/../../{lib,test}/**/*.{ex,exs}")
    {Enum.sort_by(files, &File.stat!(&1).size), trace}
  end

  def run({[file | files], trace}, _events) do
    source = File.read!(file)
    format = fn -> receive(do: (:go -> Code.format_string!(source))) end
    {pid, monitor} = spawn_monitor(format)
    trace.(pid)
    send(pid, :go)
    receive do: ({:DOWN, ^monitor, _, _, _} -> :ok)
    {files ++ [file], trace}
  end

  def stop(_state), do: :ok
end

defmodule Traces do
  @moduledoc false

  # What is written down at once.
  @part 131_072

  def run(folder, events) do
    for load <- [Traces.KeyValue, Traces.Formatter], arguments? <- [false, true] do
      write(Path.join(folder, name(load, arguments?)), record(load, arguments?, events))
    end
  end

  defp name(load, arguments?) do
    name = load |> Module.split() |> List.last() |> Macro.underscore()
    if arguments?, do: name <> "_arguments", else: name
  end

  defp record(load, arguments?, events) do
    tracer = Traces.Tracer.start(arguments?, events)
    for module <- load.modules(), do: {:module, _} = Code.ensure_loaded(module)
    returns = [{:_, [], [{:exception_trace}]}]
    for module <- load.modules(), do: :erlang.trace_pattern({module, :_, :_}, returns, [:local])
    state = load.start(&:erlang.trace(&1, true, flags(tracer, arguments?)))
    state = until(load, tracer, state, events)
    bytes = Traces.Tracer.bytes(tracer)
    :erlang.trace(:all, false, [:all])
    :erlang.trace_pattern({:_, :_, :_}, false, [:local])
    load.stop(state)
    bytes
  end

  defp until(_load, _tracer, state, 0), do: state

  defp until(load, tracer, state, left) do
    me = self()
    left = Traces.Tracer.during(tracer, fn -> send(me, load.run(state, min(left, @part))) end)
    until(load, tracer, receive(do: (state -> state)), left)
  end

  defp flags(tracer, arguments?) do
    at = [:strict_monotonic_timestamp, :scheduler_id, {:tracer, tracer}]
    [:call, :send, :receive, :procs] ++ at ++ running() ++ if(arguments?, do: [], else: [:arity])
  end

  defp running, do: if(System.otp_release() >= "26", do: [:running], else: [])

  defp write(path, bytes) do
    File.mkdir_p!(Path.dirname(path))

    if Code.ensure_loaded?(:zstd) do
      packed = apply(:zstd, :compress, [bytes, %{compressionLevel: 19, windowLog: 27}])
      File.write!(path <> ".zst", packed)
      IO.puts("#{path}.zst: #{IO.iodata_length(packed)} of #{byte_size(bytes)} bytes")
    else
      File.write!(path, bytes)
      IO.puts("#{path}: #{byte_size(bytes)} bytes")
    end
  end
end

case System.argv() do
  [folder] -> Traces.run(folder, 131_072)
  [folder, events] -> Traces.run(folder, String.to_integer(events))
end
