defmodule ElixirScope.Distributed.Coordinated do
  @moduledoc false
  # In a VM that debugs: asks who says what a breakpoint needs, as the adapter does, with an editor that
  # answers everything with one module.

  alias ElixirScope.Distributed.Debug.Adapter.{Coordination, Launch}
  alias ElixirScope.Distributed.Debug.Adapter.Coordination.{Editor, Language}
  alias ElixirScope.Distributed.Debug.DependencyService.Asking
  alias ElixirScope.Distributed.Debug.Services

  def dependencies(node, mode, distributed, file, line) do
    {:ok, launch, []} =
      Launch.parse(%{"coordinationMode" => mode, "distributedDebugging" => distributed})

    asking = %{
      language: &Language.ask(node, launch, &1, &2, &3),
      editor: &Editor.ask(editor(), &1, &2, &3),
      local: &local/3
    }

    launch |> Coordination.new(asking) |> Coordination.dependencies(file, line)
  end

  @doc "How the cache of a session stands, once it has heard of its node where it listens."
  def status(node, launch, followed?) do
    task =
      Task.async(fn ->
        {:ok, name} = Language.service(node, launch)
        until(name, followed?)
      end)

    Task.await(task, 30_000)
  end

  defp until(name, followed?) do
    status = Asking.status(name)
    if status.version != nil or not followed?, do: status, else: until(name, followed?)
  end

  @doc "Takes all names."
  def exhaust(launch) do
    Enum.find_value(1..100, fn number ->
      with {:ok, _name} <- Language.service(:"nobody#{number}@127.0.0.1", launch), do: nil
    end)
  end

  defp local(file, line, timeout_ms) do
    question = [file, line, []]
    options = [timeout_ms: timeout_ms, fallback: true]

    with {:ok, result, _about} <-
           Services.call(:dependency_analysis, :breakpoint_dependencies, question, options),
         do: {:ok, result.interpretation_candidates}
  end

  defp editor do
    with nil <- Process.get(__MODULE__) do
      {:ok, editor} = Editor.start_link(emit: &answer/2)
      Process.put(__MODULE__, editor)
      editor
    end
  end

  defp answer("elixirScope.dependencies", %{id: id}) do
    editor = self()
    spawn(fn -> Editor.answer(editor, %{"id" => id, "modules" => ["Of.The.Editor"]}) end)
  end
end
