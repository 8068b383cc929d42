defmodule ElixirScope.Distributed.Debug.Stopped.PagesTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.Capture.Redact
  alias ElixirScope.Distributed.Debug.Stopped.{Pages, Preview, Values}
  alias ElixirScope.Distributed.Inject.Guest.Secrets

  doctest Pages

  defp rules, do: Secrets.compile(Redact.rules([]))

  defp any, do: fn size, random -> made(min(size, 4)).(size, random) end

  defp made(0) do
    one_of([
      integer(),
      constant(:atom),
      constant(nil),
      constant(1.5),
      constant(self()),
      constant(&Enum.map/2),
      map(list(integer(0..255)), &:binary.list_to_bin/1),
      map(integer(1..3000), &:binary.copy("é", &1)),
      map(integer(1..5000), &<<0::size(&1)>>)
    ])
  end

  defp made(depth) do
    inner = made(depth - 1)

    one_of([
      made(0),
      few(inner),
      map(few(inner), &List.to_tuple/1),
      map(few(tuple([inner, inner])), &Map.new/1),
      map(tuple([few(inner), constant(:tail)]), fn {items, tail} -> items ++ tail end),
      map(inner, &%URI{host: &1}),
      map(few(inner), &[password: &1, plain: &1])
    ])
  end

  defp few(inner), do: fn size, random -> list(inner).(min(size, 3), random) end

  test "pages of any size are together all parts, each once" do
    property(tuple([any(), integer(1..7)]), [runs: 300], fn {term, size} ->
      count = Pages.count(term)
      paged = Enum.flat_map(pages(count, size), &Pages.page(term, &1, size))
      assert length(paged) == count
      assert paged == Pages.page(term, 0, max(count, 1))
      assert count == 0 or rebuilt(term, paged) == term
    end)
  end

  defp pages(count, size), do: Enum.take_every(0..(count - 1)//1, size)

  defp rebuilt(list, parts) when is_list(list) do
    {items, tail} = Enum.split_with(parts, &match?({{:index, _at}, _part}, &1))
    last = with [{:tail, tail}] <- tail, do: tail
    Enum.map(items, &elem(&1, 1)) ++ last
  end

  defp rebuilt(tuple, parts) when is_tuple(tuple),
    do: parts |> Enum.map(&elem(&1, 1)) |> List.to_tuple()

  defp rebuilt(bits, parts) when is_bitstring(bits),
    do: for({_name, part} <- parts, into: <<>>, do: part)

  defp rebuilt(map, parts) when is_map(map),
    do:
      Enum.reduce(parts, Map.take(map, [:__struct__]), fn {{:key, key}, part}, map ->
        Map.put(map, key, part)
      end)

  test "a path leads to what stands on the page" do
    property(any(), [runs: 200], fn term ->
      for {{name, part}, at} <- Enum.with_index(Pages.page(term, 0, 50)),
          do: assert({:ok, part, [name]} == Pages.at(term, [at]))

      assert :error == Pages.at(term, [Pages.count(term)])
    end)

    for wrong <- [[-1], [:a], ["0"], [0, 0, 0]], do: assert(:error == Pages.at([1, 2], wrong))
  end

  test "what is shown of any term is bounded text, whatever is in it" do
    property(any(), [runs: 400], fn term ->
      text = Preview.text(term, rules())
      assert String.valid?(text)
      assert byte_size(text) <= Preview.most_bytes()
    end)
  end

  test "values say how many parts they have, and pages of them where these are" do
    property(any(), [runs: 200], fn term ->
      root = Values.named("root", term, ["root"], rules())
      {:ok, page} = Values.page(term, root.path, [start: 0, count: 1_000], rules())
      assert length(page) == min(root.children, 1_000)
      assert Enum.map(page, & &1.path) == for(at <- 0..(length(page) - 1)//1, do: ["root", at])
    end)
  end

  test "what is secret is hidden on every way to it" do
    user = %{
      name: "ann",
      password: "hunter2",
      nested: [{"api_key", "hunter2"}, [token: %{a: "hunter2"}]]
    }

    assert Preview.text(user, rules()) =~ "ann"
    refute inspect(all(user, ["user"])) =~ "hunter2"

    assert {:error, :no_such_value} =
             Values.page(user, ["user", 2, 0], [start: 0, count: 9], rules())

    assert {:error, :no_such_value} =
             Values.page(user, ["password"], [start: 0, count: 9], rules())

    assert %{value: "[hidden]", children: 0} = Values.named("my_secret", user, [], rules())
  end

  # Everything that can be opened, opened.
  defp all(root, path) do
    case Values.page(root, path, [start: 0, count: 100], rules()) do
      {:ok, page} -> Enum.map(page, &{&1, all(root, &1.path)})
      {:error, _reason} -> []
    end
  end

  test "large terms are shown and counted without being walked through" do
    assert Preview.text(Enum.to_list(1..100_000), rules()) ==
             "[" <> Enum.map_join(1..20, ", ", &"#{&1}") <> ", …]"

    assert String.ends_with?(Preview.text(Map.new(1..50_000, &{&1, &1}), rules()), "…")
    assert Preview.text(2 ** 100_000, rules()) =~ "an integer of"
    assert Preview.text(:binary.copy("a", 1_000_000), rules()) =~ "<> …"
    assert [%{name: "99999", value: "100000"}] = page(Enum.to_list(1..100_000), 99_999)
    assert [] = page([1], 10 ** 9)
  end

  defp page(term, start) do
    {:ok, page} = Values.page(term, ["list"], [start: start, count: 5], rules())
    page
  end
end
