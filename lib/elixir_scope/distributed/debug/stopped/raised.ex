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

  @doc """
  A reason as text of bounded size: kind or type, and what it says.

      iex> alias ElixirScope.Distributed.Debug.Stopped.Raised
      iex> Raised.text({:badarith, [{:erlang, :/, [1, 0], []}]})
      "** (ArithmeticError) bad argument in arithmetic expression"
      iex> Raised.text({{:nocatch, :ball}, [{Shop, :pay, 1, []}]})
      "** (throw) :ball"
      iex> Raised.text(:boom)
      "** (exit) :boom"
  """
  @spec text(term) :: String.t()
  def text({reason, [{module, _name, _arity, place} | _] = stacktrace})
      when is_atom(module) and is_list(place),
      do: raised(reason, stacktrace)

  def text(%{__exception__: true} = exception), do: raised(exception, [])
  def text(reason), do: said("exit", shown(reason))

  defp raised({:nocatch, value}, _stacktrace), do: said("throw", shown(value))

  defp raised(reason, stacktrace) do
    exception = Exception.normalize(:error, reason, Enum.map(stacktrace, &plain/1))
    said(inspect(exception.__struct__), message(exception))
  end

  # Who raised may have named a module that is to say more of it; none but the VM's own is asked.
  defp plain({module, name, arity, place}) do
    with %{module: :erl_erts_errors} <- place[:error_info],
         do: {module, name, arity, place},
         else: (_others -> {module, name, arity, Keyword.delete(place, :error_info)})
  end

  defp plain(other), do: other

  defp said(kind, text), do: String.slice("** (#{kind}) #{text}", 0, @longest)

  # Anybody may have written how an exception says what it is.
  defp message(%{message: message}) when is_binary(message), do: message
  defp message(%ErlangError{original: original}), do: "Erlang error: #{shown(original)}"

  defp message(%{__struct__: module} = exception) do
    if :application.get_application(module) == {:ok, :elixir},
      do: Exception.message(exception),
      else: exception |> Map.from_struct() |> shown()
  end

  defp shown(term), do: inspect(term, limit: 10, printable_limit: 500)
end
