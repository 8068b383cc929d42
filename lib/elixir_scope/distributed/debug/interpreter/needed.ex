defmodule ElixirScope.Distributed.Debug.Interpreter.Needed do
  @moduledoc false
  # Which modules a breakpoint needs. Who knows is asked: the language side of the node that was named, then that
  # of any node, and at last this one.

  alias ElixirScope.Distributed.Debug.{DependencyService, Interpreter, Services}
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

  # What the service keeps is an answer, too, when its node is gone.
  defp ask([file, line, own], options) do
    node = language_node()
    ask = own ++ Keyword.take(options, [:scope, :timeout_ms])

    case DependencyService.get_breakpoint_dependencies(file, line, [node: node] ++ ask) do
      {:error, reason} when node != nil -> again(reason, [file, line, own], options)
      {:ok, result} -> {:ok, result, result.source}
      {:error, reason} -> {:error, reason}
    end
  end

  defp again(reason, arguments, options) do
    if Keyword.get(options, :fallback, true) do
      call = Keyword.take(options, [:scope, :timeout_ms])
      Services.call(:dependency_analysis, :breakpoint_dependencies, arguments, call)
    else
      {:error, reason}
    end
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

  @doc "Of how many questions this node keeps the answer."
  @spec cache_size() :: non_neg_integer
  def cache_size do
    if Process.whereis(DependencyService),
      do: Map.get(DependencyService.status(), :cache_size, 0),
      else: 0
  end
end
