defmodule ElixirScope.Distributed.Export.Progress do
  @moduledoc false
  # How far an export is, for who asked: a function, a line on the terminal, both or none.

  alias ElixirScope.Distributed.Export.Target

  @enforce_keys [:tell, :show?]
  defstruct @enforce_keys ++ [:of]

  @type t :: %__MODULE__{
          tell: (map -> term) | nil,
          show?: boolean,
          of: non_neg_integer | nil
        }

  @doc "As the options of an export want it."
  @spec new(keyword) :: t
  def new(options), do: %__MODULE__{tell: options[:progress], show?: options[:show_progress]}

  @doc "So many events were written to a target by now."
  @spec told(t, non_neg_integer, Target.t()) :: :ok
  def told(progress, events, target) do
    if progress.tell, do: progress.tell.(%{events: events, of: progress.of, bytes: target.bytes})
    if progress.show?, do: show(line(progress, events, target.bytes))
    :ok
  end

  @doc "Ends the line on the terminal."
  @spec done(t) :: :ok
  def done(%{show?: true}), do: IO.write(:stderr, "\n")
  def done(_quiet), do: :ok

  # From the beginning of the line, and over what stood there.
  defp show(line), do: IO.write(:stderr, ["\r", line, "\e[K"])

  defp line(%{of: nil}, events, bytes), do: "export: #{events} events, #{size(bytes)}"

  defp line(%{of: of}, events, bytes),
    do: "export: #{events} of #{of} events, #{size(bytes)}"

  defp size(bytes) when bytes < 1_000_000, do: "#{div(bytes, 1_000)} kB"
  defp size(bytes), do: "#{Float.round(bytes / 1_000_000, 1)} MB"
end
