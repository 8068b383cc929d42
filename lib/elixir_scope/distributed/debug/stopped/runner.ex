defmodule ElixirScope.Distributed.Debug.Stopped.Runner do
  @moduledoc false
  # An evaluation on its way into a process that stands, and its value on the way back. `run/1` is what the process
  # itself calls; before and after it, another one prepares and reads.

  alias ElixirScope.Distributed.Debug.Evaluator
  alias ElixirScope.Distributed.Debug.Stopped.{Driver, Shelf, Values}

  # What Elixir's compiler leaves with the process in which it evaluates.
  @left_behind [:elixir_eval_env, :elixir_checker_info, :elixir_code_diagnostics]

  @doc "Evaluates in the process that a driver drives; the result has a path of its own."
  @spec evaluate(pid, pid, Evaluator.prepared(), {String.t(), pos_integer}) ::
          {:ok, map} | {:error, atom | {atom, map}}
  def evaluate(driver, pid, prepared, {text, within_ms}) do
    key = System.unique_integer([:positive, :monotonic])
    Shelf.put({:job, key}, {prepared, pid, text, within_ms})

    case Driver.ask(driver, {:run, __MODULE__, :run, key}, within_ms + 200) do
      :ok -> answer(Shelf.take({:answer, key}))
      {:error, reason} -> refused(reason, key, within_ms)
    end
  end

  defp answer({:ok, answer}), do: answer
  defp answer(:error), do: {:error, :not_stopped}

  defp refused(:no_answer, _key, within_ms), do: {:error, {:too_long, %{ms: within_ms}}}

  defp refused(reason, key, _within_ms) do
    Shelf.take({:job, key})
    {:error, reason}
  end

  @doc "Called in the process: its value is small, as the interpreter copies it twice."
  @spec run(integer) :: :done
  def run(key) do
    with {:ok, {prepared, pid, text, within_ms}} <- Shelf.take({:job, key}) do
      before = Process.get() |> Keyword.take(@left_behind)
      result = Evaluator.run(prepared, within_ms)
      restore(before)
      Shelf.put({:answer, key}, seen(result, pid, key, text))
    end

    :done
  end

  defp restore(before) do
    for key <- @left_behind do
      if Keyword.has_key?(before, key),
        do: Process.put(key, before[key]),
        else: Process.delete(key)
    end
  end

  defp seen({:error, message}, _pid, _key, _text),
    do: {:error, {:not_evaluated, %{message: message}}}

  defp seen({:ok, value}, pid, key, text) do
    kept? = Shelf.keep(pid, key, value)
    shown = Values.named(last_name(text), value, [{:result, key}], Values.rules())

    {:ok,
     if(kept?, do: %{shown | name: text}, else: %{shown | name: text, path: [], children: 0})}
  end

  # What is secret under its name stays so where it is asked for by that name.
  defp last_name(text) do
    case Regex.run(~r/([\p{L}_][\p{L}\p{N}_]*)["'\]\s]*$/u, text) do
      [_all, name] -> name
      nil -> text
    end
  end
end
