defmodule ElixirScope.Distributed.Sync.Frame do
  @moduledoc false
  # What a batch of the synchronisation is about, by its first bytes: all that has to be known
  # here of the form that `scope_sync` gives it (`wire/mod.rs`).
  #
  #     version 1 | CRC32C of the rest, 4 bytes | mine, yours, acknowledged, kind: a varint each | …
  #
  # Whether the rest is what it should be is found out there.

  import Bitwise

  @version 1
  @longest 256 * 1024

  @kinds {:ack, :digest, :pull, :data, :more, :sync, :settled, :audit, :differs}

  @type kind ::
          :ack | :digest | :pull | :data | :more | :sync | :settled | :audit | :differs | :unknown

  @table List.to_tuple(
           for byte <- 0..255 do
             Enum.reduce(1..8, byte, fn _bit, sum ->
               if (sum &&& 1) == 1, do: bxor(sum >>> 1, 0x82F63B78), else: sum >>> 1
             end)
           end
         )

  @doc "The longest that there is."
  @spec longest() :: pos_integer
  def longest, do: @longest

  @doc "What it is about; `:unknown` is what cannot be read."
  @spec kind(term) :: kind
  def kind(batch) do
    case split(batch) do
      {_head, kind, _rest} when kind < tuple_size(@kinds) -> elem(@kinds, kind)
      _unknown -> :unknown
    end
  end

  @doc """
  The same batch without what it tells of what this node has: a digest becomes an empty one under
  its number. What is not told of is not asked for, and both ends agree on what was told.
  """
  @spec silent(binary) :: binary
  def silent(batch) do
    with {head, 1, body} <- split(batch),
         {_number, rest} <- varint(body),
         {_base, names} <- varint(rest) do
      numbers = binary_part(body, 0, byte_size(body) - byte_size(names))
      seal(head <> <<1>> <> numbers <> <<0, 0>>)
    else
      _no_digest -> batch
    end
  end

  # What stands before the kind, the kind, and what stands behind it.
  defp split(<<@version, _sum::32, rest::binary>>) do
    with {_mine, more} <- varint(rest),
         {_yours, more} <- varint(more),
         {_acknowledged, body} <- varint(more),
         {kind, behind} <- varint(body),
         do: {binary_part(rest, 0, byte_size(rest) - byte_size(body)), kind, behind}
  end

  defp split(_other), do: :error

  # As bincode writes them.
  defp varint(<<small, rest::binary>>) when small < 251, do: {small, rest}
  defp varint(<<251, number::little-16, rest::binary>>), do: {number, rest}
  defp varint(<<252, number::little-32, rest::binary>>), do: {number, rest}
  defp varint(_longer), do: :error

  defp seal(content), do: <<@version, sum(content)::little-32, content::binary>>

  # CRC32C (Castagnoli, 1993); what is sealed here is a few bytes long.
  defp sum(content) do
    for <<byte <- content>>, reduce: 0xFFFFFFFF do
      sum -> bxor(sum >>> 8, elem(@table, bxor(sum, byte) &&& 0xFF))
    end
    |> bxor(0xFFFFFFFF)
  end
end
