defmodule ElixirScope.Distributed.Query.HostTest do
  # What members say to each other about events, also what none should say.
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case, only: [eventually: 1]
  import ElixirScope.Distributed.Virtual

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{Options, Storages}
  alias ElixirScope.Distributed.Query.{Host, Page, Wire}
  alias ElixirScope.Distributed.Types.QueryMessage

  @moduletag :capture_log

  defp ask(options \\ []) do
    filter = :filter |> Options.validate!(kinds: [:mark]) |> Storages.Native.native_filter()

    body = %{
      filter: Wire.filter(filter),
      ranges: :all,
      cursor: nil,
      max_bytes: 10_000,
      wait_ms: nil
    }

    Map.merge(body, Map.new(options))
  end

  defp put(scope, node, kind, body) do
    ref = make_ref()
    {Host.ask(scope, node, kind, ref, body), ref}
  end

  defp queries(scope) do
    {:ok, %{queries: queries}} = Scope.status(scope)
    queries
  end

  test "a member tells what it has, and gives a page of it", context do
    {_network, [a, b], [_na, nb]} = cluster(context.test, 2)
    for n <- 1..3, do: Scope.record(:n, n, scope: b)
    {:ok, ref} = put(a, nb, :holdings?, %{after: nil, nodes: []})
    assert_receive {:query_answer, ^ref, ^nb, :holdings, %{rows: rows, head: head, more: false}}
    assert {"n2@sim", _incarnation, seq, {_logical, _ns}} = head
    assert Enum.any?(rows, &match?({"n2@sim", _, 1, ^seq}, &1))

    {:ok, ref} = put(a, nb, :ask, ask())
    assert_receive {:query_answer, ^ref, ^nb, :page, %{count: 3, more: false, page: page}}
    assert {:ok, events} = Page.events(page)
    assert Enum.map(events, & &1.data) == [1, 2, 3]
    assert %{answered: 2, waiting: 0, held: 0, asked_limit: _} = eventually_idle(b)
  end

  defp eventually_idle(scope) do
    eventually(fn ->
      assert %{workers: 0} = queries = queries(scope)
      queries
    end)
  end

  test "who may wait hears as soon as there is something, or when its time is over", context do
    {_network, [a, b], [_na, nb]} = cluster(context.test, 2)
    {:ok, ref} = put(a, nb, :ask, ask(wait_ms: 30_000))
    eventually(fn -> assert %{held: 1} = queries(b) end)
    refute_received {:query_answer, ^ref, _, _, _}
    Scope.record(:n, 1, scope: b)
    assert_receive {:query_answer, ^ref, ^nb, :page, %{count: 1}}

    {:ok, ref} = put(a, nb, :ask, ask(wait_ms: 100, ranges: [{"nobody@h", 1, 1, :infinity}]))
    assert_receive {:query_answer, ^ref, ^nb, :page, %{count: 0, more: false}}
  end

  test "one who goes away is told of, and waits for nothing itself", context do
    {_network, [a, b], [_na, nb]} = cluster(context.test, 2)
    {:ok, ref} = put(a, nb, :ask, ask(wait_ms: 60_000))
    eventually(fn -> assert %{held: 1} = queries(b) end)
    stop_supervised!(b)
    assert_receive {:query_answer, ^ref, ^nb, :gone, %{}}, 10_000
    assert {{:error, :unreachable}, _} = put(a, nb, :ask, ask())

    {_network, [c, _d], [_nc, nd]} = cluster(:"#{context.test} again", 2)
    asker = spawn(fn -> put(c, nd, :ask, ask(wait_ms: 60_000)) end)
    monitor = Process.monitor(asker)
    assert_receive {:DOWN, ^monitor, _, _, _}
    eventually(fn -> assert %{asked: 0} = queries(c) end)
  end

  test "a node that is no member, or does not allow it, is refused", context do
    allow = fn node -> if node == :n2@sim, do: [allow: [:record]], else: [] end
    {_network, [a, b], [_na, nb]} = cluster(context.test, 2, allow)
    {:ok, ref} = put(a, nb, :ask, ask())
    assert_receive {:query_answer, ^ref, ^nb, :refused, %{reason: :not_allowed}}
    stranger = %QueryMessage{source_node: :x@sim, kind: :ask, ref: make_ref(), body: ask()}
    hear(b, :x@sim, stranger)
    eventually(fn -> assert %{not_allowed: 1, not_a_member: 1} = queries(b).refused end)
  end

  defp hear(name, from, message) do
    message = {:transport, :message, from, message}
    GenServer.cast(ElixirScope.Distributed.Scope.whereis(name, Host), message)
  end

  test "what cannot be read is refused, and counted where it comes in", context do
    {_network, [a, b], [na, nb]} = cluster(context.test, 2)
    {:ok, ref} = put(a, nb, :ask, ask(ranges: {:erlang, :halt, []}))
    assert_receive {:query_answer, ^ref, ^nb, :refused, %{reason: :malformed}}
    assert {:ok, %{incoming: %{peers: %{^na => %{malformed: 1}}}}} = Scope.status(b)
    Scope.record(:n, 1, scope: b)

    assert {:ok, %{events: [%{data: 1}], missing: missing}} =
             Scope.query([kinds: [:mark]], scope: a)

    assert missing == %{}
  end

  test "what has the right shape and no sense is refused as well", context do
    {_network, [a, b], [_na, nb]} = cluster(context.test, 2)
    {:ok, ref} = put(a, nb, :ask, ask(filter: %{ask().filter | kinds: [:no_such_kind]}))
    assert_receive {:query_answer, ^ref, ^nb, :refused, %{reason: :malformed}}
    {:ok, ref} = put(a, nb, :ask, ask(filter: %{ask().filter | contains: <<0xFF, 0xFE>>}))
    assert_receive {:query_answer, ^ref, ^nb, kind, _body} when kind in [:refused, :page]
    assert %{workers: 0} = eventually_idle(b)
  end

  test "an answer that nobody asked for, or that another gives, reaches nobody", context do
    {_network, [a, _b], [na, nb]} = cluster(context.test, 2)
    ref = make_ref()
    answer = %QueryMessage{source_node: nb, kind: :refused, ref: ref, body: %{reason: :busy}}
    hear(a, nb, answer)
    {:ok, ref} = put(a, nb, :ask, ask(wait_ms: 60_000))
    hear(a, na, %{answer | source_node: na, ref: ref})
    assert %{asked: 1} = queries(a)
    refute_received {:query_answer, _, _, _, _}
    Host.forget(a, ref)
    assert %{asked: 0} = queries(a)
  end
end
