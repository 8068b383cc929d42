defmodule ElixirScope.Distributed.Capture.Memory do
  @moduledoc false
  # What functions take of memory. The VM counts it by itself, for each process, and stops all
  # of its schedulers for a moment to tell of one function (0.003 ms on OTP 27, 0.1 ms on 29):
  # so few are looked at in a round. What is told is what was added since the last look.

  alias ElixirScope.Distributed.Capture.{Offered, Targets}
  alias ElixirScope.Distributed.Error

  # Functions of all traces that are counted, and those that are looked at in a round.
  @most 1_000
  @turn 100

  # Processes of one function: beyond, the VM is asked to begin anew, as it forgets none.
  @rows 500

  defstruct waiting: [], told: %{}

  @type counted :: {pid, calls :: integer, words :: integer}
  @type t :: %__MODULE__{waiting: [mfa], told: %{mfa => %{pid => {integer, integer}}}}

  @doc "The most functions whose memory is counted."
  @spec most() :: pos_integer
  def most, do: @most

  @doc "Whether that many functions can be counted here."
  @spec check(boolean, [Targets.target()]) :: :ok | {:error, Error.t()}
  def check(false, _functions), do: :ok
  def check(true, functions) when length(functions) <= @most, do: Offered.memory()

  def check(true, functions),
    do: {:error, Error.new(:too_many_counted, functions: length(functions), limit: @most)}

  @doc "Which of the functions are looked at now: all of them come up in turn."
  @spec turn(t, [mfa]) :: {[mfa], t}
  def turn(memory, functions) do
    waiting = if memory.waiting == [], do: functions, else: memory.waiting
    {now, later} = Enum.split(waiting, @turn)
    {Enum.filter(now, &(&1 in functions)), %{memory | waiting: later}}
  end

  @doc """
  What was added to what the VM had counted of a function, and whether it should begin anew.

  Less than before is what was counted since its module was loaded again.
  """
  @spec grown(t, mfa, [counted]) :: {[{mfa, pid, integer, integer}], anew? :: boolean, t}
  def grown(memory, mfa, rows) do
    before = Map.get(memory.told, mfa, %{})
    added = for {pid, calls, words} <- rows, do: {mfa, pid, added(before[pid], {calls, words})}

    grown =
      for {mfa, pid, {calls, words}} <- added,
          calls > 0 or words > 0,
          do: {mfa, pid, calls, words}

    anew? = length(rows) > @rows
    {grown, anew?, %{memory | told: told(memory.told, mfa, rows, anew?)}}
  end

  @doc "Only what is counted is remembered."
  @spec only(t, [mfa]) :: t
  def only(memory, functions), do: %{memory | told: Map.take(memory.told, functions)}

  defp added({calls, words}, {now, more}) when now >= calls, do: {now - calls, more - words}
  defp added(_none_or_anew, counted), do: counted

  defp told(told, mfa, _rows, true), do: Map.delete(told, mfa)
  defp told(told, _mfa, [], false), do: told

  defp told(told, mfa, rows, false),
    do: Map.put(told, mfa, Map.new(rows, fn {pid, calls, words} -> {pid, {calls, words}} end))
end
