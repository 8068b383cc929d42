defmodule ElixirScope.Distributed.Capture.Correlation.Token do
  @moduledoc false
  # Our part of the VM's token: one key of a label that is a map. What other tools have
  # in the token stays as it is, and a label that is no plain map is theirs alone: but for a pid,
  # which a trace with `correlate: :each_call` has put there.

  alias ElixirScope.Distributed.Capture.Correlation.{Context, Inside}

  @key :elixir_scope

  # Seconds; native/scope_nif/src/label.rs has the same number.
  @lifetime 30

  @doc "What stands under our key, as it is, or the pid that stands in its place."
  @spec ours() :: term
  def ours do
    case :seq_trace.get_token(:label) do
      {:label, %{@key => ours}} -> ours
      {:label, pid} when is_pid(pid) -> if Inside.names?(pid), do: pid
      _other -> nil
    end
  end

  @doc "Lets an id travel from now on, with the numbers of the traces that leave it out."
  @spec put(Context.key(), [pos_integer]) :: :ok
  def put(key, []), do: write({key, expiry()})
  def put(key, dropping), do: write({key, expiry(), dropping})

  @doc "Puts back what `ours/0` said."
  @spec restore(term) :: :ok
  def restore(nil), do: drop()
  def restore(pid) when is_pid(pid), do: name(pid, :seq_trace.get_token(:label))
  def restore(ours), do: write(ours)

  @doc "Makes the label what it should be: that of the extent or call, or none of ours, as it expired."
  @spec mend() :: :ok
  def mend do
    case Context.current() do
      nil -> if Inside.entry(), do: restore(self()), else: drop()
      context -> put(context.key, context.dropping)
    end
  end

  @doc "Runs `fun` without a token, so that our own processes do not carry it on."
  @spec aside((... -> result)) :: result when result: term
  def aside(fun) do
    case :seq_trace.get_token() do
      [] -> fun.()
      token -> apart(token, fun)
    end
  end

  defp apart(token, fun) do
    :seq_trace.set_token([])
    fun.()
  after
    :seq_trace.set_token(token)
  end

  defp expiry, do: System.os_time(:second) + @lifetime

  defp write(ours) do
    case :seq_trace.get_token(:label) do
      [] ->
        label(%{@key => ours})

      {:label, label} when is_map(label) and not is_struct(label) ->
        label(Map.put(label, @key, ours))

      {:label, pid} when is_pid(pid) ->
        if Inside.names?(pid), do: label(%{@key => ours}), else: :ok

      {:label, _others} ->
        :ok
    end
  end

  # A pid shares a label with nobody: where another tool has a part, ours goes.
  defp name(pid, []), do: label(pid)
  defp name(pid, {:label, label}) when label == %{}, do: label(pid)
  defp name(pid, {:label, %{@key => _} = label}) when map_size(label) == 1, do: label(pid)

  defp name(pid, {:label, other}) when is_pid(other),
    do: if(Inside.names?(other), do: label(pid), else: :ok)

  defp name(_pid, _shared), do: drop()

  defp drop do
    case :seq_trace.get_token(:label) do
      {:label, %{@key => _ours} = label} -> keep(Map.delete(label, @key), :seq_trace.get_token())
      {:label, pid} when is_pid(pid) -> if Inside.names?(pid), do: keep(), else: :ok
      _other -> :ok
    end
  end

  defp keep, do: keep(%{}, :seq_trace.get_token())

  # Nothing but our key was in it: it goes, unless somebody has set flags on it since.
  defp keep(rest, {0, _label, _serial, _from, _last}) when rest == %{},
    do: done(:seq_trace.set_token([]))

  defp keep(rest, _token) when rest == %{}, do: label(0)
  defp keep(rest, _token), do: label(rest)

  defp label(label), do: done(:seq_trace.set_token(:label, label))

  defp done(_before), do: :ok
end
