defmodule ElixirScope.Distributed.View.FooterTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.View.{Footer, Text}
  doctest Footer

  @about %{events: 1, nodes: [:a@h], missing: %{}, dropped: 0, expired: 0, more?: false}

  test "everything that is known to be missing is said" do
    about = %{
      @about
      | events: 12_345,
        nodes: [:a@h, :b@h, :c@h],
        missing: %{
          b@h: {:distributed_exit, {:storage, :not_read}},
          c@h: {:node_unavailable, :c@h}
        },
        dropped: 1_000,
        expired: 7,
        more?: true
    }

    assert Footer.text(about, 12_345, 200) ==
             "12,345 events of 3 nodes, cut by the limit, 1,000 dropped, at most 7 expired, " <>
               "b@h missing (storage), c@h missing (unavailable)"

    assert Footer.text(about, 12_345, 110) ==
             "12,345 events of 3 nodes, cut by the limit, 1,000 dropped, at most 7 expired, b@h, c@h missing"

    assert Footer.text(about, 12_345, 90) ==
             "12,345 events of 3 nodes, cut by the limit, 1,000 dropped, at most 7 expired, 2 missing"

    for width <- 1..120, do: assert(Text.width(Footer.text(about, 12_345, width)) <= width)
  end

  test "one of each is not several" do
    assert Footer.text(@about, 1, 120) == "1 event of 1 node, 0 dropped, none missing"
    assert Footer.text(@about, 0, 120) == "0 of 1 event of 1 node, 0 dropped, none missing"
  end

  test "names of nodes are strangers' text, too" do
    about = %{@about | missing: %{:"x\e[2J@h" => :distributed_timeout}}
    assert Footer.text(about, 1, 120) =~ ~S"x\e[2J@h missing (timeout)"
  end
end
