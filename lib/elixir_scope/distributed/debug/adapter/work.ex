defmodule ElixirScope.Distributed.Debug.Adapter.Work do
  @moduledoc false
  # What is asked of others for a client: what runs, and what waits. Pure: jobs are terms. Jobs of one
  # lane run one after the other, as setting breakpoints twice must not end in the first of the two;
  # others run side by side, up to a bound, so that a slow one holds nobody up.

  @max_running 32
  @bounds [max_running: @max_running, max_waiting: 1_000]

  defstruct running: %{}, waiting: []

  @typedoc "`lane` is `nil` for a job that need not wait for any other."
  @type job :: %{
          required(:lane) => term,
          required(:request) => map | nil,
          optional(atom) => term
        }
  @type t :: %__MODULE__{running: %{reference => job}, waiting: [job]}

  @doc "How many jobs there may be."
  @spec bounds() :: keyword
  def bounds, do: @bounds

  @doc "Adds a job, last."
  @spec add(t, job) :: {:ok, t} | :full
  def add(work, job) do
    if length(work.waiting) < @bounds[:max_waiting],
      do: {:ok, %{work | waiting: work.waiting ++ [job]}},
      else: :full
  end

  @doc "A job that can begin now: it is the caller's to run, and to note by `began/3`."
  @spec next(t) :: {:ok, job, t} | :none
  def next(%{running: running}) when map_size(running) >= @max_running, do: :none

  def next(work) do
    busy = for {_ref, %{lane: lane}} <- work.running, lane != nil, into: MapSet.new(), do: lane
    take(work.waiting, [], busy, work)
  end

  defp take([], _skipped, _busy, _work), do: :none

  # A lane that is skipped is skipped for what comes behind, too.
  defp take([%{lane: lane} = job | rest], skipped, busy, work) do
    if lane != nil and MapSet.member?(busy, lane),
      do: take(rest, [job | skipped], busy, work),
      else: {:ok, job, %{work | waiting: Enum.reverse(skipped, rest)}}
  end

  @doc "It runs, under this reference."
  @spec began(t, reference, job) :: t
  def began(work, ref, job), do: %{work | running: Map.put(work.running, ref, job)}

  @doc "It has ended."
  @spec ended(t, reference) :: {:ok, job, t} | :error
  def ended(work, ref) do
    case Map.pop(work.running, ref) do
      {nil, _running} -> :error
      {job, running} -> {:ok, job, %{work | running: running}}
    end
  end

  @doc "The job of a request, running with its reference or waiting; one that waited is taken out."
  @spec cancel(t, integer) :: {:running, reference, job} | {:waiting, job, t} | :none
  def cancel(work, seq) do
    with nil <- Enum.find(work.running, fn {_ref, job} -> of?(job, seq) end),
         nil <- Enum.find(work.waiting, &of?(&1, seq)) do
      :none
    else
      {ref, job} -> {:running, ref, job}
      job -> {:waiting, job, %{work | waiting: List.delete(work.waiting, job)}}
    end
  end

  defp of?(job, seq), do: job.request != nil and job.request.seq == seq
end
