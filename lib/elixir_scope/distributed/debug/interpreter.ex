defmodule ElixirScope.Distributed.Debug.Interpreter do
  @moduledoc """
  Interprets modules of a running node, on demand, and gives them their compiled code back.

      {:ok, [{:ok, MyApp.Orders}]} = Interpreter.interpret(MyApp.Orders)
      :ok = Interpreter.restore(MyApp.Orders)

  Interpreted code can be stopped and looked at, and is some hundred times slower. So nothing is
  interpreted that was not asked for, and only as long as who asked is there: what is interpreted belongs
  to an *owner*, the calling process unless `owner:` says otherwise. Modules that several want are
  interpreted until the last one is gone.

  Modules are named as in `ElixirScope.Distributed.trace/2`; of a pattern that names functions, their
  modules are meant. What cannot be interpreted is told with its reason:

  #{Enum.map_join(__MODULE__.Reasons.of_module(), "\n", &"  * `#{inspect(&1)}` - #{__MODULE__.Reasons.words(&1)}")}

  and where nothing can, `{:error, reason}`:

  #{Enum.map_join(__MODULE__.Reasons.of_node(), "\n", &"  * `#{inspect(&1)}` - #{__MODULE__.Reasons.words(&1)}")}

  Needs `:debug` in the options `allow:` of the scope of the node where it happens.
  """

  alias ElixirScope.Distributed.Capture.Pattern
  alias ElixirScope.Distributed.Debug.Breakpoints.Server, as: Keeper
  alias ElixirScope.Distributed.Debug.{Grant, Owners, Services, Supervisor}
  alias ElixirScope.Distributed.Debug.Interpreter.{Needed, Reasons, Served, Server}
  alias ElixirScope.Distributed.{Error, Options}

  @type result :: {:ok, module} | {:error, module, Reasons.t()}
  @type reason :: Error.t() | atom | tuple

  @doc """
  Interprets the modules that the patterns name.

  ## Options

  #{Options.docs(:interpret)}
  """
  @spec interpret(Pattern.written(), keyword) :: {:ok, [result]} | {:error, reason}
  def interpret(patterns, options \\ []) do
    options = Options.validate!(:interpret, options)

    with {:ok, _parsed} <- Pattern.parse(patterns),
         do: on(options, :interpret, [options[:owner] || self(), List.wrap(patterns), []])
  end

  @doc "Gives modules their compiled code back, as far as no other owner wants them. Takes the options of `interpret/2`."
  @spec restore(Pattern.written() | :all, keyword) :: :ok | {:error, reason}
  def restore(patterns, options \\ []) do
    options = Options.validate!(:interpret, options)
    patterns = if patterns == :all, do: :all, else: List.wrap(patterns)
    with {:ok, _restored} <- on(options, :restore, [options[:owner] || self(), patterns]), do: :ok
  end

  @doc """
  Interprets what a breakpoint at a line of a file needs, as the language side says: that of this
  node's interpreter (`start_link/1`), else any other, else what this node finds out itself.

  ## Options

  #{Options.docs(:interpret_for_breakpoint)}
  """
  @spec interpret_for_breakpoint(String.t(), pos_integer, keyword) ::
          {:ok, [result]} | {:error, reason}
  def interpret_for_breakpoint(file, line, options \\ []) do
    options = Options.validate!(:interpret_for_breakpoint, options)
    with {:ok, modules} <- Needed.by(file, line, options), do: interpret(modules, own(options))
  end

  defp own(options), do: Keyword.take(options, Keyword.keys(Options.schema(:interpret)))

  defp on(options, operation, arguments) do
    if options[:node] in [nil, node()],
      do: here(options[:scope], operation, arguments),
      else: there(options, operation, arguments)
  end

  defp here(scope, operation, arguments),
    do: with(:ok <- Grant.check(scope), do: apply(Served, operation, arguments))

  defp there(options, operation, arguments) do
    with {:ok, value, _about} <-
           Services.call(
             :interpretation_management,
             operation,
             arguments,
             Keyword.take(options, [:scope, :node, :timeout_ms])
           ),
         :ok <- Keeper.keep(hd(arguments), options[:node], options[:scope]),
         do: {:ok, value}
  end

  @doc "A reason in words."
  @spec explain(Reasons.t()) :: String.t()
  defdelegate explain(reason), to: Reasons, as: :words

  @doc false
  def child_spec(options),
    do: %{id: __MODULE__, start: {__MODULE__, :start_link, [options]}, restart: :temporary}

  @doc """
  Starts the interpreter of this node, which otherwise is started when it is first needed.

  `language_server_node:` is the node that is asked first what a breakpoint needs;
  `{:error, {:connection_failed, node}}` if it does not answer.
  """
  @spec start_link(keyword) :: GenServer.on_start() | {:error, {:connection_failed, node}}
  def start_link(options) do
    options = Options.validate!(:interpreter, options)
    with :ok <- Needed.answers(options), do: Server.start_link(__MODULE__, options)
  end

  @doc """
  How interpretation stands on this node: `interpreted_count`, `interpreted_modules`,
  `pending_interpretations` (modules whose files are being read), `language_server_connected`
  and `cache_size` (answers about dependencies that this node keeps).
  """
  @spec get_interpretation_status() :: map
  def get_interpretation_status do
    {:ok, status} = Served.status()
    status
  end

  @doc false
  def ensure, do: with(:ok <- Owners.ensure(), do: Supervisor.ensure(:target, {__MODULE__, []}))
end
