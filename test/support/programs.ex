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
  What happens when `module.run()` is begun on a node, stops at its first line, and goes on as `commands` say, the
  last one again and again until it ends: a line for each stop.
  """
  def session(node, module, patterns, commands) do
    {:ok, done} = Interpreter.interpret(patterns, node: node)
    {:module, ^module} = :erpc.call(node, :code, :ensure_loaded, [module])
    :ok = :erpc.call(node, :int, :break_in, [module, :run, 0])
    pid = Node.spawn(node, module, :run, [])
    lines = follow(pid, commands, @most_stops)
    :ok = :erpc.call(node, :int, :no_break, [module])
    :ok = Interpreter.restore(:all, node: node)

    refused =
      for {:error, module, reason} <- done, do: "not interpreted: #{inspect(module)} (#{reason})"

    refused ++ lines
  end

  defp follow(pid, _commands, 0), do: ["no end (#{inspect(is_pid(pid))})"]

  defp follow(pid, commands, left) do
    case event(pid) do
      {:stopped, stopped} -> [line(stopped) | next(pid, commands, left)]
      {:exited, _pid, reason} -> ["exited: #{inspect(reason)}"]
      :silence -> ["silence"]
    end
  end

  defp next(pid, [command | rest], left) do
    :ok = command(pid, command)
    follow(pid, if(rest == [], do: [command], else: rest), left - 1)
  end

  defp command(pid, :continue), do: Stopped.continue(pid)
  defp command(pid, how), do: Stopped.step(pid, how)

  # Of any process that the program began as well.
  defp event(pid) do
    receive do
      {:elixir_scope_stopped, _node, {:stopped, %{pid: ^pid} = stopped}} -> {:stopped, stopped}
      {:elixir_scope_stopped, _node, {:exited, ^pid, reason}} -> {:exited, pid, reason}
      {:elixir_scope_stopped, _node, {:stopped, %{pid: other}}} -> let_go(other, pid)
      {:elixir_scope_stopped, _node, _other} -> event(pid)
    after
      10_000 -> :silence
    end
  end

  defp let_go(other, pid) do
    Stopped.continue(other)
    event(pid)
  end

  @doc "A stop as a line: why, where, who called, and the variables."
  def line(%{pid: pid, at: at} = stopped) do
    {:ok, %{frames: frames}} = Stopped.stack(pid)
    {:ok, bindings} = Stopped.bindings(pid, 0)
    [_top | below] = for %{interpreted?: true} = frame <- frames, do: called(frame)
    variables = Enum.map_join(bindings, ", ", &"#{&1.name} = #{&1.value}")
    place = "#{Path.basename(at.file)}:#{at.line} #{at.function}/#{at.arity}"

    Enum.join(["#{stopped.reason}", place, Enum.join(below, " < "), variables], " | ")
  end

  defp called(frame), do: "#{frame.function}/#{frame.arity}:#{frame.line}"
end
