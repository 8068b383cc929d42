defmodule ElixirScope.Distributed.Debug.Adapter.Handles do
  @moduledoc false
  # Numbers for what a client may ask about later: frames, and what can be opened in them. A number
  # holds while its process stands: when it goes on, all of its numbers go. Numbers are never used twice,
  # so that an old one finds nothing rather than something else.

  # Of one process that stands: who opens more has to let it go on first.
  @most 100_000

  defstruct next: 1, things: %{}, of: %{}

  @type t :: %__MODULE__{next: pos_integer, things: map, of: %{pid => [pos_integer]}}

  @doc """
  A number for a thing of a process.

      iex> alias ElixirScope.Distributed.Debug.Adapter.Handles
      iex> {1, handles} = Handles.put(%Handles{}, self(), :frame)
      iex> {Handles.fetch(handles, 1), Handles.fetch(Handles.drop(handles, self()), 1)}
      {{:ok, {self(), :frame}}, :error}
  """
  @spec put(t, pid, term) :: {pos_integer, t}
  def put(%{next: next} = handles, pid, thing) do
    numbers = Map.get(handles.of, pid, [])
    handles = if length_over?(numbers), do: drop(handles, pid), else: handles
    of = Map.update(handles.of, pid, [next], &[next | &1])

    {next,
     %{handles | next: next + 1, things: Map.put(handles.things, next, {pid, thing}), of: of}}
  end

  # The count is in the list itself: looked at in steps, as it is long only where something is wrong.
  defp length_over?(numbers) when rem(hd(numbers), 1_000) == 0, do: length(numbers) >= @most
  defp length_over?(_numbers), do: false

  @doc "What a number stands for."
  @spec fetch(t, term) :: {:ok, {pid, term}} | :error
  def fetch(handles, number), do: Map.fetch(handles.things, number)

  @doc "Forgets what belongs to a process."
  @spec drop(t, pid) :: t
  def drop(handles, pid) do
    {numbers, of} = Map.pop(handles.of, pid, [])
    %{handles | things: Map.drop(handles.things, numbers), of: of}
  end
end
