defmodule ElixirScope.Distributed.EventTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.Event
  doctest Event

  test "every kind is in one family, and a family stands for its kinds" do
    assert Event.expand(Event.families()) == Event.kinds()
    assert Event.kinds() == Enum.uniq(Event.kinds())
    assert Event.expand([:mark, :user, :mark]) == [:mark]
  end
end
