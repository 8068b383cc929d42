defmodule ElixirScope.Distributed.Debug.Desk.Worker do
  @moduledoc false
  # Does one request and answers it: a process of its own, with a bound of memory, that the desk ends
  # when the time is over or nobody waits any more.

  alias ElixirScope.Distributed.{Error, Scope}
  alias ElixirScope.Distributed.Debug.Desk.Request

  @memory_bytes 256 * 1024 * 1024
  @answer_bytes 16 * 1024 * 1024

  @doc "How much memory one may take, and how large an answer may be."
  @spec limits() :: %{memory_bytes: pos_integer, answer_bytes: pos_integer}
  def limits, do: %{memory_bytes: @memory_bytes, answer_bytes: @answer_bytes}

  @doc "Starts one, linked to the caller."
  @spec start(Request.t(), GenServer.from()) :: pid
  def start(request, from) do
    size = div(@memory_bytes, :erlang.system_info(:wordsize))
    heap = %{size: size, kill: true, error_logger: false}
    Process.spawn(fn -> answer(request, from) end, [:link, max_heap_size: heap])
  end

  defp answer(request, from) do
    Scope.hide()
    GenServer.reply(from, fitting(work(request)))
  end

  # `send` would hold a large answer in memory once more for each part of it that is sent.
  defp fitting(answer) do
    if :erlang.external_size(answer) <= @answer_bytes,
      do: answer,
      else: {:error, Error.new(:answer_too_large, limit: @answer_bytes)}
  end

  defp work(%{row: %{function: {module, function}}, args: args}) do
    if there?(module, function, length(args)),
      do: normal(apply(module, function, args)),
      else: {:error, :not_available}
  catch
    kind, reason -> failed(Exception.format_banner(kind, reason, __STACKTRACE__))
  end

  # From the closed table: an asking node names none of it.
  defp there?(module, function, arity),
    do: Code.ensure_loaded?(module) and function_exported?(module, function, arity)

  defp normal({:ok, value}), do: {:ok, value}
  defp normal(:ok), do: {:ok, :ok}
  defp normal({:error, reason}), do: {:error, reason}
  defp normal(other), do: failed("it returned #{inspect(other, limit: 5)}")

  defp failed(text),
    do: {:error, Error.new(:worker_failed, reason: String.slice(text, 0, 500))}
end
