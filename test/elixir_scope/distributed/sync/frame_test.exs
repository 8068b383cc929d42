defmodule ElixirScope.Distributed.Sync.FrameTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.Sync.Frame

  @kinds [:ack, :digest, :pull, :data, :more, :sync, :settled, :audit, :differs]

  defp frame(kind, rest \\ ""), do: <<1, 0::32, 5, 251, 300::little-16, 0, kind>> <> rest

  test "the kind is read behind numbers of any length" do
    for {kind, n} <- Enum.with_index(@kinds), do: assert(Frame.kind(frame(n)) == kind)
    assert Frame.kind(<<1, 0::32, 252, 70_000::little-32, 252, 1::little-32, 9, 2>>) == :pull

    for batch <- ["", <<1>>, frame(9), frame(250), <<2>> <> frame(1), <<1, 0::32, 253, 1, 1, 1>>],
        do: assert(Frame.kind(batch) == :unknown)

    for term <- [nil, :x, 1, [1], <<1::3>>, frame(1) |> :binary.bin_to_list()],
        do: assert(Frame.kind(term) == :unknown)
  end

  test "a silent digest has its number and what it refers to, and nothing else" do
    numbers = <<251, 1_000::little-16, 7>>
    silent = Frame.silent(frame(1, numbers <> <<1, "names", 3, "abc">>))
    assert <<1, _sum::32, 5, 251, 300::little-16, 0, 1, ^numbers::binary-size(4), 0, 0>> = silent
    assert Frame.silent(silent) == silent
  end

  # The check value of the Castagnoli polynomial: RFC 3720, B.4, of 32 bytes of zeros.
  test "it is sealed as the core does it" do
    <<1, sum::little-32, content::binary>> = Frame.silent(frame(1, <<1, 0, 0, 0>>))
    assert sum == crc32c(content)
    assert crc32c(:binary.copy(<<0>>, 32)) == 0x8A9136AA
    assert crc32c("123456789") == 0xE3069283
  end

  # Bit by bit.
  defp crc32c(content) do
    import Bitwise

    sum =
      for <<byte <- content>>, reduce: 0xFFFFFFFF do
        sum ->
          Enum.reduce(1..8, bxor(sum, byte), fn _bit, sum ->
            if (sum &&& 1) == 1, do: bxor(sum >>> 1, 0x82F63B78), else: sum >>> 1
          end)
      end

    bxor(sum, 0xFFFFFFFF)
  end

  test "everything but a digest stays as it is" do
    for n <- [0 | Enum.to_list(2..9)],
        batch = frame(n, "rest"),
        do: assert(Frame.silent(batch) == batch)

    property(binary(), [runs: 200], fn bytes ->
      assert is_binary(Frame.silent(<<1, 0::32>> <> bytes))
    end)
  end
end
