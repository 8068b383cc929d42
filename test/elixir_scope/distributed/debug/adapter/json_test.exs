defmodule ElixirScope.Distributed.Debug.Adapter.JsonTest do
  use ExUnit.Case, async: true
  doctest ElixirScope.Distributed.Debug.Adapter.Json

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.CLI.Json, as: Encoder
  alias ElixirScope.Distributed.Debug.Adapter.Json

  # What RFC 8259 says is a text, and what it comes to.
  @right [
    {" \t\r\n1 ", 1},
    {"-0", 0},
    {"0.0", 0.0},
    {"-0.5e-2", -0.005},
    {"1E+2", 100.0},
    {"123456789012345678901234567890", 123_456_789_012_345_678_901_234_567_890},
    {"[]", []},
    {"[ ]", []},
    {"{ }", %{}},
    {~S([1 , [2, {"a" : {}}] ]), [1, [2, %{"a" => %{}}]]},
    {~S(""), ""},
    {~S("\"\\\/\b\f\n\r\t"), "\"\\/\b\f\n\r\t"},
    {~S("\u00e9\u65e5\u0000"), "é日\0"},
    {~S("\ud83d\ude80 \uD83D\uDE80"), "🚀 🚀"},
    {~s("\u007fé日🚀"), "\u007fé日🚀"},
    {~S({"a":1,"b":2,"a":3}), %{"a" => 3, "b" => 2}},
    {~S({"":null}), %{"" => nil}},
    {"true", true}
  ]

  @wrong [
    {"", {:unexpected_end, 0}},
    {"  ", {:unexpected_end, 2}},
    {"[1", {:unexpected_end, 2}},
    {"[1,", {:unexpected_end, 3}},
    {"[1,]", {:unexpected_byte, 3}},
    {"[,1]", {:unexpected_byte, 1}},
    {"[1 2]", {:unexpected_byte, 3}},
    {~S({"a"}), {:unexpected_byte, 4}},
    {~S({"a":}), {:unexpected_byte, 5}},
    {~S({"a":1,}), {:unexpected_byte, 7}},
    {"{1:2}", {:unexpected_byte, 1}},
    {"[1}", {:unexpected_byte, 2}},
    {"1 1", {:unexpected_byte, 2}},
    {"tru", {:unexpected_byte, 0}},
    {"nul", {:unexpected_byte, 0}},
    {"01", {:unexpected_byte, 1}},
    {"-", {:unexpected_end, 1}},
    {"+1", {:unexpected_byte, 0}},
    {"1.", {:unexpected_end, 2}},
    {".5", {:unexpected_byte, 0}},
    {"1.e3", {:unexpected_byte, 2}},
    {"1e", {:unexpected_end, 2}},
    {"0x1", {:unexpected_byte, 1}},
    {"NaN", {:unexpected_byte, 0}},
    {"1e400", {:number_too_large, 0}},
    {~S("a), {:unexpected_end, 2}},
    {~s("a\n"), {:unexpected_byte, 2}},
    {~S("\x"), {:bad_escape, 1}},
    {~S("\u12g4"), {:bad_escape, 1}},
    {~S("\u12), {:bad_escape, 1}},
    {~S("\ud800"), {:lone_surrogate, 1}},
    {~S("\ud800\u0041"), {:lone_surrogate, 1}},
    {~S("\udc00"), {:lone_surrogate, 1}},
    {<<?", 0xFF, ?">>, {:not_utf8, 1}},
    # A surrogate as UTF-8, an overlong slash.
    {<<?", 0xED, 0xA0, 0x80, ?">>, {:not_utf8, 1}},
    {<<?", 0xC0, 0xAF, ?">>, {:not_utf8, 1}},
    {<<0xEF, 0xBB, 0xBF, "1">>, {:unexpected_byte, 0}}
  ]

  test "what is a text, and what it comes to" do
    for {text, value} <- @right, do: assert({text, Json.decode(text)} == {text, {:ok, value}})
  end

  test "what is none is refused where it stops to be one" do
    for {text, error} <- @wrong, do: assert({text, Json.decode(text)} == {text, {:error, error}})
  end

  test "bounds: depth, size and digits, each where it is passed" do
    nested = &(String.duplicate("[", &1) <> String.duplicate("]", &1))
    assert {:ok, _} = Json.decode(nested.(128))
    assert Json.decode(nested.(129)) == {:error, {:too_deep, 128}}
    assert Json.decode(nested.(1_000_000)) == {:error, {:too_deep, 128}}
    assert Json.decode("[[1],[2]]", max_depth: 2) == {:ok, [[1], [2]]}
    assert Json.decode(~S({"a":[[]]}), max_depth: 2) == {:error, {:too_deep, 6}}
    assert Json.decode("[1]", max_bytes: 2) == {:error, {:too_large, 0}}
    digits = String.duplicate("9", 1_001)
    assert Json.decode("[" <> digits <> "]") == {:error, {:number_too_large, 1}}
    assert Json.decode("0." <> digits) == {:error, {:number_too_large, 0}}
    assert Json.decode("1e" <> digits) == {:error, {:number_too_large, 0}}
  end

  test "text makes no atom" do
    name = "nobody_has_this_atom_#{System.unique_integer([:positive])}"
    assert {:ok, %{^name => ^name}} = Json.decode(~s({"#{name}":"#{name}"}))
    assert_raise ArgumentError, fn -> String.to_existing_atom(name) end
  end

  # JSON values that come back as they were.
  defp value do
    text = map(list(one_of([integer(0..0xD7FF), integer(0xE000..0x10FFFF)])), &List.to_string/1)
    leaf = one_of([integer(), map(integer(), &(&1 / 3)), text | constants()])

    fn
      size, random when size < 2 ->
        leaf.(size, random)

      size, random ->
        inner = fn _size, random -> value().(div(size, 3), random) end
        object = map(list(tuple([text, inner])), &Map.new/1)
        one_of([leaf, list(inner), object]).(min(size, 24), random)
    end
  end

  defp constants, do: Enum.map([nil, true, false, 1.0e300, -5.0e-324, 10 ** 40], &constant/1)

  # What is before and behind a byte.
  defp around(bytes, at),
    do: {binary_part(bytes, 0, at), binary_part(bytes, at + 1, byte_size(bytes) - at - 1)}

  defp text(value), do: value |> Encoder.encode() |> IO.iodata_to_binary()

  test "what was encoded decodes to itself" do
    property(value(), [runs: 300], fn value ->
      assert Json.decode(text(value)) == {:ok, value}
    end)
  end

  test "mutilated text is read or refused, and never more" do
    cut = tuple([value(), integer(0..10_000), integer(0..255)])

    property(cut, [runs: 300], fn {value, at, byte} ->
      bytes = text(value)
      at = rem(at, byte_size(bytes))
      {before, behind} = around(bytes, at)

      for mutant <- [before, before <> behind, <<before::binary, byte, behind::binary>>] do
        case Json.decode(mutant) do
          {:ok, _value} -> :ok
          {:error, {reason, place}} -> assert is_atom(reason) and place <= byte_size(mutant)
        end
      end
    end)
  end

  if Code.ensure_loaded?(:json) do
    # Of keys that come twice OTP keeps the first, and we, as JavaScript, the last.
    test "OTP's decoder reads and refuses the same" do
      for {text, value} <- @right,
          not (text =~ ~S("a":1,"b":2,"a")),
          do: assert({text, otp(text)} == {text, {:ok, value}})

      for {text, _error} <- @wrong, do: assert({text, otp(text)} == {text, :error})
      property(value(), [runs: 100], fn value -> assert otp(text(value)) == {:ok, value} end)

      property(tuple([value(), integer(0..10_000), integer(0..127)]), fn {value, at, byte} ->
        bytes = text(value)
        at = rem(at, byte_size(bytes))
        {before, behind} = around(bytes, at)
        mutant = <<before::binary, byte, behind::binary>>
        ours = with {:error, _why} <- Json.decode(mutant), do: :error
        assert otp(mutant) == ours
      end)
    end

    defp otp(text) do
      case apply(:json, :decode, [text, :ok, %{null: nil}]) do
        {value, :ok, rest} -> if rest =~ ~r/\A[ \t\r\n]*\z/, do: {:ok, value}, else: :error
      end
    rescue
      _refused -> :error
    end
  end
end
