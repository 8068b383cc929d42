defmodule ElixirScope.Distributed.Debug.Stopped.Raised do
  @moduledoc false
  # Why a process ended that ran interpreted code, and where. The interpreter knows the frames and their
  # variables where nothing interpreted ran between the exception and the end; a `GenServer` whose
  # `terminate/2` did has only the stacktrace in its reason. Pure.

  @longest 2_000

  @doc "Whether a process that ends for this reason was meant to."
  @spec uncaught?(term) :: boolean
  def uncaught?(reason) when reason in [:normal, :shutdown, :killed], do: false
  def uncaught?({:shutdown, _reason}), do: false
  def uncaught?(_reason), do: true

  @doc "The place, and what is known besides: the text, and a stacktrace where there are no frames."
  @spec at({module, integer} | nil | :null, term, integer) ::
          {{module, integer, integer} | nil, map}
  def at({module, line}, reason, level), do: {{module, line, level}, %{text: text(reason)}}

  def at(_none, {_reason, [{module, _name, _arity, place} | _] = stacktrace} = reason, _level)
      when is_atom(module) and is_list(place),
      do: {{module, place[:line] || 0, 1}, %{text: text(reason), stacktrace: stacktrace}}

  def at(_none, _reason, _level), do: {nil, %{}}

  @doc "A reason as text of bounded size."
  @spec text(term) :: String.t()
  def text({reason, [{module, _name, _arity, _place} | _]}) when is_atom(module), do: text(reason)

  def text(%{__exception__: true} = exception),
    do: shortly("** (#{inspect(exception.__struct__)}) #{message(exception)}")

  def text(reason), do: shortly("** " <> inspect(reason, limit: 10, printable_limit: 500))

  # Anybody may have written how an exception says what it is.
  defp message(%{message: message}) when is_binary(message), do: message

  defp message(exception),
    do: exception |> Map.from_struct() |> inspect(limit: 10, printable_limit: 500)

  defp shortly(text), do: String.slice(text, 0, @longest)
end
