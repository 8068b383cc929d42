defmodule ElixirScope.Distributed.Debug.Adapter.Coordination do
  @moduledoc """
  Who says which modules a breakpoint needs: `coordinationMode` of the launch configuration.

  | mode | asked, one after the other |
  |---|---|
  | `beam-rpc` | the language node, over distribution |
  | `extension` | the editor, by an event that it answers with a request |
  | `auto` | the language node, where there is one; the editor, with `fallbackToExtensionCoordination`; this node |

  Each has `rpcTimeout` to answer in. Who cannot be asked, or does not answer, is followed by the next one.
  Who says that there is no such file or no code on that line has answered: nobody else is asked then.

      iex> alias ElixirScope.Distributed.Debug.Adapter.{Coordination, Launch}
      iex> {:ok, launch, []} = Launch.parse(%{"coordinationMode" => "auto"})
      iex> gone = fn _file, _line, _timeout_ms -> {:error, :service_not_found} end
      iex> here = fn "lib/cart.ex", 3, 5_000 -> {:ok, ["Shop.Cart"]} end
      iex> asking = %{language: gone, editor: gone, local: here}
      iex> {:ok, answer} = launch |> Coordination.new(asking) |> Coordination.dependencies("lib/cart.ex", 3)
      iex> {answer.modules, answer.source, Keyword.keys(answer.failed)}
      {["Shop.Cart"], :local, [:language, :editor]}
  """

  alias ElixirScope.Distributed.Debug.Adapter.Coordination.Turn
  alias ElixirScope.Distributed.Debug.Adapter.Launch

  @enforce_keys [:sources, :timeout_ms, :asking]
  defstruct @enforce_keys

  @typedoc "Who can be asked."
  @type source :: :language | :editor | :local

  @typedoc "How one of them is asked: with a file, a line and the milliseconds there are."
  @type ask ::
          (Path.t(), pos_integer, pos_integer -> {:ok, [module | String.t()]} | {:error, term})

  @type t :: %__MODULE__{
          sources: [source, ...],
          timeout_ms: pos_integer,
          asking: %{source => ask}
        }

  @typedoc """
  `source` is who answered; `failed` are those who were asked before and why they did not, so that an answer
  of a fallback is marked as one.
  """
  @type answer :: %{
          modules: [module | String.t()],
          source: source,
          failed: [{source, term}]
        }

  @doc "What a launch configuration says of it, with how each source is asked."
  @spec new(Launch.t(), %{source => ask}) :: t
  def new(%Launch{} = launch, asking) do
    %__MODULE__{sources: sources(launch), timeout_ms: launch.rpc_timeout_ms, asking: asking}
  end

  @doc """
  Who is asked, in this order.

      iex> alias ElixirScope.Distributed.Debug.Adapter.{Coordination, Launch}
      iex> off = %{"fallbackToExtensionCoordination" => false}
      iex> {:ok, launch, []} = Launch.parse(%{"distributedDebugging" => off})
      iex> Coordination.sources(launch)
      [:language, :local]
  """
  @spec sources(Launch.t()) :: [source, ...]
  def sources(%Launch{mode: :beam_rpc}), do: [:language]
  def sources(%Launch{mode: :extension}), do: [:editor]

  def sources(%Launch{mode: :auto} = launch) do
    language = if launch.language_node == :none, do: [], else: [:language]
    editor = if launch.ask_editor, do: [:editor], else: []
    language ++ editor ++ [:local]
  end

  @doc """
  The modules that a breakpoint on this line needs, with who said so; or the reason of each who was asked.
  """
  @spec dependencies(t, Path.t(), pos_integer) ::
          {:ok, answer} | {:error, [{source, reason :: term}, ...]}
  def dependencies(%__MODULE__{} = coordination, file, line) do
    coordination.sources
    |> Turn.first()
    |> take(coordination, [file, line, coordination.timeout_ms])
  end

  defp take({:ask, source, turn}, coordination, question) do
    answer = apply(Map.fetch!(coordination.asking, source), question)
    turn |> Turn.answered(answer) |> take(coordination, question)
  end

  defp take({:done, result}, _coordination, _question), do: result
end
