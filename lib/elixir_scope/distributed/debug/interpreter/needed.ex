defmodule ElixirScope.Distributed.Debug.Interpreter.Needed do
  @moduledoc false
  # Which modules a breakpoint needs. Who knows is asked: the language side of the node that was named, then that
  # of any node, and at last this one.

  alias ElixirScope.Distributed.Debug.{Interpreter, Services}
  alias ElixirScope.Distributed.Debug.Breakpoints.Holder
  alias ElixirScope.Distributed.Debug.Interpreter.Server

  @doc "The modules to be interpreted for a line."
  @spec by(String.t(), pos_integer, keyword) :: {:ok, [module]} | {:error, term}
  def by(file, line, options) do
    with {:ok, result, _about} <- ask([file, line, [strategy: options[:deps]]], options),
         do: {:ok, result.interpretation_candidates}
  end

  @doc """
  Interprets what else a breakpoint needs, and tells its owner what was left out.

  It is nobody's fault if that is not known, or is not to be interpreted: the breakpoint holds without.
  """
  def more(server, {owner, wish, options}, module, breakpoint) do
    with {file, line} when is_binary(file) and is_integer(line) <-
           place(wish.where, module, breakpoint),
         {:ok, result, _about} <- ask([file, line, [strategy: wish.deps]], options) do
      Server.interpret(server, {owner, wish.id}, result.interpretation_candidates -- [module])
      left_out = Map.get(result, :left_out) || []
      Holder.left_out(Holder, {owner, wish.id}, left_out)
      send(owner, {:breakpoint, :needed, %{breakpoint | left_out: left_out}})
    end
  end

  defp place({file, line}, _module, _breakpoint) when is_binary(file), do: {file, line}

  defp place(_where, module, breakpoint) do
    with {:ok, held} <- Server.held(Interpreter, module), do: {held.source, breakpoint.line}
  end

  defp ask(arguments, options) do
    node = language_node()
    call = Keyword.take(options, [:scope, :timeout_ms])

    case Services.call(
           :dependency_analysis,
           :breakpoint_dependencies,
           arguments,
           [node: node] ++ call
         ) do
      {:error, reason} when node != nil -> again(reason, arguments, options, call)
      answer -> answer
    end
  end

  defp again(reason, arguments, options, call) do
    if options[:fallback],
      do: Services.call(:dependency_analysis, :breakpoint_dependencies, arguments, call),
      else: {:error, reason}
  end

  defp language_node do
    with {:ok, server} <- Interpreter.ensure(),
         do: Server.status(server).options[:language_server_node]
  end

  @doc "Whether the language side that is named answers, or none is."
  @spec answers(keyword) :: :ok | {:error, {:connection_failed, node}}
  def answers(options) do
    node = options[:language_server_node]

    if node == nil or connected?(node, options),
      do: :ok,
      else: {:error, {:connection_failed, node}}
  end

  @doc "Whether a node answers for its language side; `nil` is any."
  @spec connected?(node | nil, keyword) :: boolean
  def connected?(node, options) do
    what = if node, do: {:dependency_analysis, node}, else: :dependency_analysis
    match?({:ok, _pid}, Services.find_service(what, Keyword.take(options, [:scope])))
  end

  @cache Module.concat(ElixirScope.Distributed.Debug.DependencyService, Cache)
  @compile {:no_warn_undefined, @cache}

  @doc "Of how many modules this node keeps what depends on them."
  @spec cache_size() :: non_neg_integer
  def cache_size,
    do: if(function_exported?(@cache, :size, 0), do: @cache.size(), else: 0)
end
