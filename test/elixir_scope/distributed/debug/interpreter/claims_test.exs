defmodule ElixirScope.Distributed.Debug.Interpreter.ClaimsTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.Debug.Interpreter.Claims

  defp step do
    one_of([
      tuple([constant(:claim), integer(1..3), integer(1..4)]),
      tuple([constant(:drop), integer(1..3), list(integer(1..4))]),
      tuple([constant(:gone), integer(1..3)])
    ])
  end

  test "a module is free when the last one that wanted it is gone, and then once" do
    property(list(step()), fn steps ->
      {claims, pairs} = Enum.reduce(steps, {Claims.new(), MapSet.new()}, &run/2)
      assert Claims.modules(claims) == wanted(pairs)
    end)
  end

  defp run({:claim, owner, module}, {claims, pairs}) do
    {first?, claims} = Claims.claim(claims, owner, module)
    assert first? == if(module in wanted(pairs), do: :shared, else: :first)
    {claims, MapSet.put(pairs, {owner, module})}
  end

  defp run({:drop, owner, modules}, {claims, pairs}) do
    {free, claims} = Claims.drop(claims, owner, modules)
    left = MapSet.reject(pairs, fn {o, module} -> o == owner and module in modules end)
    assert Enum.sort(free) == wanted(pairs) -- wanted(left)
    {claims, left}
  end

  defp run({:gone, owner}, {claims, pairs}) do
    {free, claims} = Claims.drop_all(claims, &(&1 == owner))
    left = MapSet.reject(pairs, fn {o, _module} -> o == owner end)
    assert Enum.sort(free) == wanted(pairs) -- wanted(left)
    assert Claims.of(claims, owner) == []
    {claims, left}
  end

  defp wanted(pairs), do: pairs |> Enum.map(&elem(&1, 1)) |> Enum.uniq() |> Enum.sort()
end
