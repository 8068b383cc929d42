defmodule ElixirScope.Distributed.Debug.Interpreter.Jobs do
  @moduledoc false
  # Requests to interpret modules whose files are being read: which of them are still read, and what came
  # of the others. An answer has them in the order in which they were asked for.

  alias ElixirScope.Distributed.Debug.Interpreter.Choice

  @enforce_keys [:owner, :from, :order]
  defstruct [:owner, :from, :order, :monitor, results: %{}, left: MapSet.new(), again?: false]

  @doc "What an owner wants; some of it may be done already."
  def new(owner, from, order, done) do
    results = Map.new(done, fn {:ok, module} = result -> {module, result} end)
    %__MODULE__{owner: owner, from: from, order: order, results: results}
  end

  @doc "What was compiled again; nobody waits for it."
  def again(modules), do: %__MODULE__{owner: nil, from: nil, order: modules, again?: true}

  @doc "Some modules of it are being read."
  def waiting(job, modules, monitor), do: %{job | left: MapSet.new(modules), monitor: monitor}

  @doc "One has been read."
  def settle(job, module, result) do
    %{
      job
      | left: MapSet.delete(job.left, module),
        results: Map.put(job.results, module, result)
    }
  end

  @doc "Whoever read it failed."
  def failed(job), do: Enum.reduce(job.left, job, &settle(&2, &1, {:error, &1, :not_understood}))

  def done?(job), do: MapSet.size(job.left) == 0
  def pending(job), do: MapSet.size(job.left)
  def results(job), do: for(module <- job.order, do: Map.fetch!(job.results, module))

  @doc "Reads modules, and tells the server of each."
  def work(server, key, modules) do
    modules
    |> Task.async_stream(&{&1, Choice.prepare(&1)}, ordered: false, timeout: :infinity)
    |> Enum.each(fn {:ok, {module, result}} -> send(server, {:prepared, key, module, result}) end)
  end
end
