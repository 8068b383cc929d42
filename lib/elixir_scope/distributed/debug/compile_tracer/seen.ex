defmodule ElixirScope.Distributed.Debug.CompileTracer.Seen do
  @moduledoc false
  # What was seen of a source file while it is compiled: its modules, and the references of each. Which file it is
  # says the compiler's own tracker, one process for each; several processes compile a file.

  alias ElixirScope.Distributed.Debug.Beams.Content
  alias ElixirScope.Distributed.Debug.CompileTracer.{Folder, Reference, Table}
  alias ElixirScope.Distributed.Debug.Graph

  @type finished :: [{module, md5 :: binary, [Graph.entry()]}]

  @doc "A file begins."
  @spec start(Macro.Env.t()) :: :ok
  def start(%{lexical_tracker: tracker}), do: Table.follow(tracker, Folder.current())

  @doc "A reference was seen. What is compiled without a file has no end, and is nobody's."
  @spec reference(Macro.Env.t(), Reference.t()) :: :ok
  def reference(%{lexical_tracker: nil}, _reference), do: :ok
  def reference(env, reference), do: Table.add({env.lexical_tracker, env.module, reference})

  @doc "A module is compiled; it is finished with its file."
  @spec compiled(Macro.Env.t(), binary) :: :ok
  def compiled(%{lexical_tracker: nil}, _code), do: :ok

  def compiled(env, code) do
    {:ok, {module, md5}} = :beam_lib.md5(code)
    Table.add({env.lexical_tracker, module, {:compiled, md5}})
  end

  @doc "The file ends: what became of it."
  @spec stop(Macro.Env.t()) :: finished
  def stop(%{lexical_tracker: tracker}) do
    rows = Table.take(tracker)
    references = for {module, {_, _, _} = of} <- rows, do: {module, of}
    of = Enum.group_by(references, &elem(&1, 0), &elem(&1, 1))
    for {module, {:compiled, md5}} <- rows, do: {module, md5, entries(of, module)}
  end

  # What stands outside of all modules is needed to compile each of them.
  defp entries(references, module) do
    [module, nil]
    |> Enum.flat_map(&Map.get(references, &1, []))
    |> then(&Content.entries(module, &1))
  end
end
