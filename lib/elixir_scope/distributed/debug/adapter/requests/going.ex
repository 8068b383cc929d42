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

  # What was looked at of it is no longer so, from now on. It is answered at once, as it may stop again before
  # the node has said that it went on.
  defp go(arguments, request, state, call) do
    with {:ok, pid} <- thread(arguments, state),
         :ok <- Stopping.stands(state, pid) do
      job = ask(pid, nil, call.(pid), {:gone, pid})
      {:ok, answer(request), [{:ask, job}], Stopping.going(state, pid)}
    end
  end

  defp answer(%{command: "continue"}), do: %{allThreadsContinued: false}
  defp answer(_step), do: %{}

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
  def answer({:gone, pid}, {:error, reason}, nil, state) do
    {again, state} = Stopping.stays(state, pid)

    {:effects, [State.output("stderr", "it did not go on: #{Words.reason(reason)}") | again],
     state}
  end

  def answer(:paused, {:error, reason}, _request, _state), do: {:error, reason}
  def answer(:paused, _told, _request, state), do: {:ok, %{}, state}
  def answer({:gone, _pid}, _told, nil, state), do: {:effects, [], state}
end
