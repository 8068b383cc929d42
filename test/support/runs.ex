defmodule ElixirScope.Distributed.Runs do
  # Programs that are made by chance, and runs of them in which everything takes as long as it happens to:
  # what is concurrent comes in another order every time.

  alias ElixirScope.Distributed.{Event, Stories}
  alias ElixirScope.Distributed.Event.Id

  @nodes [:a@h, :b@h, :c@h]

  @doc "What some processes do: at least so many steps."
  def program(seed, least) do
    random = :rand.seed_s(:exsss, seed)
    grow(random, least, [])
  end

  defp grow(_random, left, programs) when left <= 0, do: programs

  defp grow(random, left, programs) do
    {steps, random} = steps(random, 0)
    grow(random, left - size(steps), [steps | programs])
  end

  defp size(steps), do: Enum.sum(for {_, _, inner} <- steps, do: 1 + size(inner))

  defp steps(random, depth) do
    {count, random} = :rand.uniform_s(6, random)
    Enum.map_reduce(1..count, random, fn _, random -> step(random, depth) end)
  end

  defp step(random, depth) do
    {kind, random} = :rand.uniform_s(4, random)
    {number, random} = :rand.uniform_s(9, random)

    if kind < 4 and depth < 6 do
      {inner, random} = steps(random, depth + 1)
      {{if(kind < 3, do: :call, else: :ask), number, inner}, random}
    else
      {{:mark, number, []}, random}
    end
  end

  @doc "The events of a run."
  def run(program, seed) do
    state = %{random: :rand.seed_s(:exsss, seed), processes: 0, steps: []}

    state =
      program
      |> Enum.with_index(1)
      |> Enum.reduce(state, fn {steps, n}, state ->
        {us, state} = late(state, 100_000)
        {_us, state} = run(steps, {:a@h, n}, us, state)
        state
      end)

    state.steps |> Enum.sort_by(&elem(&1, 2)) |> Stories.events()
  end

  defp run(steps, who, us, state),
    do: Enum.reduce(steps, {us, state}, fn step, {us, state} -> did(step, who, us, state) end)

  defp did(step, who, us, state) do
    {wait, state} = late(state, 500)
    one(step, who, us + wait + 1, state)
  end

  defp one({:mark, number, []}, who, us, state),
    do:
      {us,
       tell(state, who, us, :mark, :"m#{number}", %{
         number: number,
         at: 1_763_690_000_000_000 + us,
         by: self()
       })}

  defp one({:call, number, inner}, who, us, state) do
    function = {Prog, :"f#{number}", 1}
    {us, state} = run(inner, who, us, tell(state, who, us, :call, function, [number]))
    {us + 1, tell(state, who, us + 1, :return, function, {:ok, number})}
  end

  defp one({:ask, number, inner}, who, us, state) do
    {wait, state} = late(state, 5_000)
    state = update_in(state.processes, &(&1 + 1))
    to = {Enum.at(@nodes, rem(number, 3)), 100_000 + state.processes}
    message = {:do, number, make_ref()}
    more = [message: state.processes]
    state = tell(state, who, us, :send, pid(to), message, more)
    state = tell(state, to, us + wait, :receive, pid(who), message, more)
    {_us, state} = run(inner, to, us + wait, state)
    {us, state}
  end

  defp pid({node, number}), do: Stories.pid(node, number)

  defp late(state, most) do
    {us, random} = :rand.uniform_s(most, state.random)
    {us, %{state | random: random}}
  end

  defp tell(state, {node, process}, us, kind, subject, data, more \\ []),
    do: update_in(state.steps, &[{node, process, us, kind, subject, data, more} | &1])

  @doc "The same with one event changed: its id, all of them, and what names the change."
  def plant(events, seed) do
    random = :rand.seed_s(:exsss, seed)
    {at, _random} = :rand.uniform_s(length(events), random)

    at =
      Enum.find(
        at..(at + length(events)),
        &(Enum.at(events, rem(&1, length(events))).kind != :receive)
      )

    at = rem(at, length(events))
    event = Enum.at(events, at)
    {Id.text(event.id, :short), List.replace_at(events, at, change(event)), names(event)}
  end

  defp change(%Event{kind: :call} = event), do: %{event | data: [:planted]}
  defp change(%Event{kind: :mark} = event), do: %{event | data: %{event.data | number: :planted}}
  defp change(%Event{data: data} = event), do: %{event | data: put_elem(data, 1, :planted)}

  defp names(%Event{kind: :send}), do: [":planted", "send"]
  defp names(%Event{kind: :mark, subject: name}), do: [":planted", to_string(name)]

  defp names(%Event{subject: {module, function, _}}),
    do: [":planted", "#{inspect(module)}.#{function}"]
end
