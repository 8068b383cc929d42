defmodule ElixirScope.Distributed.Capture.Correlation.Token do
  @moduledoc false
  # Our part of the VM's token: one key of a label that is a map. What other tools have
  # in the token stays as it is, and a label that is no plain map is theirs alone.

  alias ElixirScope.Distributed.Capture.Correlation.Context

  @key :elixir_scope

  # Seconds; native/scope_nif/src/label.rs has the same number.
  @lifetime 30

  @doc "What stands under our key, as it is."
  @spec ours() :: term
  def ours do
    case :seq_trace.get_token(:label) do
      {:label, %{@key => ours}} -> ours
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
  def restore(ours), do: write(ours)

  @doc "Makes the label what it should be: that of the extent, or none of ours, as it expired."
  @spec mend() :: :ok
  def mend do
    case Context.current() do
      nil -> drop()
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

      {:label, _others} ->
        :ok
    end
  end

  defp drop do
    case :seq_trace.get_token(:label) do
      {:label, %{@key => _ours} = label} -> keep(Map.delete(label, @key), :seq_trace.get_token())
      _other -> :ok
    end
  end

  # Nothing but our key was in it: it goes, unless somebody has set flags on it since.
  defp keep(rest, {0, _label, _serial, _from, _last}) when rest == %{},
    do: done(:seq_trace.set_token([]))

  defp keep(rest, _token) when rest == %{}, do: label(0)
  defp keep(rest, _token), do: label(rest)

  defp label(label), do: done(:seq_trace.set_token(:label, label))

  defp done(_before), do: :ok
end
