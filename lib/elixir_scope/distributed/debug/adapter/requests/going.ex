defmodule ElixirScope.Distributed.Debug.Adapter.Requests.Going do
  @moduledoc false
  # How a process that stands goes on, and how one is made to stand. The answer comes when the process was
  # told; where it stops next is news.

  alias ElixirScope.Distributed.Debug.Adapter.{Arguments, State, Stopping, Threads, Words}
  alias ElixirScope.Distributed.Debug.Stopped

  @steps %{"next" => :over, "stepIn" => :into, "stepOut" => :out}

  @doc false
  def request("continue", arguments, request, state),
    do: go(arguments, request, state, &{Stopped, :continue, [&1, State.options(state)]})

  def request("pause", arguments, request, state) do
    with {:ok, pid} <- thread(arguments, state) do
      call = {Stopped, :pause, [pid, State.options(state)]}
      {:effects, [{:ask, ask(pid, request, call, :paused)}], state}
    end
  end

  def request(step, arguments, request, state) do
    how = Map.fetch!(@steps, step)
    go(arguments, request, state, &{Stopped, :step, [&1, how, State.options(state)]})
  end

  # What was looked at of it is no longer so, from now on.
  defp go(arguments, request, state, call) do
    with {:ok, pid} <- thread(arguments, state),
         :ok <- Stopping.stands(state, pid) do
      gone = Stopping.going(state, pid)
      {:effects, [{:ask, ask(pid, request, call.(pid), {:gone, pid})}], gone}
    end
  end

  defp ask(pid, request, call, tag),
    do: %{lane: {:process, pid}, request: request, call: call, to: {__MODULE__, tag}}

  @doc "The process that `threadId` names."
  @spec thread(map, State.t()) :: {:ok, pid} | {:error, String.t()}
  def thread(arguments, state) do
    with {:ok, id} <- Arguments.integer(arguments, "threadId"),
         :error <- Threads.pid(state.threads, id),
         do: {:error, "there is no thread #{id}, or no longer"}
  end

  @doc false
  def answer({:gone, _pid}, result, %{command: "continue"}, state) when result == :ok,
    do: {:ok, %{allThreadsContinued: false}, state}

  def answer(_tag, :ok, _request, state), do: {:ok, %{}, state}
  def answer(tag, {:ok, _more}, request, state), do: answer(tag, :ok, request, state)

  # It stands as before.
  def answer({:gone, pid}, {:error, reason}, request, state) do
    error = {:reply, request, {:error, Words.reason(reason)}}
    {:effects, [error], Stopping.stays(state, pid)}
  end

  def answer(:paused, {:error, reason}, _request, _state), do: {:error, reason}
end
