defmodule ElixirScope.Distributed.Debug.Stopped do
  @moduledoc """
  What stopped: processes that stand at a breakpoint, after a step, at an exception or because
  somebody said so, on any node.

      :ok = Stopped.attach(:"web@10.0.0.1", scope: :shop)

      receive do
        {:elixir_scope_stopped, node, {:stopped, %Stopped{pid: pid, at: at}}} ->
          {:ok, %{frames: frames}} = Stopped.stack(pid)
          {:ok, bindings} = Stopped.bindings(pid, 0)
          {:ok, result} = Stopped.evaluate(pid, 0, "map_size(cart) + 1")
          :ok = Stopped.step(pid, :over)
      end

  Who attaches is an *owner* (`owner:`, by default the calling process) and is told, as messages
  `{:elixir_scope_stopped, node, event}`:

    * `{:stopped, %Stopped{}}` - a process stands;
    * `{:continued, pid}` - it goes on, whoever let it;
    * `{:exited, pid, reason}` - one that was looked at is no more;
    * `{:logged, id, pid, text}` - a log point was passed.

  Several owners are told the same. When one is gone (it ended, or its lease ran out without
  `Debug.Owners.renew/1`), every process goes on that stands because of it alone: nothing is left standing
  that nobody looks at. The library's own processes, those of Erlang's kernel and owners never stop.

  Values are text of bounded size with a *path*, by which `value/4` shows what is in them, a page
  at a time: the terms themselves stay where they are. Secret keys are hidden by the rules of
  `ElixirScope.Distributed.Capture.Redact`.

  Everything here needs `:debug` in the target's own `allow:`, at every call. Erlang's application
  debugger has to be installed there, or it is `:no_debugger`.
  """

  alias ElixirScope.Distributed.Options
  alias ElixirScope.Distributed.Debug.Services

  defstruct [:pid, :node, :reason, :at, :text, breakpoints: []]

  @type reason :: :breakpoint | :step | :pause | :exception | :entry
  @type t :: %__MODULE__{
          pid: pid,
          node: node,
          reason: reason,
          breakpoints: [term],
          at: place,
          text: String.t() | nil
        }
  @type place :: %{
          module: module,
          function: atom,
          arity: arity,
          file: String.t() | nil,
          line: pos_integer | nil
        }
  @type frame :: %{
          index: non_neg_integer,
          module: module,
          function: atom,
          arity: arity,
          file: String.t() | nil,
          line: pos_integer | nil,
          interpreted?: boolean
        }
  @typedoc "`path` names it for `value/4`; `children` is how many parts it has."
  @type value :: %{
          name: String.t(),
          value: String.t(),
          type: String.t(),
          path: list,
          children: non_neg_integer
        }
  @type failure :: {:error, ElixirScope.Distributed.Error.t() | atom | tuple}

  @doc """
  Tells an owner from now on what stops on a node.

  Options:

  #{Options.docs(:debug_attach)}

      :ok = Stopped.attach(:"web@10.0.0.1", auto: ["MyApp.*"])
  """
  @spec attach(node, keyword) :: :ok | failure
  def attach(node, options \\ []) do
    options = Options.validate!(:debug_attach, options)
    own = Keyword.take(options, [:auto, :lease_ms])
    done(ask(node, :attach, [owner(options), own], options))
  end

  @doc """
  Ends that; what stands because of this owner alone goes on. Options as of `stopped/2`.

      :ok = Stopped.detach(:"web@10.0.0.1")
  """
  @spec detach(node, keyword) :: :ok | failure
  def detach(node, options \\ []) do
    options = Options.validate!(:debug_look, options)
    done(ask(node, :detach, [owner(options)], options))
  end

  @doc """
  Which processes stand.

  Options:

  #{Options.docs(:debug_look)}

      {:ok, [%Stopped{reason: :breakpoint}]} = Stopped.stopped(node())
  """
  @spec stopped(node, keyword) :: {:ok, [t]} | failure
  def stopped(node, options \\ []) do
    options = Options.validate!(:debug_look, options)
    ask(node, :stopped, [], options)
  end

  @doc """
  The processes of a node, those that stand first, a bounded number of them.

  Each is `%{pid:, name:, initial:, label:, state:, node:}`: its registered name or `nil`, the
  function with which it began, the label it gave itself (from OTP 27 on), `:standing`, `:debugged` or
  `:compiled`. `total` is how many there are.

  Options:

  #{Options.docs(:debug_processes)}

      {:ok, %{processes: processes, total: 312}} = Stopped.processes(node(), count: 100)
  """
  @spec processes(node, keyword) :: {:ok, %{processes: [map], total: non_neg_integer}} | failure
  def processes(node, options \\ []) do
    options = Options.validate!(:debug_processes, options)
    ask(node, :processes, [Keyword.take(options, [:start, :count])], options)
  end

  @doc """
  The frames of a process that stands, the newest first. Compiled ones are named as far as the VM tells
  (`:erlang.system_flag(:backtrace_depth, n)`), and have no variables.

  Options:

  #{Options.docs(:debug_page)}

      {:ok, %{frames: [%{module: MyApp.Cart, function: :total, line: 12} | _], total: 7}} =
        Stopped.stack(pid)
  """
  @spec stack(pid, keyword) ::
          {:ok, %{frames: [frame], total: non_neg_integer}} | failure
  def stack(pid, options \\ []) do
    options = Options.validate!(:debug_page, options)
    ask(node(pid), :stack, [pid, Keyword.take(options, [:start, :count])], options)
  end

  @doc """
  The variables of a frame, as the programmer wrote them: of one that was bound anew, the value that
  counts at this line. Those that begin with an underscore come last, what the compiler made not at all.

  Options as of `stopped/2`.

      {:ok, [%{name: "cart", value: "%{apple: 3}", children: 1, path: ["cart"]}]} =
        Stopped.bindings(pid, 0)
  """
  @spec bindings(pid, non_neg_integer, keyword) :: {:ok, [value]} | failure
  def bindings(pid, frame, options \\ []) do
    options = Options.validate!(:debug_look, options)
    ask(node(pid), :bindings, [pid, frame, []], options)
  end

  @doc """
  What is in a value: a page of its parts.

  Options:

  #{Options.docs(:debug_page)}

      {:ok, page} = Stopped.value(pid, 0, ["orders"], start: 200, count: 100)
  """
  @spec value(pid, non_neg_integer, list, keyword) :: {:ok, [value]} | failure
  def value(pid, frame, path, options \\ []) do
    options = Options.validate!(:debug_page, options)
    ask(node(pid), :value, [pid, frame, path, Keyword.take(options, [:start, :count])], options)
  end

  @doc """
  Evaluates an expression in a frame, in the process itself, with the variables as they are
  written: Elixir in frames of Elixir, Erlang in those of Erlang. What it raises is an error with
  text; what it does, it does. The result has a path of its own, for as long as the process stands.

  Aliases, imports and requires are those of the source above the line, where the node has the
  file; else names are written in full. Public functions of the module need no prefix.

  Options:

  #{Options.docs(:debug_evaluate)}

      {:ok, %{value: "42", type: "integer"}} = Stopped.evaluate(pid, 0, "total(cart) * 2")
  """
  @spec evaluate(pid, non_neg_integer, String.t(), keyword) :: {:ok, value} | failure
  def evaluate(pid, frame, text, options \\ []) do
    options = Options.validate!(:debug_evaluate, options)
    # The time travels as what the evaluation may take; the answer needs some of its own.
    within = Keyword.take(options, [:timeout_ms, :context])
    ask(node(pid), :evaluate, [pid, frame, text, within], later(options))
  end

  @doc """
  Goes a step: `:into` what is called here, `:over` it, or `:out` to who called. Where it stops next is told
  to owners. A call to another node is never stepped into: what runs there is another process.

  Options as of `stopped/2`.

      :ok = Stopped.step(pid, :over)
  """
  @spec step(pid, :into | :over | :out, keyword) :: :ok | failure
  def step(pid, how, options \\ []) do
    options = Options.validate!(:debug_look, options)
    done(ask(node(pid), :step, [owner(options), pid, how], options))
  end

  @doc """
  Lets a process go on. Options as of `stopped/2`.

      :ok = Stopped.continue(pid)
  """
  @spec continue(pid, keyword) :: :ok | failure
  def continue(pid, options \\ []) do
    options = Options.validate!(:debug_look, options)
    done(ask(node(pid), :continue, [pid], options))
  end

  @doc """
  Stops a process before the next line of interpreted code that it runs. One that never
  ran any is `{:error, %Error{reason: :not_interpreted}}`, with what it runs now in `details.stacktrace`.

  Options as of `stopped/2`.

      :ok = Stopped.pause(pid)
  """
  @spec pause(pid, keyword) :: :ok | failure
  def pause(pid, options \\ []) do
    options = Options.validate!(:debug_look, options)
    done(ask(node(pid), :pause, [owner(options), pid], options))
  end

  @doc """
  At which exceptions an owner wants processes to stop that run interpreted code: `:uncaught`, which end
  the process, shown with the stack and variables where it was raised. `[]` is none.

  Options as of `stopped/2`.

      :ok = Stopped.exceptions(node(), [:uncaught])
  """
  @spec exceptions(node, [:uncaught], keyword) :: :ok | failure
  def exceptions(node, filters, options \\ []) do
    options = Options.validate!(:debug_look, options)
    done(ask(node, :exceptions, [owner(options), filters], options))
  end

  defp ask(node, operation, arguments, options) do
    about = [node: node, scope: options[:scope], timeout_ms: options[:timeout_ms]]

    with {:ok, value, _about} <-
           Services.call(:process_monitoring, operation, arguments, about),
         do: {:ok, value}
  end

  defp later(options), do: Keyword.update!(options, :timeout_ms, &(&1 + 1_000))

  defp owner(options), do: options[:owner] || self()

  defp done({:ok, _value}), do: :ok
  defp done({:error, reason}), do: {:error, reason}
end
