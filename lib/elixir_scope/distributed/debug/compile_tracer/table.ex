defmodule ElixirScope.Distributed.Debug.CompileTracer.Table do
  @moduledoc false
  # Owns the table of what is seen while files are compiled, as the processes that compile come and go: a file
  # has several, and some are killed when another file fails. There is one from the first file on; the
  # compiler runs where no application is started, so nobody supervises it. Before anything of a folder is
  # seen, what is kept there is tidied, once in the life of a VM.

  use GenServer

  alias ElixirScope.Distributed.Debug.CompileTracer.Folder

  @doc "A file begins: what is seen of it is forgotten when its tracker has ended, however it did."
  @spec follow(pid, Folder.t() | nil) :: :ok
  def follow(tracker, folder),
    do: GenServer.call(started(), {:follow, tracker, folder}, :infinity)

  defp started do
    case GenServer.start(__MODULE__, nil, name: __MODULE__) do
      {:ok, pid} -> pid
      {:error, {:already_started, pid}} -> pid
    end
  end

  @doc "Adds a row: the first part of its key is the tracker of the file."
  @spec add({pid, term, term}) :: :ok
  def add(key) do
    :ets.insert(__MODULE__, {key})
    :ok
  rescue
    # The tracer was set while the file was compiled.
    ArgumentError -> :ok
  end

  @doc "Takes the rows of a file."
  @spec take(pid) :: [{module | nil, term}]
  def take(tracker) do
    rows = :ets.select(__MODULE__, [{{{tracker, :"$1", :"$2"}}, [], [{{:"$1", :"$2"}}]}])
    forget(tracker)
    rows
  rescue
    ArgumentError -> []
  end

  defp forget(tracker), do: :ets.match_delete(__MODULE__, {{tracker, :_, :_}})

  @impl true
  def init(nil) do
    # Ordered, so that what is of one file stands together.
    :ets.new(__MODULE__, [:named_table, :ordered_set, :public, write_concurrency: true])
    {:ok, MapSet.new([nil])}
  end

  @impl true
  def handle_call({:follow, tracker, folder}, _from, tidied) do
    Process.monitor(tracker)
    unless folder in tidied, do: Folder.tidy(folder)
    {:reply, :ok, MapSet.put(tidied, folder)}
  end

  @impl true
  def handle_info({:DOWN, _ref, :process, tracker, _reason}, tidied) do
    forget(tracker)
    {:noreply, tidied}
  end
end
