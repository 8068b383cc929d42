defmodule ElixirScope.Distributed.Debug.CompileTracer.StreamTest do
  # Not async: there is one stream in a VM.
  use ExUnit.Case

  alias ElixirScope.Distributed.Debug.{CompileTracer, Graph, TracerStream}
  alias ElixirScope.Distributed.DiskModules

  @compile {:no_warn_undefined, TracerStream}

  # The compiler's own tracker of a file ends with it.
  setup do
    tracker = start_supervised!({Task, fn -> Process.hibernate(:timer, :sleep, [:infinity]) end})
    on_exit(fn -> File.rm_rf!(Path.join(Mix.Project.manifest_path(), "elixir_scope")) end)
    {:module, module, code, _} = defmodule(Told, do: def(f, do: 1))
    DiskModules.unload(module)

    env = %{
      __ENV__
      | lexical_tracker: tracker,
        module: Told,
        function: {:f, 0},
        file: "lib/told.ex"
    }

    [env: env, code: code]
  end

  defp compiled(%{env: env, code: code}) do
    :ok = CompileTracer.trace(:start, env)
    :ok = CompileTracer.trace({:remote_function, [line: 3], Told.Needed, :g, 1}, env)
    :ok = CompileTracer.trace({:on_module, code, :none}, env)
    :ok = CompileTracer.trace(:stop, env)
  end

  unless Code.ensure_loaded?(TracerStream), do: @tag(skip: "there is no stream here")

  test "a stream that runs is told of each module that is compiled", context do
    with {:error, {:already_started, _pid}} <- TracerStream.start_link(modules: :none), do: :ok
    compiled(context)
    {:ok, snapshot} = TracerStream.get_trace()
    {:ok, md5} = ElixirScope.Distributed.Debug.Beams.md5(context.code)
    assert snapshot.modules[Told] == md5
    {:ok, graph} = Graph.from_bytes(snapshot.graph)
    assert Graph.direct(graph, Told) == {:ok, [{Told.Needed, [:runtime]}]}
  end

  test "nothing is kept of a file whose compilation is killed, nor outside of one", context do
    :ok = CompileTracer.trace(:start, context.env)
    :ok = CompileTracer.trace({:remote_function, [], Told.Needed, :g, 1}, context.env)
    assert rows(context.env) == 1
    ref = Process.monitor(context.env.lexical_tracker)
    Process.exit(context.env.lexical_tracker, :kill)
    assert_receive {:DOWN, ^ref, :process, _pid, _reason}
    # Whoever follows it has heard of it by the time that it answers.
    :ok = CompileTracer.trace(:start, %{context.env | lexical_tracker: self()})
    assert rows(context.env) == 0

    outside = %{context.env | lexical_tracker: nil}
    :ok = CompileTracer.trace({:remote_function, [], Told.Needed, :g, 1}, outside)
    :ok = CompileTracer.trace({:on_module, context.code, :none}, outside)
    assert rows(outside) == 0
  end

  defp rows(env),
    do: length(:ets.match(CompileTracer.Table, {{env.lexical_tracker, :_, :_}}))
end
