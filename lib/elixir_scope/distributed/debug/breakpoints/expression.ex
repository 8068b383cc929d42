defmodule ElixirScope.Distributed.Debug.Breakpoints.Expression do
  @moduledoc false
  # A condition, or what stands in braces in the text of a log point: an expression over variables as
  # they are written. Its form is looked at once, and makes no atom. It is evaluated beside the process that it is
  # about, within bounds: it may raise, loop or grow, and what it is asked about goes on.

  alias ElixirScope.Distributed.Debug.Breakpoints.Simple
  alias ElixirScope.Distributed.Debug.Evaluator

  @ms 500
  @words 4 * 1024 * 1024

  # With a little more, so that what took too long is said by who noticed.
  @late_ms @ms + 500

  defstruct [:text, :quoted, :variables]

  @type t :: %__MODULE__{text: String.t(), quoted: Macro.t(), variables: MapSet.t(String.t())}

  @doc "How long one evaluation may take, and how many words of memory."
  def limits, do: %{condition_ms: @ms, condition_words: @words}

  @doc "Reads one. In Erlang's modules it is Erlang, of which Elixir's form need not be right."
  @spec parse(String.t()) :: {:ok, t} | {:error, {:bad_expression, String.t()}}
  def parse(text) do
    case Code.string_to_quoted(text, static_atoms_encoder: &name/2, emit_warnings: false) do
      {:ok, {:__block__, _meta, []}} ->
        {:error, {:bad_expression, "#{text}: nothing is there"}}

      {:ok, quoted} ->
        {:ok, %__MODULE__{text: text, quoted: quoted, variables: variables(quoted)}}

      {:error, why} ->
        {:error, {:bad_expression, "#{text}: #{why(why)}"}}
    end
  end

  # What is no atom yet stays text; nothing of this form is evaluated but by `Simple`.
  defp name(text, _meta) do
    {:ok, String.to_existing_atom(text)}
  rescue
    ArgumentError -> {:ok, {:new, text}}
  end

  defp why({_place, {before, behind}, token}), do: to_string([before, token, behind])
  defp why({_place, message, token}), do: to_string([message, token])

  @doc "The variables that expressions name; of what is text or nothing, none."
  @spec variables_of([t | String.t() | nil]) :: MapSet.t(String.t())
  def variables_of(parts) do
    for %__MODULE__{quoted: quoted} <- parts, name <- plain(quoted), into: MapSet.new(), do: name
  end

  defp plain(quoted) do
    {_quoted, names} = Macro.prewalk(quoted, [], &{&1, plain_name(&1) ++ &2})
    names
  end

  defp plain_name({name, _meta, context}) when is_atom(name) and is_atom(context),
    do: [Atom.to_string(name)]

  defp plain_name({{:new, name}, _meta, context}) when is_atom(context), do: [name]
  defp plain_name(_other), do: []

  # Whatever could be one: names that are called are among them.
  defp variables(quoted) do
    {_quoted, names} = Macro.prewalk(quoted, [], &{&1, variable(&1) ++ &2})
    MapSet.new(names)
  end

  defp variable({:__aliases__, _meta, names}), do: for({:new, name} <- names, do: name)
  defp variable({name, _meta, _context}) when is_atom(name), do: [Atom.to_string(name)]
  defp variable({{:new, name}, _meta, _context}), do: [name]
  defp variable(_other), do: []

  @doc "Its value in a frame, or what is wrong, in words."
  @spec value(t, Evaluator.frame()) :: {:ok, term} | {:error, String.t()}
  def value(expression, frame) do
    with :none <- Simple.value(expression.quoted, frame),
         :ok <- known(expression, frame),
         do: aside(expression, frame)
  end

  # Said before the compiler is asked, which would write to the log at each hit. What the expression
  # itself binds is for it to find.
  defp known(_expression, %{language: :erlang}), do: :ok

  defp known(expression, frame) do
    names = for {name, _value} <- frame.bindings, into: MapSet.new(), do: name
    unknown = MapSet.difference(variables_of([expression]), names)

    if MapSet.size(unknown) == 0 or binds?(expression.quoted),
      do: :ok,
      else: {:error, "there is no variable #{Enum.join(unknown, ", ")} here"}
  end

  defp binds?(quoted) do
    {_quoted, binds?} = Macro.prewalk(quoted, false, &{&1, &2 or binder?(&1)})
    binds?
  end

  defp binder?({binder, _meta, [_ | _]}) when binder in [:=, :<-, :->, :fn, :&], do: true
  defp binder?(_other), do: false

  # No more of the variables than it names: they are copied.
  defp aside(%{text: text} = expression, frame) do
    named = Enum.filter(frame.bindings, fn {name, _value} -> name in expression.variables end)
    bindings = if frame.language == :elixir, do: named, else: frame.bindings
    heap = %{size: @words, kill: true, error_logger: false}
    work = fn -> exit({__MODULE__, evaluated(text, %{frame | bindings: bindings})}) end
    {pid, monitor} = :erlang.spawn_opt(work, [:monitor, max_heap_size: heap])

    receive do
      {:DOWN, ^monitor, :process, ^pid, {__MODULE__, result}} -> result
      {:DOWN, ^monitor, :process, ^pid, :killed} -> {:error, "it took more than its memory"}
      {:DOWN, ^monitor, :process, ^pid, reason} -> {:error, "it ended: #{short(reason)}"}
    after
      @late_ms -> over(pid, monitor)
    end
  end

  defp over(pid, monitor) do
    Process.exit(pid, :kill)
    Process.demonitor(monitor, [:flush])
    {:error, "it took longer than #{@ms} ms"}
  end

  defp evaluated(text, frame) do
    with {:ok, prepared} <- Evaluator.prepare(text, frame), do: Evaluator.run(prepared, @ms)
  end

  defp short(reason),
    do: reason |> inspect(limit: 5, printable_limit: 100) |> String.slice(0, 200)
end
