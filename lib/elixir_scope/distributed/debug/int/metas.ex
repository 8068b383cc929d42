defmodule ElixirScope.Distributed.Debug.Int.Metas do
  @moduledoc false
  # What is said to OTP's interpreter about processes. Each process that runs interpreted code has a *meta*
  # process that runs it in its place, and to which at most one other is *attached*. What this module
  # knows of their messages is the same from OTP 25 to 29.
  #
  # A meta answers while it stands, and waits for no one who is gone. It stands in a loop of its own: the end of
  # who is attached does not let it go, `continue/1` does.

  alias ElixirScope.Distributed.Debug.Int.Installed

  @compile {:no_warn_undefined, [:int, :dbg_iserver]}

  @server :dbg_iserver

  @doc "Whether the interpreter is installed here."
  @spec there?() :: boolean
  def there?, do: Installed.there?()

  @doc "Whether it runs."
  @spec running?() :: boolean
  def running?, do: Process.whereis(@server) != nil

  @doc "Has each process that stops, or was raised in, call `{module, function}` with its pid, in a process of its own."
  @spec attach_all({module, atom}, [:break | :exit]) :: :ok
  def attach_all({module, function}, when_stopped) do
    int().auto_attach(when_stopped, {module, function})
    :ok
  end

  @doc "Ends that, if it is still ours."
  @spec attach_none({module, atom}) :: :ok
  def attach_none({module, function}) do
    with true <- running?(), {_flags, {^module, ^function, _args}} <- int().auto_attach() do
      int().auto_attach(false)
      :ok
    else
      _not_ours -> :ok
    end
  end

  @doc "Attaches the calling process."
  @spec attach(pid) :: {:ok, meta :: pid} | {:error, :not_interpreted | :taken}
  def attach(pid) do
    with {:ok, _meta} <- meta(pid), {:ok, meta} <- int().attached(pid) do
      {:ok, meta}
    else
      :error -> {:error, :taken}
      {:error, _reason} -> {:error, :not_interpreted}
    end
  end

  @doc "The meta process of a process."
  @spec meta(pid) :: {:ok, pid} | {:error, :not_interpreted}
  def meta(pid) do
    if running?(),
      do: server().call({:get_meta, pid}),
      else: {:error, :not_interpreted}
  end

  @doc "The processes that run interpreted code, and those of them that stand."
  @spec all() :: [{pid, :standing | :other}]
  def all do
    for {pid, _function, status, _info} <- if(running?(), do: int().snapshot(), else: []),
        status != :exit,
        do: {pid, if(status == :break, do: :standing, else: :other)}
  end

  @doc "Forgets those that have ended, which the interpreter would keep."
  @spec sweep() :: :ok
  def sweep, do: if(running?(), do: int().clear(), else: :ok)

  @doc "The places at which processes stop, as a set."
  @spec breaks() :: MapSet.t({module, pos_integer})
  def breaks do
    for {place, [:active | _]} <- if(running?(), do: int().all_breaks(), else: []),
        into: MapSet.new(),
        do: place
  end

  # -- commands; none waits --

  @doc "Goes on before the next expression of any level, of this level or a lower one, or of a lower one."
  @spec step(pid, :into | :over | :out) :: term
  def step(meta, :into), do: int().meta(meta, :step)
  def step(meta, :over), do: int().meta(meta, :next)
  def step(meta, :out), do: int().meta(meta, :finish)

  @doc "Goes on up to the next breakpoint."
  @spec continue(pid) :: term
  def continue(meta), do: int().meta(meta, :continue)

  @doc "Lets a process go on to which nobody is attached any more."
  @spec release(pid) :: term
  def release(pid), do: if(running?(), do: int().continue(pid))

  @doc """
  Has it stand before the next expression, whatever it does now: also where it waits in compiled code, in
  which it heeds no command, and where a step left it that has no end.
  """
  @spec halt(pid) :: term
  def halt(meta), do: send(meta, {:int, {:attached, self()}})

  @doc "Whether calls in last place are kept on the stack: only then can a step over them end."
  @spec keep_all(pid, boolean) :: term
  def keep_all(meta, true), do: int().meta(meta, :stack_trace, :all)
  def keep_all(meta, false), do: int().meta(meta, :stack_trace, :no_tail)

  @doc "Ends the meta of a process that has ended."
  @spec bury(pid) :: term
  def bury(meta), do: send(meta, {:int, :stop})

  @doc "Has the process itself call `module.function(key)`; the calling process is told `{meta, {:eval_rsp, _}}`."
  @spec run(pid, module, module, atom, integer) :: term
  def run(meta, standing_in, module, function, key) do
    # A text, as it takes no other; the number that stands for the top of the stack is larger than any.
    text = :io_lib.format("~tw:~tw(~w).~n", [module, function, key])
    int().meta(meta, :eval, {standing_in, :lists.flatten(text), 1_000_000_000})
  end

  # -- looks; each waits for the meta, and exits with `{:shutdown, :gone}` where that has ended --

  @doc "Up to `most` levels with their functions and arguments, the newest first."
  @spec backtrace(pid, pos_integer) :: [{level :: integer, tuple}]
  def backtrace(meta, most), do: get(meta, :backtrace, most)

  @doc "The level, line and variables of who called what runs at `level`; there has to be one."
  @spec caller(pid, level :: integer) :: {level :: integer, {module, integer}, keyword}
  def caller(meta, level), do: get(meta, :stack_frame, {:up, level})

  @doc "The variables where it stands."
  @spec bindings(pid) :: keyword
  def bindings(meta), do: get(meta, :bindings, :nostack)

  # As `dbg_icmd:get/3` does it, which waits for ever for one that has ended.
  defp get(meta, tag, argument) do
    monitor = Process.monitor(meta)
    send(meta, {:user, {:get, tag, self(), argument}})

    receive do
      {^meta, ^tag, reply} ->
        Process.demonitor(monitor, [:flush])
        reply

      {:DOWN, ^monitor, :process, _meta, _reason} ->
        exit({:shutdown, :gone})
    end
  end

  @doc "The clauses of the functions of a module that its interpreter has, as it has them."
  @spec clauses(module, atom, arity) :: {:ok, [tuple]} | :error
  def clauses(module, function, arity) do
    case server().call({:is_interpreted, module, function, arity}) do
      {true, clauses} -> {:ok, clauses}
      _none -> :error
    end
  end

  @doc "The functions of a module that is interpreted."
  @spec functions(module) :: [[atom | arity]]
  def functions(module), do: int().functions(module)

  @doc "Whether a module is interpreted now."
  @spec interpreted?(module) :: boolean
  def interpreted?(module), do: running?() and module in int().interpreted()

  # By name, as this library does not depend on the debugger.
  defp int, do: :int
  defp server, do: @server
end
