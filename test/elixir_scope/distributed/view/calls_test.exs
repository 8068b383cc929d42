defmodule ElixirScope.Distributed.View.CallsTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.{Causality, Event, Stories}
  alias ElixirScope.Distributed.View.Calls

  test "a call is shown with its arguments, where they are known" do
    call = &Calls.call({Shop, :buy, 2}, %Event{data: &1, meta: &2}, 40)
    assert call.([1, "tea"], %{}) == ~s|Shop.buy(1, "tea")|
    assert call.([1, "tea"], %{truncated?: true}) == ~s|Shop.buy(1, "tea" …)|
    assert call.([1], %{}) == "Shop.buy/2"
    assert call.(nil, %{}) == "Shop.buy/2"
    assert Calls.call({Shop, :"bad name", 0}, nil, 40) == ~s|Shop."bad name"/0|
    assert Calls.function(nil) == "?"
  end

  test "an exception is shown by its class, if that is not an error" do
    assert Calls.raised({:error, :badarg}, 40) == ":badarg"
    assert Calls.raised({:exit, :shutdown, []}, 40) == "exit :shutdown"
    assert Calls.raised({:throw, 7}, 40) == "throw 7"
    assert Calls.raised(:other, 40) == ":other"
  end

  test "a time has a unit that fits it, in ASCII where there is no more" do
    assert Calls.duration(1_500, false) == "1.5 µs"
    assert Calls.duration(1_500, true) == "1.5 us"
    assert Calls.duration(nil, false) == "?"
  end

  test "events are found by their places, each once" do
    {:ok, picture} = Causality.build(Stories.request())

    assert %{0 => %{kind: :call}, 1 => %{kind: :send}} =
             found = Calls.events(picture, [1, nil, 0, 1])

    assert map_size(found) == 2
    assert Calls.events(picture, [nil]) == %{}
  end
end
