defmodule ElixirScope.Distributed.Capture.Targets.BansTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.Capture.{Pattern, Targets}
  alias ElixirScope.Distributed.Capture.Targets.{Bans, Modules}
  alias ElixirScope.Distributed.Error

  # What is written, and a word of the reason or of what to do instead.
  @banned [
    {"*", "nearly every module"},
    {"**", "nearly every module"},
    {"*.*", "nearly every module"},
    {":*", "nearly every module"},
    {"Elixir.*", "nearly every module"},
    {"E*", "nearly every module"},
    {"*e*", "nearly every module"},
    {{:_, :f}, "nearly every module"},
    {{:_, :_, 2}, "nearly every module"},
    {{:_, :_, :_}, "nearly every module"},
    {ElixirScope.Distributed, "part of what records"},
    {{ElixirScope.Distributed, :record, 3}, "part of what records"},
    {ElixirScope.Distributed.Native, "part of what records"},
    {"ElixirScope.Distributed.*", "part of what records"},
    {"Elixir*", "part of what records"},
    {{:app, :elixir_scope_distributed}, "part of what records"},
    {:erlang, "one function with its arity"},
    {{:erlang, :put}, "one function with its arity"},
    {{:erlang, :send, 2}, "messages: true"},
    {{:erlang, :send, 3}, "messages: true"},
    {{:erlang, :!, 2}, "messages: true"},
    {":erlang.send(_, _)", "messages: true"},
    {{:erlang, :send}, "one function with its arity"},
    {:lists, "nearly every line"},
    {{:lists, :map}, "nearly every line"},
    {:maps, "nearly every line"},
    {:binary, "nearly every line"},
    {:ets, "one function with its arity"},
    {:io, "one function with its arity"},
    {:gen, "every server"},
    {:gen_server, "every server"},
    {{:gen_server, :call}, "every server"},
    {:gen_statem, "every server"},
    {:proc_lib, "every server"},
    {:code, "loaded through it"},
    {{:code_server, :call, 1}, "loaded through it"},
    {{:erl_prim_loader, :get_file, 1}, "loaded through it"},
    {{:error_handler, :undefined_function, 3}, "VM itself"},
    {{:init, :stop, 0}, "VM itself"},
    {:global, "other nodes"},
    {:rpc, "other nodes"},
    {:erpc, "other nodes"},
    {:logger, "would be traced"},
    {{:logger_server, :init, 1}, "would be traced"},
    {{:logger_backend, :log_allowed, 4}, "would be traced"},
    {Logger, "would be traced"},
    {{Logger.Formatter, :format, 5}, "would be traced"},
    {"Logger.*", "would be traced"},
    {{:prim_file, :read_file, 1}, "VM itself"},
    {":prim_*", "VM itself"},
    {{:socket_registry, :number_of, 0}, "other nodes"},
    {{:erts_internal, :garbage_collect, 1}, "VM itself"},
    {{:trace, :session_create, 3}, "every trace depends"},
    {Enum, "nearly every line"},
    {{Enum, :map}, "nearly every line"},
    {"En*", "nearly every line"},
    {String, "nearly every line"},
    {Map, "nearly every line"},
    {Keyword, "nearly every line"},
    {GenServer, "every server"},
    {"GenS*", "every server"},
    {{:app, :kernel}, "VM itself"},
    {{:app, :stdlib}, "nearly every line"},
    {{:app, :elixir}, "nearly every line"},
    {{:app, :logger}, "would be traced"},
    {[Mix, :lists], "nearly every line"}
  ]

  @fine [
    {Enum, :map, 2},
    "Map.get(%{id: 1}, _)",
    {:lists, :keyfind, 3},
    {:erlang, :put, 2},
    {:erlang, :spawn, 3},
    {:gen_server, :call, 3},
    {GenServer, :call, 2},
    {:logger, :log, 3},
    {:global, :whereis_name, 1},
    {:ets, :lookup, 2},
    {:code, :ensure_loaded, 1},
    DateTime,
    :calendar,
    "Date*",
    {:app, :ex_unit}
  ]

  for {written, text} <- @banned do
    @written written
    @text text
    test "#{inspect(written)} is refused" do
      {:ok, patterns} = Pattern.parse(@written)
      assert {:error, %Error{reason: :banned} = error} = Targets.resolve(patterns)
      assert %{what: what, why: why, instead: instead} = error.details
      assert Enum.all?([what, why, instead], &(is_binary(&1) and String.length(&1) > 2))
      assert Exception.message(error) =~ @text
      assert Exception.message(error) =~ "is not traced, as "
    end
  end

  for written <- @fine do
    @written written
    test "#{inspect(written)} is not" do
      {:ok, patterns} = Pattern.parse(@written)
      assert {:ok, _targets} = Targets.resolve(patterns)
    end
  end

  test "a module that comes from a glob is named, and so is the glob" do
    {:ok, [pattern]} = Pattern.parse("En*")
    {:error, error} = Bans.check(pattern, Enum)
    assert error.details.what == ~s(Enum of "En*")
  end

  test "the tables name modules that there are, on one OTP or another" do
    for module <- [:erlang, :lists, :gen_server, :init, :code_server, Enum, Agent.Server, Logger] do
      assert {_level, _why} = Bans.ban(module)
      assert Modules.functions(module) != :none
    end

    assert Bans.ban(ScopeShop) == nil
    assert Bans.ban(ElixirScope.DistributedElsewhere) == nil
  end

  test "no glob gets at what is never traced" do
    names =
      for module <- Modules.all(), match?({:never, _}, Bans.ban(module)), do: inspect(module)

    glob = bind(one_of(Enum.map(names, &constant/1)), &shortened/1)

    property(glob, [runs: 300], fn glob ->
      {:ok, [pattern]} = Pattern.parse(glob)
      assert {:error, %Error{reason: :banned}} = Targets.resolve([pattern])
    end)
  end

  defp shortened(name) do
    keep = integer(0..(String.length(name) - 1))
    map(keep, &(String.slice(name, 0, &1) <> "*"))
  end
end
