defmodule ElixirScope.Distributed.Case.Eventually do
  @moduledoc false
  # The only place where a test waits for time to pass: it asks again until the
  # answer is right, so that a fast machine does not wait and a slow one does not fail.

  @within_ms 5_000
  @first_pause_ms 5
  @longest_pause_ms 100

  @doc "Retries `assertion` until it holds; raises its last failure at the deadline."
  @spec eventually((... -> result), keyword) :: result when result: term
  def eventually(assertion, options) do
    within = options |> Keyword.validate!(within: @within_ms) |> Keyword.fetch!(:within)
    retry(assertion, now() + within, @first_pause_ms, within)
  end

  defp retry(assertion, deadline, pause, within) do
    case attempt(assertion) do
      {:held, result} ->
        result

      failed ->
        if now() > deadline,
          do: give_up(failed, within),
          else: again(assertion, deadline, pause, within)
    end
  end

  defp again(assertion, deadline, pause, within) do
    receive after: (pause -> :ok)
    retry(assertion, deadline, min(pause * 2, @longest_pause_ms), within)
  end

  defp attempt(assertion) do
    case assertion.() do
      result when result in [false, nil] -> {:returned, result}
      result -> {:held, result}
    end
  rescue
    error -> {:raised, error, __STACKTRACE__}
  end

  defp give_up({:raised, error, stacktrace}, within) do
    reraise(explain(error, within), stacktrace)
  end

  defp give_up({:returned, result}, within) do
    raise "returned #{inspect(result)} for #{within} ms: assert what should hold " <>
            "(a `refute` returns what it was given; write `assert not ...`)"
  end

  defp explain(%{message: message} = error, within) when is_binary(message) do
    %{error | message: "not within #{within} ms: #{message}"}
  end

  defp explain(error, _within), do: error

  defp now, do: System.monotonic_time(:millisecond)
end
