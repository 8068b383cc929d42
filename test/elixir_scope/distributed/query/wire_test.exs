defmodule ElixirScope.Distributed.Query.WireTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.{Operations, Options}
  alias ElixirScope.Distributed.Query.Wire
  alias ElixirScope.Distributed.Storages.Native, as: Storage
  alias ElixirScope.Distributed.Types.QueryMessage

  @from :a@h
  @big 0x1FFFFFFFFFFFFFFFF

  defp filter(options \\ []),
    do: :filter |> Options.validate!(options) |> Storage.native_filter() |> Wire.filter()

  defp bodies do
    %{
      holdings?: %{after: {"a@h", 1, 5}, nodes: ["a@h"]},
      holdings: %{rows: [{"a@h", 1, 1, 9}], head: {"a@h", 1, 9, {0, 5}}, more: false},
      ask: %{
        filter: filter(kinds: [:mark], correlation_id: "r"),
        ranges: [{"a@h", 1, 1, :infinity}],
        cursor: {0, 5, "a@h", 1, 3},
        max_bytes: 1_000,
        wait_ms: 10
      },
      page: %{
        page: "x",
        count: 1,
        more: true,
        cursor: {0, 5, "a@h", 1, 3},
        dropped: 0,
        expired: %{newest: {0, 1}, events: 3},
        head: {"a@h", 1, 9, {0, 5}}
      },
      refused: %{reason: :busy}
    }
  end

  defp message(kind, body),
    do: %QueryMessage{source_node: @from, kind: kind, ref: make_ref(), body: body}

  test "each kind is read as it was written" do
    for {kind, body} <- bodies() do
      assert {:ok, %{kind: ^kind, body: ^body}} = Operations.read(@from, message(kind, body))
    end

    assert {:ok, %{body: body}} =
             Operations.read(@from, message(:ask, %{bodies().ask | ranges: :all}))

    assert body.ranges == :all
  end

  test "what is not named is dropped" do
    body = Map.put(bodies().ask, :mfa, {File, :rm, ["/x"]})
    body = put_in(body.filter[:fun], fn -> :boom end)
    assert {:ok, %{body: read}} = Operations.read(@from, message(:ask, body))
    assert read == bodies().ask

    assert {:ok, %{body: %{reason: :failed}}} =
             Operations.read(@from, message(:refused, %{reason: :no}))
  end

  @hostile [
    nil,
    :x,
    -1,
    1.5,
    @big,
    "",
    <<0xFF>>,
    %{},
    {},
    [],
    [1],
    [:a | :b],
    {1},
    {nil, nil},
    {0, @big},
    {"a@h", 1, 9, 1},
    [{"a@h", 1, 9, 1}],
    [{"", 1, 1, 1}],
    [{:a@h, 1, 1, 1}],
    [{"a@h", -1, 1, 1}],
    [{"a@h", 1, 1, @big}]
  ]

  test "nothing of another shape passes, in any place" do
    property(tuple([integer(0..4), integer(0..20), integer(0..100)]), fn {kind, value, place} ->
      {kind, body} = Enum.at(Enum.sort(bodies()), kind)
      field = Enum.at(Map.keys(body), rem(place, map_size(body)))
      value = Enum.at(@hostile, value)

      case Operations.read(@from, message(kind, Map.put(body, field, value))) do
        {:error, ^field} -> :ok
        # What is one in spite of all.
        {:ok, _} -> assert fits?(field, value)
      end
    end)
  end

  defp fits?(:after, value), do: value == nil
  defp fits?(:rows, value), do: value == []
  defp fits?(:nodes, value), do: value == []
  defp fits?(:ranges, value), do: value == []
  defp fits?(:cursor, value), do: value == nil
  defp fits?(:wait_ms, value), do: value == nil
  defp fits?(:expired, value), do: value == nil
  defp fits?(:page, value), do: is_binary(value)
  defp fits?(:reason, value), do: is_atom(value)
  defp fits?(_field, _value), do: false

  test "a filter is bounded in each of its parts" do
    long = String.duplicate("x", 4_097)

    for {field, value} <- [
          nodes: List.duplicate(:a, 1_001),
          kinds: ["mark"],
          pids: [:a],
          modules: [:a | :b],
          mfa: {:a, :b, 256},
          correlation_id: List.duplicate(1, 257),
          spans: [{1, {0, 0}, nil}],
          spans: [:x],
          from: {256, 1},
          to: 5,
          contains: long,
          limit: 0,
          order: :up
        ] do
      filter = Map.put(filter(), field, value)
      assert Wire.unfit(filter) == field
      body = %{bodies().ask | filter: filter}
      assert Operations.read(@from, message(:ask, body)) == {:error, :filter}
      assert Wire.unfit(Map.delete(filter(), field)) in [field, nil]
    end

    assert Wire.unfit(filter()) == nil
  end

  test "pages, ranges and waits have bounds" do
    row = {"a@h", 1, 1, 1}

    for {kind, field, value} <- [
          {:page, :page, :binary.copy("x", 256 * 1024 + 1)},
          {:ask, :max_bytes, 184 * 1024 + 1},
          {:ask, :wait_ms, 60_001},
          {:ask, :ranges, List.duplicate(row, 2_001)},
          {:holdings, :rows, List.duplicate(row, 2_001)},
          {:holdings, :rows, [{"a@h", 1, 1, :infinity}]},
          {:holdings, :rows, [{String.duplicate("n", 256), 1, 1, 1}]}
        ] do
      body = Map.put(bodies()[kind], field, value)
      assert Operations.read(@from, message(kind, body)) == {:error, field}
    end
  end

  test "who says to be another, or something else, is not read" do
    message = message(:refused, %{reason: :busy})
    assert Operations.read(:b@h, message) == {:error, :source_node}
    assert Operations.read(@from, %{message | kind: :apply}) == {:error, :kind}
    assert Operations.read(@from, %{message | ref: 1}) == {:error, :asked}
    assert Operations.read(@from, %{message | body: [1]}) == {:error, :refused}
    assert Operations.read(@from, {:ask, 1}) == {:error, :form}
  end
end
