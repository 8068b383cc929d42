defmodule ElixirScope.Distributed.Transport.BucketTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.Transport.Bucket

  test "so many at once, then so many in a second" do
    {taken, bucket} = take(nil, {2, 3}, List.duplicate(0, 5))
    assert {taken, Bucket.left(bucket, {2, 3}, 0)} == {3, 0}
    {taken, bucket} = take(bucket, {2, 3}, List.duplicate(500, 5))
    assert taken == 1
    {taken, _bucket} = take(bucket, {2, 3}, List.duplicate(60_000, 5))
    assert taken == 3
  end

  test "in any stretch of time no more than the burst and what the time gives" do
    rates = tuple([integer(1..50), integer(1..50)])

    property(tuple([rates, list(integer(0..200))]), [runs: 200], fn {{per_s, burst} = rate, steps} ->
      times = Enum.scan(steps, &+/2)
      {taken, _bucket} = take(nil, rate, times)
      span = List.last(times, 0) - List.first(times, 0)
      assert taken <= burst + div(span * per_s, 1_000)
      assert taken >= min(length(times), burst)
    end)
  end

  test "a clock that steps back gives nothing" do
    {_taken, bucket} = take(nil, {1, 1}, [1_000])
    assert {:empty, _bucket} = Bucket.take(bucket, {1, 1}, 0)
  end

  defp take(bucket, rate, times) do
    Enum.reduce(times, {0, bucket}, fn now, {taken, bucket} ->
      case Bucket.take(bucket, rate, now) do
        {:ok, bucket} -> {taken + 1, bucket}
        {:empty, bucket} -> {taken, bucket}
      end
    end)
  end
end
