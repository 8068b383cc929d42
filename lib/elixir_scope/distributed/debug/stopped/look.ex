defmodule ElixirScope.Distributed.Debug.Stopped.Look do
  @moduledoc false
  # What is seen of a process that stands, asked of its meta. Runs in whoever asks.
  #
  # A frame is what an evaluation needs: `%{module:, function:, arity:, line:, language:, bindings:}`, with
  # the variables as they were written.

  alias ElixirScope.Distributed.Capture.Targets.Modules
  alias ElixirScope.Distributed.Debug.Int.Metas
  alias ElixirScope.Distributed.Debug.Stopped.{Frames, Names, Visible}

  # Frames that are looked at: their arguments are copied with them.
  @most_frames 1_000

  @doc "How deep a stack is looked at."
  @spec most_frames() :: pos_integer
  def most_frames, do: @most_frames

  @doc "Where it stands, as owners are told."
  @spec place(pid, map) :: map
  def place(meta, stop) do
    [top | _rest] = frames(meta, stop, 1, [])
    shown(%{top | line: stop.line})
  catch
    :exit, {:shutdown, :gone} ->
      shown(%{module: stop.module, function: nil, arity: 0, line: stop.line})
  end

  @doc "A page of its frames, and how many there are: of deep ones the depth in levels."
  @spec stack(pid, map, keyword) :: %{frames: [map], total: non_neg_integer}
  def stack(pid, stop, page) do
    start = page[:start]
    last = min(start + page[:count], @most_frames)
    all = frames(stop.meta, stop, last + 1, real(pid))
    shown = all |> Enum.slice(start, max(last - start, 0)) |> Enum.with_index(start)
    frames = for {frame, index} <- lined(shown, all, stop), do: indexed(frame, index)

    %{
      frames: frames,
      total: if(length(all) > last, do: max(length(all), stop.level - 1), else: length(all))
    }
  end

  defp real(pid) do
    case Process.info(pid, :current_stacktrace) do
      {:current_stacktrace, stacktrace} -> stacktrace
      nil -> []
    end
  end

  # Of one that ended there is no function with the line in which it was raised.
  defp frames(_meta, %{stacktrace: stacktrace}, _most, _real),
    do: Frames.all([], stacktrace, false)

  defp frames(meta, stop, most, real) do
    levels = meta |> Metas.backtrace(most) |> Enum.map(&told(&1, stop))
    Frames.all(levels, real, length(levels) == most)
  end

  defp told({_level, {module, nil, nil}}, stop),
    do: {stop.level + 1, named(module, stop.line)}

  defp told({_level, {module, :undefined, _arguments}}, stop),
    do: {stop.level + 1, named(module, stop.line)}

  defp told(level, _stop), do: level

  defp named(module, line) do
    holds =
      for [name, arity] <- functions(module), holds?(module, name, arity, line), do: {name, arity}

    {name, arity} = List.first(holds) || {:unknown, 0}
    {module, name, arity}
  end

  defp functions(module),
    do: if(Metas.interpreted?(module), do: Metas.functions(module), else: [])

  defp holds?(module, name, arity, line) do
    with {:ok, clauses} <- Metas.clauses(module, name, arity),
         do: Visible.at(clauses, line) != [],
         else: (_none -> false)
  end

  defp lined(shown, all, stop) do
    for {frame, index} <- shown do
      {line, _bindings} =
        if frame.level, do: state(frame, index, all, stop), else: {frame.line, []}

      {%{frame | line: line}, index}
    end
  end

  defp state(_frame, 0, _all, stop), do: {stop.line, :here}

  defp state(_frame, index, all, stop) do
    above = all |> Enum.take(index) |> Enum.reverse() |> Enum.find(& &1.level)
    {_level, {_module, line}, bindings} = Metas.caller(stop.meta, above.level)
    {line, bindings}
  end

  defp indexed(frame, index) do
    frame |> shown() |> Map.merge(%{index: index, interpreted?: frame.level != nil})
  end

  defp shown(frame) do
    line = if is_integer(frame.line) and frame.line > 0, do: frame.line

    frame
    |> Map.take([:module, :function, :arity])
    |> Map.merge(%{line: line, file: file(frame.module)})
  end

  defp file(module) do
    case is_atom(module) and :erlang.module_loaded(module) and
           Modules.info(module, :compile)[:source] do
      source when is_list(source) -> List.to_string(source)
      _none -> nil
    end
  end

  @doc "The frame of that number, with its variables."
  @spec frame(pid, map, non_neg_integer) :: {:ok, map} | {:error, atom}
  def frame(pid, stop, index) do
    all = frames(stop.meta, stop, min(index, @most_frames) + 2, real(pid))

    case Enum.at(all, index) do
      nil -> {:error, :no_frame}
      %{level: nil} -> {:error, :compiled_frame}
      found -> {:ok, with_bindings(found, state(found, index, all, stop), stop)}
    end
  end

  @doc "The frame at a place where a meta stands that nobody was told of yet."
  @spec top(pid, {module, integer, integer}) :: {:ok, map} | {:error, atom}
  def top(meta, {module, line, level}) do
    stop = %{meta: meta, module: module, line: line, level: level}
    [top | _rest] = frames(meta, stop, 1, [])
    {:ok, with_bindings(top, {line, :here}, stop)}
  catch
    :exit, {:shutdown, :gone} -> {:error, :ended}
  end

  defp with_bindings(frame, {line, :here}, stop),
    do: with_bindings(frame, {line, Metas.bindings(stop.meta)}, stop)

  defp with_bindings(frame, {line, bindings}, _stop) do
    language = language(frame.module)
    visible = if language == :elixir, do: visible(frame, line, bindings)

    %{
      module: frame.module,
      function: frame.function,
      arity: frame.arity,
      line: line,
      language: language,
      bindings: Names.written(bindings, visible, language)
    }
  end

  defp visible(frame, line, bindings) do
    {name, arity} = Frames.home(frame.function, frame.arity)

    with {:ok, clauses} <- Metas.clauses(frame.module, name, arity),
         do: clauses |> Visible.at(line) |> Visible.fitting(Enum.map(bindings, &elem(&1, 0))),
         else: (_none -> nil)
  end

  defp language(module),
    do: if(function_exported?(module, :__info__, 1), do: :elixir, else: :erlang)
end
