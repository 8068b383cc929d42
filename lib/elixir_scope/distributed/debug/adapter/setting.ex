defmodule ElixirScope.Distributed.Debug.Adapter.Setting do
  @moduledoc false
  # How breakpoints get to the nodes. Called by the hand, one request after the other, and may wait:
  # for who says which modules a breakpoint needs, and for these to be interpreted.

  alias ElixirScope.Distributed.Debug.Adapter.{Coordination, State}
  alias ElixirScope.Distributed.Debug.Adapter.Coordination.Editor
  alias ElixirScope.Distributed.Debug.{Services, Stopped}

  @typedoc "What has to be known of a session to set something."
  @type how :: %{nodes: :all | [node], coordination: Coordination.t(), options: keyword}

  @doc "What a state says of it."
  @spec how(State.t()) :: how
  def how(state) do
    %{
      nodes: state.nodes,
      coordination: Coordination.new(state.launch, asking(state)),
      options: State.options(state)
    }
  end

  defp asking(%{launch: launch, session: session, editor: editor}) do
    %{
      language: &language(session && session.language, launch, &1, &2, &3),
      editor: &Editor.ask(editor, &1, &2, &3),
      local: &here(launch, &1, &2, &3)
    }
  end

  defp language(nil, _launch, _file, _line, _ms), do: {:error, :service_not_found}

  defp language(node, launch, file, line, ms) do
    options = [node: node, scope: launch.scope, timeout_ms: ms, fallback: false]

    modules(
      Services.call(:dependency_analysis, :breakpoint_dependencies, [file, line, []], options)
    )
  end

  defp here(launch, file, line, ms) do
    options = [scope: launch.scope, timeout_ms: ms]

    modules(
      Services.call(:dependency_analysis, :breakpoint_dependencies, [file, line, []], options)
    )
  end

  defp modules({:ok, %{interpretation_candidates: modules}, _about}), do: {:ok, modules}
  defp modules({:error, reason}), do: {:error, reason}
end
