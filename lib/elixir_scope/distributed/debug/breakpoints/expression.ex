defmodule ElixirScope.Distributed.Debug.Breakpoints.Expression do
  @moduledoc false
  # A condition, or what stands in braces in the text of a log point: an expression over variables as
  # they are written. It is read once, makes no atom, and is evaluated beside the process that it is about,
  # within bounds: it may raise, loop or grow, and what it is asked about goes on.

  alias ElixirScope.Distributed.Debug.Breakpoints.Simple

  @ms 500
  @words 4 * 1024 * 1024

  defstruct [:text, :quoted, :variables]

  @type t :: %__MODULE__{text: String.t(), quoted: Macro.t(), variables: [atom]}

  @doc "How long one evaluation may take, and how many words of memory."
  def limits, do: %{condition_ms: @ms, condition_words: @words}

  @doc "Reads one."
  @spec parse(String.t()) :: {:ok, t} | {:error, {:bad_expression, String.t()}}
  def parse(text) do
    case Code.string_to_quoted(text, existing_atoms_only: true, emit_warnings: false) do
      {:ok, {:__block__, _meta, []}} ->
        {:error, {:bad_expression, "#{text}: nothing is there"}}

      {:ok, quoted} ->
        {:ok, %__MODULE__{text: text, quoted: quoted, variables: variables(quoted)}}

      {:error, why} ->
        {:error, {:bad_expression, "#{text}: #{why(why)}"}}
    end
  end

  defp why({_place, {before, behind}, token}), do: to_string([before, token, behind])
  defp why({_place, message, token}), do: to_string([message, token])

  defp variables(quoted) do
    {_quoted, names} = Macro.prewalk(quoted, [], &{&1, variable(&1) ++ &2})
    Enum.uniq(names)
  end

  defp variable({name, _meta, context}) when is_atom(name) and is_atom(context), do: [name]
  defp variable(_other), do: []

  @doc "Its value with these variables, or what is wrong, in words."
  @spec value(t, %{atom => term}) :: {:ok, term} | {:error, String.t()}
  def value(expression, bindings) do
    with :none <- Simple.value(expression.quoted, bindings), do: aside(expression, bindings)
  end

  # No more of the variables than it names: they are copied.
  defp aside(expression, bindings) do
    bindings = Map.to_list(Map.take(bindings, expression.variables))
    heap = %{size: @words, kill: true, error_logger: false}
    work = fn -> exit({__MODULE__, evaluated(expression.quoted, bindings)}) end
    {pid, monitor} = :erlang.spawn_opt(work, [:monitor, max_heap_size: heap, priority: :normal])

    receive do
      {:DOWN, ^monitor, :process, ^pid, {__MODULE__, result}} -> result
      {:DOWN, ^monitor, :process, ^pid, :killed} -> {:error, "it took more than its memory"}
      {:DOWN, ^monitor, :process, ^pid, reason} -> {:error, "it ended: #{short(reason)}"}
    after
      @ms -> over(pid, monitor)
    end
  end

  defp over(pid, monitor) do
    Process.exit(pid, :kill)
    Process.demonitor(monitor, [:flush])
    {:error, "it took longer than #{@ms} ms"}
  end

  defp evaluated(quoted, bindings) do
    {value, _bindings} = Code.eval_quoted(quoted, bindings)
    {:ok, value}
  catch
    kind, reason -> {:error, Exception.format_banner(kind, reason, []) |> String.slice(0, 500)}
  end

  defp short(reason),
    do: reason |> inspect(limit: 5, printable_limit: 100) |> String.slice(0, 200)
end
