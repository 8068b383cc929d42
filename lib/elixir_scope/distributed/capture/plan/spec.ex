defmodule ElixirScope.Distributed.Capture.Plan.Spec do
  @moduledoc false
  # The match specification of one function for all traces that want it.
  #
  # Where the arguments decide nothing, none is needed, or one clause for what is done about
  # every call. Where they do, the clause that matches says which traces want the call, as a
  # number with a bit for each. Of several traces with conditions there is a clause for every
  # combination: the VM takes the first that matches, and it must name them all.

  alias ElixirScope.Distributed.Capture.Plan.Condition
  alias ElixirScope.Distributed.Capture.{Pattern, Plan, Targets}

  @type t :: true | [{term, [term], [term]}]

  # Clauses double with each.
  @most 4

  @doc "How many traces may have conditions on one function."
  @spec most() :: pos_integer
  def most, do: @most

  @doc "Functions for which more traces have conditions than may, by the targets of each."
  @spec crowded([[Targets.target()]]) :: [mfa]
  def crowded(targets) do
    bound = for target <- Enum.concat(targets), not free?(target), do: target.mfa
    for {mfa, traces} <- Enum.frequencies(bound), traces > @most, do: mfa
  end

  @doc "The specification for what traces want of a function."
  @spec of([{Plan.part(), Targets.target()}]) :: t
  def of(wanting) do
    {free, bound} = Enum.split_with(wanting, fn {_part, target} -> free?(target) end)
    if bound == [], do: every_call(free), else: clauses(free, bound)
  end

  # What the process carries: only here can it be asked for.
  @token {:get_seq_token}

  @doc "What is needed to know who sent a message, and under which correlation one is sent."
  @spec messages(boolean) :: %{(:send | :receive) => t}
  def messages(correlate?) do
    receive = %{receive: [{[:"$1", :"$2", :_], [], [{:message, {{:"$1", :"$2"}}}]}]}
    if correlate?, do: Map.put(receive, :send, [{:_, [], [{:message, @token}]}]), else: receive
  end

  defp message(bits, false), do: {:message, bits}
  defp message(bits, true), do: {:message, {{bits, @token}}}

  defp correlate?(wanting), do: Enum.any?(wanting, fn {part, _target} -> part.correlate end)

  # Whoever takes every call by one of its patterns has no condition.
  defp free?(target), do: Enum.any?(patterns(target), &(&1.head == :_))

  defp every_call(free) do
    token = if correlate?(free), do: [{:message, @token}], else: []

    case token ++ Enum.flat_map(free, &actions/1) do
      [] -> true
      actions -> [{:_, [], Enum.uniq(actions)}]
    end
  end

  defp actions({part, target}) do
    for(pattern <- patterns(target), pattern.return, do: {:exception_trace}) ++
      if(part.callers, do: [follow(part)], else: [])
  end

  # The process that calls is told of from here on.
  defp follow(part), do: {:trace, [], [:procs | Enum.flat_map(part.families, &Plan.flags_of/1)]}

  # One trace with conditions needs no combinations, and its heads stay as they are.
  defp clauses([], [{part, target}]) do
    for pattern <- patterns(target) do
      {head, guards} = Pattern.match_head(pattern)
      {head, guards, [message(part.bit, correlate?([{part, target}])) | one(part, pattern)]}
    end
  end

  defp clauses(free, bound) do
    always = Enum.reduce(free, 0, fn {part, _}, bits -> Bitwise.bor(bits, part.bit) end)
    rest = Enum.uniq(Enum.flat_map(free, &actions/1))
    token? = correlate?(free ++ bound)

    combinations =
      for some <- subsets(bound), some != [], conditions <- choices(some) do
        bits = Enum.reduce(some, always, fn {part, _}, bits -> Bitwise.bor(bits, part.bit) end)
        actions = Enum.uniq(Enum.flat_map(some, &actions/1) ++ rest)
        {:_, [Condition.all(conditions)], [message(bits, token?) | actions]}
      end

    combinations ++ if(free == [], do: [], else: [{:_, [], [message(always, token?) | rest]}])
  end

  defp one(part, pattern), do: actions({part, %{pattern: pattern, also: []}})

  # One condition of each: a guard that fails takes its whole clause with it.
  defp choices([]), do: [[]]

  defp choices([{_part, target} | rest]),
    do: for(one <- conditions(target), others <- choices(rest), do: [one | others])

  # What a head asks for cannot fail, and those without guards are one condition.
  defp conditions(target) do
    {safe, guarded} = target |> patterns() |> Enum.split_with(&(&1.guards == []))
    {alone, crowd} = Enum.split(guarded, @most)
    Enum.map(Enum.reject([safe | Enum.map(alone, &[&1])] ++ [crowd], &(&1 == [])), &any/1)
  end

  defp any(patterns), do: patterns |> Enum.map(&Condition.of/1) |> Condition.any()

  defp patterns(target), do: [target.pattern | target.also]

  # The larger ones first.
  defp subsets([]), do: [[]]

  defp subsets([first | rest]) do
    without = subsets(rest)
    Enum.sort_by(Enum.map(without, &[first | &1]) ++ without, &(-length(&1)))
  end
end
