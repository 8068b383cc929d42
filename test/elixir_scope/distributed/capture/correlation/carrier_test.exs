defmodule ElixirScope.Distributed.Capture.Correlation.CarrierTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.Capture.Correlation.{Carrier, Context}
  alias ElixirScope.Distributed.Error

  defp refused(carried) do
    assert {:error, %Error{reason: :bad_context, details: %{message: why}}} =
             Carrier.decode(carried)

    why
  end

  # As one that has begun.
  defp context(id, data \\ %{}), do: %{Context.new(id, data) | dropping: []}

  defp forged(body),
    do: "es1." <> Base.url_encode64(<<:erlang.crc32(body)::32, body::binary>>, padding: false)

  defp forged_term(term, options \\ []),
    do: forged(<<0, 17::64>> <> :erlang.term_to_binary(term, options))

  test "what goes in comes out" do
    for id <- [17, -1, <<7::128>>, "r-17", {:order, 17}, %{id: 1}],
        data <- [%{}, %{tenant: 3, user: {"ada", [1]}}] do
      context = context(id, data)
      assert Carrier.decode(Carrier.encode(context)) == {:ok, context}
    end
  end

  test "so do the traces that leave it out, and where there are none nothing is written" do
    for dropping <- [[1], [32_767, 5], Enum.to_list(1..63)] do
      context = %{context("r-17", %{tenant: 3}) | dropping: dropping}
      assert Carrier.decode(Carrier.encode(context)) == {:ok, context}
    end

    undecided = Context.new("r-17")
    assert Carrier.encode(undecided) == Carrier.encode(context("r-17"))
    assert {:ok, %{dropping: []}} = Carrier.decode(Carrier.encode(undecided))
  end

  test "of traces that cannot be it is refused" do
    too_many = Enum.to_list(1..64)

    for dropping <- [nil, 3, [0], [-1], [32_768], [:a], [1 | 2], [[1]], {1}, too_many] do
      assert refused(forged_term({[17], %{}, dropping})) =~ "damaged"
    end
  end

  test "it fits into a header, whatever it is made of" do
    long = String.duplicate("x", 100_000)
    carried = Carrier.encode(Context.new(long, %{text: long}))
    assert carried =~ ~r/\A[\w.-]{1,100}\z/
    # An id of that length goes by its key, and means the same.
    key = Context.key(long)
    assert {:ok, %Context{id: ^key, key: ^key, data: data}} = Carrier.decode(carried)
    assert data == %{}

    longest = context(String.duplicate("x", 240), %{text: String.duplicate("y", 480)})
    longest = %{longest | dropping: Enum.to_list(32_700..32_762)}
    assert byte_size(Carrier.encode(longest)) < 2_048
    assert Carrier.decode(Carrier.encode(longest)) == {:ok, longest}
  end

  test "what was made by nobody is refused with a reason" do
    for carried <- [nil, "", "r-17", "es2.AAAA", :atom, 17, [], %{}] do
      assert refused(carried) =~ "not made by"
    end

    for carried <- ["es1.", "es1.AAAA", "es1.not base 64!", forged(""), forged(<<2, 0>>)] do
      assert refused(carried) =~ "damaged"
    end

    assert refused("es1." <> String.duplicate("A", 3_000)) =~ "longer"
  end

  test "a byte that changed is noticed" do
    carried = Carrier.encode(Context.new("r-17", %{tenant: 3}))

    property(integer(4..(byte_size(carried) - 2)), fn at ->
      rest = binary_part(carried, at + 1, byte_size(carried) - at - 1)
      other = if :binary.at(carried, at) == ?A, do: "B", else: "A"
      assert refused(binary_part(carried, 0, at) <> other <> rest) =~ "damaged"
      refused(binary_part(carried, 0, at))
    end)
  end

  test "any bytes at all are refused or harmless" do
    property(list(integer(0..255)), [runs: 500], fn bytes ->
      refused("es1." <> Base.url_encode64(:erlang.list_to_binary(bytes), padding: false))
      body = <<0, 17::64>> <> :erlang.list_to_binary([131 | bytes])

      assert match?({:ok, %Context{key: 17}}, Carrier.decode(forged(body))) or
               refused(forged(body))
    end)
  end

  test "no atom is made, and the key still counts" do
    name = "never_seen_#{System.unique_integer([:positive])}"
    atom = <<131, 119, byte_size(name), name::binary>>

    assert {:ok, %Context{id: 17, key: 17, data: data}} =
             Carrier.decode(forged(<<0, 17::64>> <> atom))

    assert data == %{}
    assert_raise ArgumentError, fn -> String.to_existing_atom(name) end
  end

  test "terms of the wrong shape, size or id are refused" do
    for term <- [:no, {}, {[], []}, {[1, 2], %{}}, {[17], %{}, 3}, {:x, %{}}, %{}, {[17], 3}] do
      assert refused(forged_term(term)) =~ "damaged"
    end

    assert refused(forged_term({["another"], %{}})) =~ "another's"
    assert refused(forged_term({[], Map.new(1..200, &{&1, &1})})) =~ "too much"
    # A compressed term is larger than its bytes say.
    bomb = forged_term({[], %{text: String.duplicate("x", 100_000)}}, compressed: 9)
    assert byte_size(bomb) < 2_048
    assert refused(bomb) =~ "damaged"
  end
end
