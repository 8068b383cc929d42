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

  # The one label that may be set here: one that is no immediate term kills the VM.
  @name {:set_seq_token, :label, {:self}}

  @doc "What is needed to know who sent a message, and under which correlation one is sent."
  @spec messages(boolean) :: %{(:send | :receive) => t}
  def messages(correlate?) do
    receive = %{receive: [{[:"$1", :"$2", :_], [], [{:message, {{:"$1", :"$2"}}}]}]}
    if correlate?, do: Map.put(receive, :send, [{:_, [], [{:message, @token}]}]), else: receive
  end

  defp message(bits, false, 0), do: {:message, bits}
  defp message(bits, true, 0), do: {:message, {{bits, @token}}}
  defp message(bits, _token?, entries), do: {:message, {{bits, @token, entries}}}

  # The bits of the traces for which a call is an entry: what it was carrying is asked for first.
  defp entries(wanting) do
    for {part, target} <- wanting, entry?(part, target), reduce: 0 do
      bits -> Bitwise.bor(bits, part.bit)
    end
  end

  # One whose returns are not wanted after all would never be left.
  defp entry?(part, target),
    do: part.correlate == :each_call and Enum.any?(patterns(target), & &1.return)

  defp bits(wanting),
    do: Enum.reduce(wanting, 0, fn {part, _target}, bits -> Bitwise.bor(bits, part.bit) end)

  defp correlate?(wanting), do: Enum.any?(wanting, fn {part, _target} -> part.correlate end)

  # Whoever takes every call by one of its patterns has no condition.
  defp free?(target), do: Enum.any?(patterns(target), &(&1.head == :_))

  defp every_call(free) do
    case asked(free, entries(free)) ++ Enum.flat_map(free, &actions/1) do
      [] -> true
      actions -> [{:_, [], Enum.uniq(actions)}]
    end
  end

  defp asked(free, 0), do: if(correlate?(free), do: [{:message, @token}], else: [])
  defp asked(free, entries), do: [message(bits(free), true, entries), @name]

  defp actions({part, target}) do
    for(pattern <- patterns(target), pattern.return, do: {:exception_trace}) ++
      if(part.callers, do: [follow(part)], else: [])
  end

  # The process that calls is told of from here on.
  defp follow(part), do: {:trace, [], [:procs | Enum.flat_map(part.families, &Plan.flags_of/1)]}

  # One trace with conditions needs no combinations, and its heads stay as they are.
  defp clauses([], [{part, target}]) do
    wanting = [{part, target}]

    for pattern <- patterns(target) do
      {head, guards} = Pattern.match_head(pattern)
      {head, guards, said(wanting, entries(wanting)) ++ one(part, pattern)}
    end
  end

  defp clauses(free, bound) do
    token? = correlate?(free ++ bound)
    ends = if entries(free ++ bound) == 0, do: [], else: [{:exception_trace}]

    body = fn wanting ->
      actions = Enum.uniq(Enum.flat_map(wanting, &actions/1) ++ ends)
      said(wanting, entries(wanting), token?) ++ actions
    end

    combinations =
      for some <- subsets(bound), some != [], conditions <- choices(some) do
        {:_, [Condition.all(conditions)], body.(some ++ free)}
      end

    combinations ++ if(free == [], do: [], else: [{:_, [], body.(free)}])
  end

  # Of a function that has entries every call that is told is also seen to end: they are counted.
  defp said(wanting, entries, token? \\ false)

  defp said(wanting, 0, token?),
    do: [message(bits(wanting), token? or correlate?(wanting), 0)]

  defp said(wanting, entries, _token?), do: [message(bits(wanting), true, entries), @name]

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
