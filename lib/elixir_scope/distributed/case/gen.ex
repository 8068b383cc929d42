defmodule ElixirScope.Distributed.Case.Gen do
  @moduledoc """
  Tests of many generated inputs, each replayable from a printed seed.

      property(list(integer(0..9)), fn numbers ->
        assert Enum.sort(Enum.reverse(numbers)) == Enum.sort(numbers)
      end)

  A generator is a function of a size and a random state to a value and the next
  state; sizes grow from run to run, so the first counterexample is a small one. When
  a run fails, smaller sizes of it are tried, and the failure says what was
  generated and how to see it again: `SCOPE_SEED=… mix test …`.
  """

  @type t(value) :: (size :: non_neg_integer, :rand.state() -> {value, :rand.state()})

  @doc """
  Runs `assertion` on generated values; raises the first failure with its seed.

  `:runs` (100) is how many; `:seed` is where they start: by default the
  environment's `SCOPE_SEED`, else a new one each time.

      iex> property(integer(1..6), fn n -> true = n in 1..6 end)
      :ok
  """
  @spec property(t(value), keyword, (value -> term)) :: :ok when value: term
  def property(generator, options \\ [], assertion) do
    options = Keyword.validate!(options, runs: 100, seed: nil)
    seed = options[:seed] || seed()

    Enum.each(1..options[:runs], fn run ->
      failure = failure(generator, assertion, {seed, run}, run)
      failure && generator |> smallest(assertion, {seed, run}, failure) |> report(seed, run)
    end)
  end

  @doc """
  One value of a generator, for a look at it.

      iex> pick(constant(:a))
      :a
      iex> pick(integer(1..100), seed: 3) == pick(integer(1..100), seed: 3)
      true
  """
  @spec pick(t(value), keyword) :: value when value: term
  def pick(generator, options \\ []) do
    options = Keyword.validate!(options, seed: 0, size: 10)
    value(generator, options[:size], {options[:seed], 0})
  end

  @doc """
  Always the same value.

      iex> pick(constant("x"))
      "x"
  """
  @spec constant(value) :: t(value) when value: term
  def constant(value), do: fn _size, random -> {value, random} end

  @doc """
  An integer of a range, or one around zero that grows with the size.

      iex> pick(integer(5..5))
      5
  """
  @spec integer(Range.t() | nil) :: t(integer)
  def integer(range \\ nil)
  def integer(nil), do: fn size, random -> between(-size, size, random) end
  def integer(first..last//_), do: fn _size, random -> between(first, last, random) end

  @doc """
  A list of up to as many elements as the size.

      iex> pick(list(constant(1)), size: 0)
      []
  """
  @spec list(t(value)) :: t([value]) when value: term
  def list(element) do
    fn size, random ->
      {length, random} = between(0, size, random)
      many(List.duplicate(element, length), size, random)
    end
  end

  @doc """
  A tuple of one value of each generator.

      iex> pick(tuple([constant(:a), constant(1)]))
      {:a, 1}
  """
  @spec tuple([t(term)]) :: t(tuple)
  def tuple(elements), do: map(&many(elements, &1, &2), &List.to_tuple/1)

  @doc """
  A value of one of the generators, each as likely as the others.

      iex> pick(one_of([constant(1)]))
      1
  """
  @spec one_of([t(value), ...]) :: t(value) when value: term
  def one_of(generators) do
    fn size, random ->
      {index, random} = between(0, length(generators) - 1, random)
      Enum.at(generators, index).(size, random)
    end
  end

  @doc """
  What a function makes of a generated value.

      iex> pick(map(constant(2), &(&1 * 3)))
      6
  """
  @spec map(t(value), (value -> result)) :: t(result) when value: term, result: term
  def map(generator, fun) do
    fn size, random ->
      {value, random} = generator.(size, random)
      {fun.(value), random}
    end
  end

  @doc """
  A value of the generator that a function makes of another's value.

      iex> pick(bind(constant(3), &constant(&1 + 1)))
      4
  """
  @spec bind(t(value), (value -> t(result))) :: t(result) when value: term, result: term
  def bind(generator, fun) do
    fn size, random ->
      {value, random} = generator.(size, random)
      fun.(value).(size, random)
    end
  end

  @doc """
  A binary of up to as many bytes as the size.

      iex> pick(binary(), size: 0)
      ""
  """
  @spec binary :: t(binary)
  def binary, do: map(list(integer(0..255)), &:erlang.list_to_binary/1)

  @doc """
  Any term that decodes to itself after a trip between nodes, nested as the size allows.

      iex> pick(term(), size: 0) in [0, 0.0, "", :a, :b, nil, true]
      true
  """
  @spec term :: t(term)
  def term do
    fn
      size, random when size < 2 ->
        leaf().(size, random)

      size, random ->
        inner = fn _size, random -> term().(div(size, 4), random) end
        tuple = map(list(inner), &List.to_tuple/1)
        map = map(list(tuple([inner, inner])), &Map.new/1)
        one_of([leaf(), leaf(), list(inner), tuple, map]).(size, random)
    end
  end

  @doc """
  A sequence of commands, each `{name, arguments}` from a list of
  `{name, generators of the arguments}`: what a model and the real thing both run.

      iex> pick(commands(put: [constant(:key)], drop: []), size: 0)
      []
  """
  @spec commands(keyword([t(term)])) :: t([{atom, [term]}])
  def commands(table) do
    list(one_of(for {name, arguments} <- table, do: command(name, arguments)))
  end

  defp command(name, arguments), do: map(&many(arguments, &1, &2), &{name, &1})

  defp leaf do
    atom = one_of(Enum.map([:a, :b, nil, true], &constant/1))
    one_of([integer(), map(integer(), &(&1 / 3)), binary(), atom])
  end

  defp many(generators, size, random), do: Enum.map_reduce(generators, random, & &1.(size, &2))

  defp between(first, last, random) do
    {drawn, random} = :rand.uniform_s(abs(last - first) + 1, random)
    {min(first, last) + drawn - 1, random}
  end

  # Runs

  defp value(generator, size, {seed, run}) do
    {value, _random} = generator.(size, :rand.seed_s(:exsss, {seed, run, 0}))
    value
  end

  defp failure(generator, assertion, seed, size) do
    value = value(generator, size, seed)

    try do
      assertion.(value)
      nil
    rescue
      error -> {value, error, __STACKTRACE__}
    end
  end

  defp smallest(generator, assertion, {_seed, run} = seed, failure) do
    Enum.find_value(0..run, failure, &failure(generator, assertion, seed, &1))
  end

  defp report({value, error, stacktrace}, seed, run) do
    text =
      "#{message(error)}\n\nrun #{run} with SCOPE_SEED=#{seed} generated\n#{inspect(value, pretty: true, limit: 200)}"

    reraise(with_message(error, text), stacktrace)
  end

  defp message(%{message: message}) when is_binary(message), do: message
  defp message(error), do: Exception.format_banner(:error, error)

  defp with_message(%{message: message} = error, text) when is_binary(message),
    do: %{error | message: text}

  defp with_message(_error, text), do: RuntimeError.exception(text)

  defp seed do
    case System.get_env("SCOPE_SEED") do
      nil -> :erlang.phash2({System.os_time(), make_ref()})
      given -> String.to_integer(given)
    end
  end
end
