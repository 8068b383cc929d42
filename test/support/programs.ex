defmodule ElixirScope.Distributed.Programs do
  @moduledoc false
  # Programs that are stopped and stepped through: in files of their own, as what is interpreted belongs to no
  # library of tests and must not belong to this one. What happened is told as lines.

  alias ElixirScope.Distributed.Debug.{Interpreter, Stopped}
  alias ElixirScope.Distributed.Scratch

  @folder Path.expand("../shared/programs", __DIR__)
  @most_stops 80

  @doc "Compiles them into a folder on the code path; the folder."
  def on_path! do
    folder = Scratch.folder!()
    before = Code.compiler_options(debug_info: true)
    {:ok, _modules, _warnings} = Kernel.ParallelCompiler.compile_to_path(elixir(), folder)
    Code.compiler_options(before)

    for file <- Path.wildcard(Path.join(@folder, "*.erl")) do
      options = [:debug_info, outdir: to_charlist(folder)]
      {:ok, _module} = :compile.file(to_charlist(file), options)
    end

    true = :code.add_patha(to_charlist(folder))
    folder
  end

  defp elixir, do: @folder |> Path.join("*.ex") |> Path.wildcard() |> Enum.sort()

  @doc """
  What happens when `module.run()` is begun on a node, stops at the first lines of `functions`, and goes on as
  `commands` say, the last one again and again until all who stop have ended: a line for each stop.
  """
  def session(node, module, functions, patterns, commands) do
    {:ok, done} = Interpreter.interpret(patterns, node: node)

    for {name, arity} <- functions,
        do: :ok = :erpc.call(node, :int, :break_in, [module, name, arity])

    pid = Node.spawn(node, module, :run, [])
    lines = follow(pid, Process.monitor(pid), commands, @most_stops)
    :ok = :erpc.call(node, :int, :no_break, [module])
    :ok = Interpreter.restore(:all, node: node)
    for({:error, module, reason} <- done, do: "#{inspect(module)}: #{reason}") ++ lines
  end

  defp follow(_pid, _monitor, _commands, 0), do: ["no end"]

  defp follow(pid, monitor, [command | rest] = commands, left) do
    receive do
      {:elixir_scope_stopped, _node, {:stopped, stopped}} ->
        line = line(stopped)
        :ok = command(stopped.pid, command)
        [line | follow(pid, monitor, if(rest == [], do: commands, else: rest), left - 1)]

      {:elixir_scope_stopped, _node, _other} ->
        follow(pid, monitor, commands, left)

      {:DOWN, ^monitor, :process, _pid, reason} ->
        ["exited: #{inspect(reason)}"]
    after
      10_000 -> ["silence"]
    end
  end

  defp command(pid, :continue), do: Stopped.continue(pid)
  defp command(pid, how), do: Stopped.step(pid, how)

  @doc "A stop as a line: why, where, who called, and the variables."
  def line(%{pid: pid, at: at} = stopped) do
    {:ok, %{frames: frames}} = Stopped.stack(pid)
    {:ok, bindings} = Stopped.bindings(pid, 0)
    [_top | below] = for %{interpreted?: true} = frame <- frames, do: called(frame)
    variables = Enum.map_join(bindings, ", ", &"#{&1.name} = #{&1.value}")
    place = "#{Path.basename(at.file)}:#{at.line} #{at.function}/#{at.arity}"

    masked(Enum.join(["#{stopped.reason}", place, Enum.join(below, " < "), variables], " | "))
  end

  # What is another one each time.
  defp masked(line), do: Regex.replace(~r/#(PID|Reference)<[^>]*>/, line, "#\\1")

  defp called(frame), do: "#{frame.function}/#{frame.arity}:#{frame.line}"
end
