defmodule ElixirScope.Distributed.Served do
  @moduledoc false
  # In the place of what serves operations on a test node: functions that do what their first argument
  # says, so that a test can have one that blocks, dies, or counts how often it was called.

  import ElixirScope.Distributed.Case, only: [on: 2, on: 4]

  alias ElixirScope.Distributed.Debug
  alias ElixirScope.Distributed.Debug.Operations

  @logic ~S"""
  -module(served_stub).
  -export([do/2, count/1, table/0]).

  table() -> table(ets:info(served)).
  table(Info) when Info =/= undefined -> ok;
  table(undefined) ->
    Me = self(),
    spawn(fun() -> ets:new(served, [named_table, public]), Me ! made, receive stop -> ok end end),
    receive made -> ok end.

  count(Key) -> case ets:lookup(served, Key) of [{_, N}] -> N; [] -> 0 end.

  do(Operation, Args) ->
    ets:update_counter(served, Operation, 1, {Operation, 0}),
    case [A || A <- Args, is_atom(A) orelse is_binary(A)] of
      [<<"block">> | _] -> register(served_blocked, self()), receive go -> {ok, went} end;
      [many | _] -> receive go -> {ok, went} end;
      [block | _] -> register(served_blocked, self()), receive go -> {ok, went} end;
      [wait | _] -> receive after 20 -> {ok, waited} end;
      [crash | _] -> erlang:error(planted);
      [exit | _] -> exit(self(), kill), receive never -> ok end;
      [large | _] -> {ok, binary:copy(<<0>>, 17 * 1024 * 1024)};
      [refuse | _] -> {error, planted};
      [strange | _] -> strange;
      [fine | _] -> ok;
      _ -> {ok, {Operation, node()}}
    end.
  """

  @pretender ~S"""
  -module(served_pretender).
  -export([pretend/2, loop/1]).

  pretend(Name, Versions) -> register(Name, spawn(served_pretender, loop, [Versions])), ok.

  loop(Versions) ->
    receive
      {'$gen_call', From, {elixir_scope_debug_hello, _}} ->
        Said = #{versions => Versions, desk => self(), services => [], now_ms => 0, news => yes},
        gen_server:reply(From, {elixir_scope_debug_hello, Said}), served_pretender:loop(Versions);
      _ -> served_pretender:loop(Versions)
    end.
  """

  @telemetry ~S"""
  -module(telemetry).
  -export([execute/3, seen/0]).

  execute(Event, Measurements, Metadata) ->
    catch ets:insert(served, {{event, erlang:unique_integer([monotonic])}, {lists:last(Event), Measurements, Metadata}}),
    ok.

  seen() -> [E || {{event, _}, E} <- lists:sort(ets:tab2list(served))].
  """

  @doc "Keeps what a node that has stubs tells by `:telemetry`; `on(node, :telemetry, :seen, [])` gives it."
  def listen(node) do
    {module, code} = compiled(@telemetry)
    on(node, fn -> {:module, ^module} = :code.load_binary(module, ~c"served", code) end)
  end

  @doc "Puts a desk of another version, which answers nothing but hello, in the place of a node's own."
  def pretend(node, versions) do
    {module, code} = compiled(@pretender)

    on(node, fn ->
      {:module, ^module} = :code.load_binary(module, ~c"served", code)
      :ok = Supervisor.terminate_child(Debug.Supervisor, Debug.Desk)
    end)

    on(node, module, :pretend, [Debug.Desk, versions])
  end

  @doc "Puts them in the place of every operation of these services."
  def stub(node, services) do
    modules = [compiled(@logic) | Enum.map(by_module(services), &compiled/1)]

    on(node, fn ->
      for {module, code} <- modules,
          do: {:module, ^module} = :code.load_binary(module, ~c"served", code)
    end)

    on(node, :served_stub, :table, [])
  end

  defp by_module(services) do
    rows = for row <- Operations.all(), row.service in services, do: row
    for {module, rows} <- Enum.group_by(rows, &elem(&1.function, 0)), do: source(module, rows)
  end

  defp source(module, rows) do
    functions = for row <- rows, uniq: true, do: function(row)
    "-module('#{module}').\n-compile(export_all).\n-compile(nowarn_export_all).\n#{functions}"
  end

  defp function(%{function: {_module, name}, takes: takes, operation: operation}) do
    args = Enum.map_join(Enum.with_index(takes), ", ", fn {_type, n} -> "A#{n}" end)
    "#{name}(#{args}) -> served_stub:do(#{operation}, [#{args}]).\n"
  end

  defp compiled(text) do
    forms =
      for part <- String.split(text, ~r/\.\n/, trim: true), String.trim(part) != "" do
        {:ok, tokens, _line} = :erl_scan.string(to_charlist(part <> "."))
        {:ok, form} = :erl_parse.parse_form(tokens)
        form
      end

    {:ok, module, code} = :compile.forms(forms, [])
    {module, code}
  end
end
