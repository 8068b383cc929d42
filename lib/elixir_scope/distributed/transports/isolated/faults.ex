defmodule ElixirScope.Distributed.Transports.Isolated.Faults do
  @moduledoc false
  # What a simulated network does to one message: lose it, delay it, hold it back until
  # others have overtaken it, send it twice. Pure: the random state goes in and comes out, so that a seed
  # decides the fate of the n-th message.

  @defaults [seed: 0, latency_ms: 0, loss: 0.0, reorder: 0.0, duplicate: 0.0]

  @enforce_keys [:latency_ms, :loss, :reorder, :duplicate, :random]
  defstruct @enforce_keys

  @type latency :: non_neg_integer | Range.t() | (from :: node, to :: node -> non_neg_integer)
  @type t :: %__MODULE__{
          latency_ms: latency,
          loss: float,
          reorder: float,
          duplicate: float,
          random: :rand.state()
        }

  # Long enough that others overtake, on a network without latency too.
  @held_ms 20

  @typedoc "The copies that travel: how many ms each takes, and whether others may overtake it."
  @type fate :: [{delay_ms :: non_neg_integer, :in_order | :held_back}]

  @doc "The names of the options."
  @spec options :: [atom]
  def options, do: Keyword.keys(@defaults)

  @doc "Checks the options."
  @spec new(keyword) :: t
  def new(options) do
    {seed, rest} = @defaults |> Keyword.merge(options) |> Keyword.pop!(:seed)
    Enum.each([:loss, :reorder, :duplicate], &probability!(&1, rest[&1]))
    struct!(__MODULE__, [random: :rand.seed_s(:exsss, seed)] ++ rest)
  end

  @doc "Decides what becomes of the next message from `from` to `to`."
  @spec fate(t, node, node) :: {fate, t}
  def fate(faults, from, to) do
    {lost?, faults} = chance(faults, faults.loss)
    {twice?, faults} = chance(faults, faults.duplicate)
    if lost?, do: {[], faults}, else: copies(faults, from, to, if(twice?, do: 2, else: 1))
  end

  defp copies(faults, from, to, number) do
    Enum.map_reduce(1..number, faults, fn _copy, faults ->
      {delay, faults} = latency(faults, from, to)
      {held?, faults} = chance(faults, faults.reorder)
      if held?, do: hold_back(faults, delay), else: {{delay, :in_order}, faults}
    end)
  end

  defp hold_back(faults, delay) do
    {more, faults} = draw(faults, 1, @held_ms)
    {{delay + more, :held_back}, faults}
  end

  defp latency(%{latency_ms: ms} = faults, _from, _to) when is_integer(ms), do: {ms, faults}

  defp latency(%{latency_ms: a..b//_} = faults, _from, _to),
    do: draw(faults, min(a, b), max(a, b))

  defp latency(faults, from, to), do: {faults.latency_ms.(from, to), faults}

  defp draw(faults, least, most) do
    {drawn, random} = :rand.uniform_s(most - least + 1, faults.random)
    {least + drawn - 1, %{faults | random: random}}
  end

  # A fault that never happens draws nothing: switching one on changes no other's dice
  # more than it must.
  defp chance(faults, probability) when probability == 0, do: {false, faults}

  defp chance(faults, probability) do
    {drawn, random} = :rand.uniform_s(faults.random)
    {drawn < probability, %{faults | random: random}}
  end

  defp probability!(_name, value) when is_number(value) and value >= 0 and value <= 1, do: :ok

  defp probability!(name, value) do
    raise ArgumentError, "#{name} is a probability from 0.0 to 1.0, got: #{inspect(value)}"
  end
end
