defmodule ElixirScope.Distributed.Replay.Others do
  @moduledoc false
  # Everybody but the replayed process, in the replay node: who stands for the processes of the recording,
  # takes what is written to the standard output, hears what is sent, and looks how large the node gets.
  #
  # A stand-in takes messages and does nothing; of calls that wait for an answer it tells the runner.

  alias ElixirScope.Distributed.Replay.StandIns

  @look_ms 20

  @enforce_keys [:sink, :collector, :runner]
  defstruct [:sink, :collector, :runner]

  @type t :: %__MODULE__{sink: pid, collector: pid, runner: pid}

  @doc "Starts them."
  @spec start(pid, map) :: t
  def start(runner, request) do
    keep = request.sends
    spawn(fn -> watch(runner, request.memory_bytes) end)

    %__MODULE__{
      runner: runner,
      sink: spawn(&sink/0),
      collector: spawn(fn -> collect(keep, [], 0) end)
    }
  end

  @doc "A process that stands for one of the recording."
  @spec stand_in(t, term) :: pid
  def stand_in(%{runner: runner}, there), do: spawn(fn -> stand(there, runner) end)

  @doc "Stand-ins under the names of processes to which something was sent, where the node has none."
  @spec names(t, [{atom, there :: term}], StandIns.t()) :: StandIns.t()
  def names(_others, names, stand_ins) do
    for {name, there} <- names, Process.whereis(name) == nil, reduce: stand_ins do
      stand_ins ->
        {pid, stand_ins} = StandIns.process(stand_ins, there)
        register(pid, name)
        stand_ins
    end
  end

  # A process has one name; what stands for one with several is found by the first.
  defp register(pid, name) do
    Process.register(pid, name)
  rescue
    ArgumentError -> false
  end

  defp stand(there, runner) do
    receive do
      {:"$gen_call", from, request} -> send(runner, {:asked, there, from, request})
      _other -> :ok
    end

    stand(there, runner)
  end

  # Whatever is written is written, and nothing can be read.
  defp sink do
    receive do
      {:io_request, from, ref, request} -> send(from, {:io_reply, ref, written(request)})
      _other -> :ok
    end

    sink()
  end

  defp written(request) when elem(request, 0) in [:put_chars, :requests, :setopts], do: :ok
  defp written(_request), do: {:error, :enotsup}

  defp watch(runner, most) do
    receive after: (@look_ms -> :ok)
    if :erlang.memory(:total) > most, do: send(runner, :too_large), else: watch(runner, most)
  end

  # Sends

  @doc "What a process has sent since, at most as many messages as are kept, and how many there were."
  @spec take(t, pid) :: {[{to :: term, message :: term}], non_neg_integer}
  def take(others, pid) do
    ref = :erlang.trace_delivered(pid)
    receive do: ({:trace_delivered, ^pid, ^ref} -> :ok)
    send(others.collector, {:take, self()})
    receive do: ({:taken, messages, count} -> {messages, count})
  end

  defp collect(keep, messages, count) do
    receive do
      {:take, to} ->
        send(to, {:taken, Enum.reverse(messages), count})
        collect(keep, [], 0)

      {:trace, _pid, sent, message, to} when sent in [:send, :send_to_non_existing_process] ->
        heard(keep, messages, count, to, message)

      _other ->
        collect(keep, messages, count)
    end
  end

  defp heard(keep, messages, count, to, message) do
    cond do
      own?(to, message) -> collect(keep, messages, count)
      length(messages) < keep -> collect(keep, [{to, message} | messages], count + 1)
      true -> collect(keep, messages, count + 1)
    end
  end

  # The player's words to the runner, what is written, and the VM's own business.
  defp own?(_to, {:io_request, _, _, _}), do: true
  defp own?(_to, {ref, {:return, _}}) when is_reference(ref), do: true
  defp own?(_to, {ref, {:exception, _, _}}) when is_reference(ref), do: true
  defp own?(to, _message), do: to in [:code_server, :erl_prim_loader, :file_server_2, :init]
end
