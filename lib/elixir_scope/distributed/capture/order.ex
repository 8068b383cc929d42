defmodule ElixirScope.Distributed.Capture.Order do
  @moduledoc false
  # What somebody wants traced, checked and without anything that only one node knows: it
  # travels to every node as it is.

  alias ElixirScope.Distributed.Capture.{Governor.Budgets, Pattern}
  alias ElixirScope.Distributed.{Error, Event, Operations.Shape, Options}

  # Above are the numbers of sets of traces.
  @ids 1..32_767

  # What may come from elsewhere.
  @most_patterns 256
  @options {5_000, 64 * 1024}

  @unspent %{events: 0, refused: 0, thinned: 0, bytes: 0}

  @enforce_keys [:id, :patterns, :options, :budgets, :by, :at]
  defstruct [spent: @unspent] ++ @enforce_keys

  @typedoc "What the node had recorded of it before it was started again."
  @type spent :: %{
          events: non_neg_integer,
          refused: non_neg_integer,
          thinned: non_neg_integer,
          bytes: non_neg_integer
        }

  @type t :: %__MODULE__{
          id: pos_integer,
          patterns: [Pattern.t()],
          options: keyword,
          budgets: Budgets.t(),
          by: {node, pid},
          at: integer,
          spent: spent
        }

  @families Options.Trace.families()

  @doc "An order for `written` patterns, or for no functions at all."
  @spec new(Pattern.written() | [], keyword, {node, pid}) :: {:ok, t} | {:error, Error.t()}
  def new(written, options, by) do
    with {:ok, options} <- check(options),
         {:ok, patterns} <- parse(written, options),
         {:ok, budgets} <- Budgets.new(options),
         order = order(patterns, options, budgets, by),
         :ok <- meant(order),
         :ok <- bounded(order),
         do: {:ok, order}
  end

  @doc "An order from elsewhere, of a bounded size, made anew of what is checked of it."
  @spec read(term) :: {:ok, t} | :error
  def read(%{patterns: patterns, options: options, budgets: budgets, spent: spent} = other) do
    with true <- is_list(options),
         true <- Shape.each?(patterns, @most_patterns, &Pattern.Check.pattern?/1),
         true <- Shape.small?(options, @options) and spent?(spent),
         {:ok, options} <- check(options),
         {:ok, budgets} <- Budgets.read(budgets, options),
         order = %{order(returning(patterns, options), options, budgets, nil) | spent: spent},
         {:ok, order} <- signed(order, other),
         :ok <- meant(order),
         :ok <- bounded(order),
         do: {:ok, order},
         else: (_wrong -> :error)
  end

  def read(_other), do: :error

  defp signed(order, %{id: id, by: {node, pid}, at: at})
       when id in @ids and is_atom(node) and is_pid(pid) and is_integer(at),
       do: {:ok, %{order | id: id, by: {node, pid}, at: at}}

  defp signed(_order, _other), do: :error

  defp spent?(spent),
    do: Shape.fields?(spent, Map.new(@unspent, fn {key, 0} -> {key, &Shape.number?/1} end))

  @doc "Whether it can be the number of a trace."
  @spec id?(term) :: boolean
  def id?(id), do: id in @ids

  @doc "The same order under a number that is not taken."
  @spec number(t, [pos_integer]) :: t
  def number(order, taken) do
    if order.id in taken,
      do: number(%{order | id: Enum.random(@ids)}, taken),
      else: order
  end

  @doc "The same order for who may use no more than this, and has used some of it."
  @spec rest(t, Budgets.t(), map) :: t
  def rest(order, budgets, spent),
    do: %{order | budgets: budgets, spent: Map.take(spent, Map.keys(@unspent))}

  @doc "What was recorded of an order before anybody has said anything."
  @spec unspent() :: spent
  def unspent, do: @unspent

  @doc "Whether two orders are one: numbers come again."
  @spec same?(t, t) :: boolean
  def same?(one, other), do: {one.id, one.by, one.at} == {other.id, other.by, other.at}

  @doc "Whether each call begins an id of its own."
  @spec entries?(t) :: boolean
  def entries?(order), do: order.options[:correlate] == :each_call

  @doc "The kinds of what is wanted of processes besides their calls."
  @spec kinds(t) :: [atom]
  def kinds(%{options: options}) do
    messages = if options[:messages], do: [:message], else: []
    Event.expand(messages ++ options[:kinds])
  end

  @doc "Their families: by these the VM tells."
  @spec families(t) :: [atom]
  def families(order) do
    kinds = kinds(order)
    for family <- @families, Enum.any?(Event.expand([family]), &(&1 in kinds)), do: family
  end

  @doc "Whether a process is told of as soon as it calls one of the functions."
  @spec callers?(t) :: boolean
  def callers?(order), do: order.options[:processes] == :all and families(order) != []

  @doc "The patterns as somebody could have written them, for people."
  @spec describe(t) :: [String.t()]
  def describe(order), do: Enum.map(order.patterns, &Pattern.describe/1)

  defp order(patterns, options, budgets, by) do
    %__MODULE__{
      id: Enum.random(@ids),
      patterns: patterns,
      options: options,
      budgets: budgets,
      by: by,
      at: System.os_time()
    }
  end

  defp check(options) do
    case Options.validate(:trace, options) do
      {:ok, options} -> {:ok, List.keysort(options, 0)}
      {:error, message} -> {:error, Error.new(:bad_option, message: message)}
    end
  end

  defp parse([], _options), do: {:ok, []}

  defp parse(written, options) do
    with {:ok, patterns} <- Pattern.parse(written), do: {:ok, returning(patterns, options)}
  end

  # What each call begins ends with its return.
  defp returning(patterns, options) do
    return? = options[:return] or options[:only] != nil or options[:correlate] == :each_call
    Enum.map(patterns, &%{&1 | return: &1.return or return?})
  end

  # Which calls are kept, or begin an id, is nothing to say where there are none.
  defp meant(%{patterns: [], options: options}) do
    cond do
      options[:correlate] == :each_call -> {:error, Error.new(:no_entry)}
      options[:only] != nil -> {:error, Error.new(:no_calls, option: :only)}
      true -> :ok
    end
  end

  defp meant(_order), do: :ok

  # Of all processes everything is what no node can bear.
  defp bounded(%{patterns: []} = order) do
    cond do
      :all in List.wrap(order.options[:processes]) ->
        {:error, Error.new(:too_wide, missing: :processes)}

      order.options[:memory] ->
        {:error, Error.new(:no_functions)}

      families(order) == [] and not order.options[:state] ->
        {:error, Error.new(:nothing_wanted)}

      true ->
        :ok
    end
  end

  defp bounded(_order), do: :ok
end
