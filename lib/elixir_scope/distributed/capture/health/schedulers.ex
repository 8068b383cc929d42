defmodule ElixirScope.Distributed.Capture.Health.Schedulers do
  @moduledoc false
  # How busy the schedulers are that run processes. The VM measures it while anybody has asked
  # it to: it counts the processes that did, and one that ends takes back its own wish alone.

  @type busy :: %{pos_integer => {active :: integer, total :: integer}}

  @doc "Has the VM measure, for as long as the calling process lives or until `stop/0`."
  @spec start() :: :ok
  def start, do: measure(true)

  @doc "Takes the wish back."
  @spec stop() :: :ok
  def stop, do: measure(false)

  @doc "Processes that wait to run, for each scheduler."
  @spec waiting() :: float
  def waiting,
    do: :erlang.statistics(:total_run_queue_lengths) / :erlang.system_info(:schedulers_online)

  @doc "How long each has worked and been there."
  @spec busy() :: busy
  def busy do
    online = :erlang.system_info(:schedulers_online)

    case :erlang.statistics(:scheduler_wall_time) do
      :undefined -> %{}
      all -> for {id, active, total} <- all, id <= online, into: %{}, do: {id, {active, total}}
    end
  end

  @doc "The percentage of the time between two answers of `busy/0` in which they worked."
  @spec percent(busy, busy) :: float | nil
  def percent(since, now) do
    between =
      for {id, {active, total}} <- now,
          {:ok, {began, at}} <- [Map.fetch(since, id)],
          total > at do
        (active - began) / (total - at)
      end

    if between != [], do: 100 * Enum.sum(between) / length(between)
  end

  defp measure(wish) do
    :erlang.system_flag(:scheduler_wall_time, wish)
    :ok
  end
end
