defmodule ElixirScope.Distributed.Debug.Adapter.Launch.Check do
  @moduledoc false
  # A decoded object against a schema of keys: the values with the defaults, what is unknown as notices,
  # and the first wrong value with its path.

  alias ElixirScope.Distributed.Debug.Adapter.Launch.{Schema, Type}

  @type result :: {:ok, values :: map, notices :: [String.t()]} | {:error, Type.failure()}

  @doc "Checks all keys; those to be `ignored` are left out. `before` stands before the names in notices."
  @spec object(map, [Schema.key()], [String.t()], String.t()) :: result
  def object(given, keys, ignored \\ [], before \\ "") do
    given =
      for {name, value} <- given, value != nil, name not in ignored, into: %{}, do: {name, value}

    with {:ok, values, inner} <- values(given, keys, before),
         do: {:ok, values, unknown(given, keys, before) ++ inner}
  end

  defp values(given, keys, before) do
    Enum.reduce_while(keys, {:ok, %{}, []}, fn {name, spec}, {:ok, values, notices} ->
      case value(spec, given, name, before) do
        {:ok, value, more} -> {:cont, {:ok, Map.put(values, name, value), notices ++ more}}
        {:error, {path, message}} -> {:halt, {:error, {[name | path], message}}}
      end
    end)
  end

  defp value([{:type, {:object, keys}} | _] = spec, given, name, before) do
    case Map.get(given, name, spec[:default]) do
      inner when is_map(inner) -> object(inner, keys, [], before <> name <> ".")
      other -> Type.cast({:object, keys}, other)
    end
  end

  defp value(spec, %{} = given, name, _before) when is_map_key(given, name) do
    with {:ok, value} <- Type.cast(spec[:type], Map.fetch!(given, name)), do: {:ok, value, []}
  end

  defp value(spec, _given, _name, _before), do: {:ok, spec[:default], []}

  defp unknown(given, keys, before) do
    names = for {name, _spec} <- keys, do: name
    for name <- Enum.sort(Map.keys(given) -- names), do: unknown_key(name, names, before)
  end

  defp unknown_key(name, names, before) do
    "`#{before}#{printable(name)}` is no key of a launch configuration and has no effect" <>
      suggestion(name, names, before)
  end

  defp suggestion(name, names, before) do
    closest = Enum.max_by(names, &likeness(&1, name))
    if likeness(closest, name) > 0.8, do: ", did you mean `#{before}#{closest}`?", else: ""
  end

  defp likeness(one, other),
    do: String.jaro_distance(String.downcase(one), String.downcase(other))

  defp printable(name), do: String.slice(name, 0, 80)
end
