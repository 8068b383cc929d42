defmodule ElixirScope.Distributed.Bare do
  @moduledoc false
  # Nodes that do not have the library: plain Erlang, or Erlang with Elixir. They are driven over their
  # standard input and output, and have a module `:shop` to be traced, which their own compiler made.

  alias ElixirScope.Distributed.Case.{Epmd, Run}

  @flags ~w(-connect_all false -kernel prevent_overlapping_partitions false +sbwt none)

  @shop ~S"""
  -module(shop).
  -export([buy/2, fail/1, tick/1, spin/1, slow/1, loop/0, server/0, ask/2, run/1, pulse/0, drop/0, copy/1]).
  -export([sup/0, init/1, child/0]).

  buy(A, B) -> {bought, A, B}.
  fail(X) -> erlang:error({no, X}).
  tick(N) -> N.
  spin(0) -> ok;
  spin(N) -> shop:tick(N), spin(N - 1).
  slow(Ms) -> receive after Ms -> {slept, Ms} end.
  pulse() -> receive stop -> ok after 1 -> shop:tick(1), self() ! shop:buy(1, 2), shop:drop(), shop:pulse() end.
  sup() -> {ok, _} = supervisor:start_link({local, shop_sup}, shop, []), receive stop -> ok end.
  init([]) -> {ok, {{one_for_one, 1, 5}, []}}.
  child() -> {ok, spawn_link(shop, loop, [])}.
  drop() -> receive _ -> ok end.
  copy(N) -> shop:buy(lists:seq(1, N), 1).
  run(Calls) -> [catch apply(shop, F, As) || {F, As} <- Calls], ok.
  loop() -> receive {go, Pid} -> Pid ! went, shop:loop(); stop -> ok end.
  server() -> receive {ask, From, Ref, What} -> From ! {answer, Ref, What}, shop:server() end.
  ask(Pid, What) ->
    Ref = make_ref(),
    Pid ! {ask, self(), Ref, What},
    receive {answer, Ref, Answer} -> Answer end.
  """

  @doc "Starts one, linked to the caller. `elixir: true` has Elixir, `exec:` is another Erlang."
  def start(options \\ []) do
    Run.ensure_started()
    name = "bare-#{System.pid()}-#{System.unique_integer([:positive])}"
    {:ok, control, node} = :peer.start_link(peer(name, options))
    compile(control)
    %{node: node, control: control}
  end

  @doc "Calls a function there, besides all connections between nodes."
  def call(target, module, function, arguments),
    do: :peer.call(target.control, module, function, arguments, 60_000)

  @doc "Starts a process there and leaves it to itself."
  def spawn(target, function, arguments),
    do: call(target, :erlang, :spawn, [:shop, function, arguments])

  @doc "Loads `:shop` again, from a file in a folder."
  def in_file(target, folder) do
    file = Path.join(folder, "shop.beam")
    File.write!(file, code(target.control))
    {:module, :shop} = load(target.control, File.read!(file), to_charlist(file))
  end

  @doc "All there is on the node that a trace could leave behind, as it says itself."
  def state(target) do
    pids = call(target, :erlang, :processes, [])
    loaded = call(target, :erlang, :loaded, [])

    %{
      modules: for(module <- loaded, not erlang?(target, module), do: module) |> Enum.sort(),
      old: for(module <- loaded, call(target, :erlang, :check_old_code, [module]), do: module),
      processes: Enum.sort(pids),
      names: target |> call(:erlang, :registered, []) |> Enum.sort(),
      tables: target |> call(:ets, :all, []) |> length(),
      flags: for(pid <- pids, flags = flags(target, pid), flags != [], do: {pid, flags}),
      new: call(target, :erlang, :trace_info, [:new_processes, :flags]),
      patterns: for(mfa <- functions(), do: call(target, :erlang, :trace_info, [mfa, :all])),
      receive: call(target, :erlang, :trace_info, [:receive, :match_spec]),
      sessions: sessions(target)
    }
  end

  @doc "What is not as it was; of processes those that have come."
  def difference(target, before) do
    now = state(target)

    for {key, value} <- now,
        value != before[key],
        here = new(target, key, value, before),
        here != [],
        do: {key, here}
  end

  # One that has ended is no trace of anything, and a connection is one's own.
  defp new(target, :processes, pids, before) do
    for pid <- pids -- before.processes,
        info = call(target, :erlang, :process_info, [pid, [:current_function, :dictionary]]),
        info != :undefined,
        info[:current_function] != {:dist_util, :con_loop, 2},
        do: {pid, info}
  end

  defp new(_target, _key, value, _before), do: value

  @doc "Messages that wait in processes of the node."
  def queued(target) do
    for pid <- call(target, :erlang, :processes, []),
        {:message_queue_len, n} <- [
          call(target, :erlang, :process_info, [pid, :message_queue_len])
        ],
        reduce: 0,
        do: (all -> all + n)
  end

  @doc "The trace sessions of the node, where it can have any."
  def sessions(target) do
    if call(target, :erlang, :function_exported, [:trace, :session_info, 1]),
      do: call(target, :trace, :session_info, [:all]) -- [{:legacy, :default}],
      else: []
  end

  defp functions,
    do: [{:shop, :buy, 2}, {:shop, :tick, 1}, {:shop, :fail, 1}, {:shop, :slow, 1}]

  defp flags(target, pid) do
    case call(target, :erlang, :trace_info, [pid, :flags]) do
      {:flags, flags} -> flags
      :undefined -> []
    end
  end

  # Erlang's own may come to be loaded at any time.
  defp erlang?(target, module) do
    root = call(target, :code, :lib_dir, [])
    file = call(target, :code, :which, [module])
    file == :preloaded or (is_list(file) and List.starts_with?(file, root))
  end

  defp peer(name, options) do
    peer = %{
      name: to_charlist(name),
      host: ~c"127.0.0.1",
      longnames: true,
      connection: :standard_io,
      wait_boot: 60_000,
      args: Enum.map(arguments(options), &to_charlist/1),
      env: [{~c"ERL_EPMD_PORT", to_charlist(Epmd.port())}]
    }

    case options[:exec] do
      nil ->
        peer

      {path, arguments} ->
        Map.put(peer, :exec, {to_charlist(path), Enum.map(arguments, &to_charlist/1)})
    end
  end

  defp arguments(options) do
    @flags ++
      ["-setcookie", "#{Run.cookie()}"] ++ (options[:args] || []) ++ elixir(options[:elixir])
  end

  defp elixir(true),
    do: ["-pa" | Enum.map([:elixir, :logger], &Path.join(:code.lib_dir(&1), "ebin"))]

  defp elixir(_none), do: []

  defp compile(control), do: {:module, :shop} = load(control, code(control), ~c"shop.beam")

  defp load(control, code, file),
    do: :peer.call(control, :code, :load_binary, [:shop, file, code], 60_000)

  @doc "The code of `:shop`, as the compiler there makes it."
  def code(%{control: control}), do: code(control)

  def code(control) do
    forms =
      for text <- String.split(@shop, ~r/\.\n/, trim: true), String.trim(text) != "" do
        {:ok, tokens, _line} = :erl_scan.string(to_charlist(text <> "."))
        {:ok, form} = :erl_parse.parse_form(tokens)
        form
      end

    {:ok, :shop, code} = :peer.call(control, :compile, :forms, [forms, [:debug_info]], 60_000)
    code
  end
end
