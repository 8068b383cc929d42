defmodule ElixirScope.Distributed.Debug.DependencyService.Served do
  @moduledoc false
  # The answers, out of the graph that is published and the modules' files, in the process that
  # asks. Before an answer is given it is looked whether the modules that it rests on are still what
  # the graph was made of; where one was compiled again it is read, and all is found anew. So an
  # answer is always one of its version.

  alias ElixirScope.Distributed.{Error, Options}
  alias ElixirScope.Distributed.Debug.{Lines, TracerStream}
  alias ElixirScope.Distributed.Debug.DependencyService.{Answers, Result, Strategy}
  alias ElixirScope.Distributed.Debug.TracerStream.{Server, Source}

  @type answer :: {:ok, Result.t()} | {:error, Error.t()}

  # A project that is being compiled while it is asked for may need several.
  @attempts 5

  @spec module_dependencies(module, keyword) :: answer
  def module_dependencies(module, options) do
    with {:ok, options} <- checked(:debug_module, options) do
      answered([module], fn graph ->
        with :ok <- Answers.known(graph, module),
             do: Strategy.of_module(graph, module, options)
      end)
    end
  end

  @spec breakpoint_dependencies(String.t(), pos_integer, keyword) :: answer
  def breakpoint_dependencies(file, line, options) do
    with {:ok, options} <- checked(:debug_breakpoint, options) do
      answered([], fn graph ->
        with {:ok, at} <- Lines.at(file, line),
             :ok <- Answers.known(graph, at.module),
             do: Strategy.of_line(graph, at, options)
      end)
    end
  end

  @spec direct(module) :: answer
  def direct(module), do: answered([module], &Answers.direct(&1, module))

  @spec reverse(module) :: answer
  def reverse(module), do: answered([module], &Answers.reverse(&1, module))

  @spec transitive(module, keyword) :: answer
  def transitive(module, options) do
    with {:ok, options} <- checked(:debug_transitive, options),
         do: answered([module], &Answers.transitive(&1, module, options[:depth]))
  end

  @spec why(module, module) :: answer
  def why(from, to), do: answered([from, to], &Answers.why(&1, from, to))

  @spec cycles() :: answer
  def cycles, do: answered([], &Answers.cycles/1)

  @spec affected_by(module | [module]) :: answer
  def affected_by(changed) do
    changed = List.wrap(changed)
    answered(changed, &Answers.affected(&1, changed))
  end

  defp checked(entry, options) do
    with {:error, message} <- Options.validate(entry, options),
         do: {:error, Error.new(:bad_options, message: message)}
  end

  # `first` are modules of which the graph may not have the list yet.
  defp answered(first, answer, attempts \\ @attempts) do
    with {:ok, _pid} <- TracerStream.ensure(),
         :ok <- Lines.Index.current(),
         {:ok, published} <- fresh(first) do
      judged(answer.(published.graph), published, answer, attempts)
    end
  end

  defp fresh([]), do: Server.published()

  defp fresh(modules) do
    case Enum.filter(modules, &Source.changed?/1) do
      [] -> Server.published()
      changed -> with {:ok, _position} <- TracerStream.refresh(changed), do: Server.published()
    end
  end

  defp judged(%Result{footprint: footprint} = result, published, answer, attempts) do
    case Enum.filter(rests_on(footprint), &stale?/1) do
      [_ | _] = changed when attempts > 1 -> answered(changed, answer, attempts - 1)
      _none -> {:ok, %{result | node: node(), version: published.position}}
    end
  end

  # A line's module may be new: then the graph has to hear of it first.
  defp judged(
         {:error, %{reason: :unknown_module, details: %{module: module}}} = error,
         _,
         answer,
         n
       ) do
    if n > 1 and Source.changed?(module), do: answered([module], answer, n - 1), else: error
  end

  defp judged(error, _published, _answer, _attempts), do: error

  defp rests_on(:all), do: []
  defp rests_on(%{of: modules}), do: modules

  # Those that are only named there have no list that could be old.
  defp stale?(module),
    do: Server.md5(module) not in [:error, {:ok, nil}] and Source.changed?(module)
end
