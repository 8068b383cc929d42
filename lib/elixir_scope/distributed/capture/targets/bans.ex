defmodule ElixirScope.Distributed.Capture.Targets.Bans do
  @moduledoc false
  # What is not traced, why, and what to do instead. Two tables: what is never traced, since
  # tracing needs it itself, and what is so busy that only one function of it is.

  alias ElixirScope.Distributed.Capture.Pattern
  alias ElixirScope.Distributed.Capture.Targets.Modules
  alias ElixirScope.Distributed.Error

  @needs "every trace depends on it"
  @ours "it is part of what records the trace"
  @vm "the VM itself runs in it"
  @logs "what it logs about a trace would be traced"
  @busy "nearly every line of a program calls it"
  @servers "every server of the system runs in it"
  @cluster "the connections to other nodes hang on it"
  @loads "every module is loaded through it"

  @never %{
    @vm => ~w(erts_internal erts_code_purger erts_literal_area_collector erl_init erl_tracer
         erts_dirty_process_signal_handler erts_trace_cleaner init kernel error_handler
         application_controller application_master erl_signal_handler group user user_drv
         user_sup)a,
    @needs => ~w(trace dbg ttb seq_trace)a,
    @loads => ~w(code_server erl_prim_loader prim_eval)a,
    @cluster => ~w(socket_registry)a
  }

  @named %{
    @busy =>
      ~w(lists maps binary ets io io_lib unicode re string queue sets ordsets dict orddict
         gb_trees gb_sets proplists math atomics counters persistent_term)a ++
        [Access, Collectable, Enum, Enumerable, Inspect, Integer, IO, Kernel, Keyword, List] ++
        [List.Chars, Map, MapSet, Process, Protocol, Range, Regex, Stream, String] ++
        [String.Chars, Tuple],
    @vm => [:erlang],
    @servers =>
      ~w(gen gen_server gen_statem gen_event gen_fsm proc_lib sys supervisor
         supervisor_bridge)a ++
        [Agent, Agent.Server, DynamicSupervisor, GenServer, Registry, Supervisor, Task] ++
        [Task.Supervised, Task.Supervisor],
    @cluster => ~w(global global_group rpc erpc net_kernel net_adm erl_epmd pg auth dist_util
         inet_tcp_dist inet_tls_dist inet inet_db)a,
    @loads => [:code, Code],
    @logs => [:logger, Logger]
  }

  @prefixes [
    {"Elixir.Logger.", @logs},
    {"logger_", @logs},
    {"prim_", @vm}
  ]

  @table Map.merge(
           for(
             {why, modules} <- @named,
             module <- modules,
             into: %{},
             do: {module, {:named, why}}
           ),
           for(
             {why, modules} <- @never,
             module <- modules,
             into: %{},
             do: {module, {:never, why}}
           )
         )

  @sends [send: 2, send: 3, send_nosuspend: 2, send_nosuspend: 3, !: 2]

  @applications %{
    elixir_scope_distributed: @ours,
    kernel: @vm,
    stdlib: @busy,
    elixir: @busy,
    logger: @logs
  }

  @another "name a module, a function of it, or an application"
  @function "name one function with its arity"
  @narrower "write what does not stand for it"
  @none "trace the functions that call it"

  # Letters of a glob that narrow it down.
  @letters 2

  @doc "Whether a pattern may be traced, as far as it says itself."
  @spec check(Pattern.t()) :: :ok | {:error, Error.t()}
  def check(%Pattern{module: {:glob, glob}}), do: glob(glob)
  def check(%Pattern{module: {:app, app}}), do: application(app)
  def check(%Pattern{module: :_}), do: glob("*")

  def check(%Pattern{module: :erlang, function: f, arity: a}) when {f, a} in @sends,
    do: sends(f, a)

  def check(%Pattern{module: module} = pattern), do: check(pattern, module)

  @doc "Whether a module that a pattern stands for may be traced."
  @spec check(Pattern.t(), module) :: :ok | {:error, Error.t()}
  def check(pattern, module) do
    case {ban(module), function?(pattern)} do
      {nil, _function?} -> :ok
      {{:named, _why}, true} -> :ok
      {{level, why}, _function?} -> banned(what(pattern, module), why, instead(pattern, level))
    end
  end

  @doc "Why a module is not traced, or only one function at a time."
  @spec ban(module) :: {:never | :named, String.t()} | nil
  def ban(module) do
    if Modules.ours?(module),
      do: {:never, @ours},
      else: @table[module] || by_name(Atom.to_string(module))
  end

  defp by_name(name) do
    Enum.find_value(@prefixes, fn {prefix, why} ->
      if String.starts_with?(name, prefix), do: {:never, why}
    end)
  end

  defp function?(pattern),
    do: is_atom(pattern.module) and pattern.function != :_ and is_integer(pattern.arity)

  defp what(%Pattern{module: module}, module), do: inspect(module)
  defp what(%Pattern{module: {_kind, of}}, module), do: "#{inspect(module)} of #{inspect(of)}"

  defp instead(%Pattern{module: {_kind, _of}}, _level), do: @narrower
  defp instead(_pattern, :named), do: @function
  defp instead(_pattern, :never), do: @none

  defp glob(glob) do
    if glob |> String.replace(~r/\A:?Elixir\.|[.:*]/, "") |> String.length() < @letters,
      do: banned(inspect(glob), "it stands for nearly every module", @another),
      else: :ok
  end

  defp application(app) do
    case @applications do
      %{^app => why} -> banned("the application #{inspect(app)}", why, @another)
      _other -> :ok
    end
  end

  defp sends(function, arity) do
    what = Exception.format_mfa(:erlang, function, arity)
    banned(what, "most sends are no calls of it", "use `messages: true`")
  end

  defp banned(what, why, instead),
    do: {:error, Error.new(:banned, what: what, why: why, instead: instead)}
end
