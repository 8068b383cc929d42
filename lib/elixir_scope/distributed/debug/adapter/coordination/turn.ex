defmodule ElixirScope.Distributed.Debug.Adapter.Coordination.Turn do
  @moduledoc false
  # Whose turn it is to be asked, and when to stop. Pure: who is asked, and how, is the caller's.
  #
  # Invariant: each source is asked at most once, in order, and each that was asked is in the result,
  # as who answered or among those who failed.

  alias ElixirScope.Distributed.Error

  @enforce_keys [:now, :left]
  defstruct [:now, :left, failed: []]

  @type source :: atom
  @type t :: %__MODULE__{now: source, left: [source], failed: [{source, term}]}
  @type step :: {:ask, source, t} | {:done, {:ok, map} | {:error, [{source, term}]}}

  # An answer that another one would not make better: the question is about what is not there.
  @answers [:unknown_module, :unknown_file, :unknown_line, :no_code_on_line] ++
             [:no_debug_info, :stale_source]

  @doc "Reasons that are an answer, so that nobody else is asked."
  @spec answers() :: [atom]
  def answers, do: @answers

  @doc "The first who is asked."
  @spec first([source, ...]) :: step
  def first(sources), do: next(sources, [])

  @doc "What comes after an answer, or none, of the one whose turn it is."
  @spec answered(t, {:ok, list} | {:error, term}) :: step
  def answered(turn, {:ok, modules}) do
    {:done, {:ok, %{modules: modules, source: turn.now, failed: Enum.reverse(turn.failed)}}}
  end

  def answered(turn, {:error, reason}) do
    failed = [{turn.now, reason} | turn.failed]
    if answer?(reason), do: next([], failed), else: next(turn.left, failed)
  end

  defp next([], failed), do: {:done, {:error, Enum.reverse(failed)}}

  defp next([source | left], failed),
    do: {:ask, source, %__MODULE__{now: source, left: left, failed: failed}}

  defp answer?(%Error{reason: reason}), do: reason in @answers
  defp answer?({reason, _details}), do: reason in @answers
  defp answer?(reason), do: reason in @answers
end
