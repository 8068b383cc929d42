defmodule ElixirScope.Distributed.Cluster.HandshakeTest do
  # What real nodes tell each other when they meet, and what they make of nonsense.
  use ElixirScope.Distributed.Case, async: true

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{ClusterStateManager, NodeCoordinator, OtherOtp, Transports}
  alias ElixirScope.Distributed.Types.ClusterMessage

  defp members(node), do: on(node, NodeCoordinator, :get_cluster_nodes, [])

  defp joined(nodes),
    do:
      for(
        node <- nodes,
        do: eventually(fn -> assert members(node) == {:ok, Enum.sort(nodes)} end)
      )

  defp info(node, other) do
    {:ok, %{nodes: nodes}} = on(node, NodeCoordinator, :get_distributed_status, [])
    nodes[other]
  end

  defp drift(node) do
    {:ok, %{version_drift: drift}} = on(node, NodeCoordinator, :get_distributed_status, [])
    drift
  end

  # A module written in Erlang, which is not loaded here.
  defp load(node, module, functions) do
    text = "-module('#{module}').\n-compile(export_all).\n" <> functions
    {:ok, tokens, _end} = :erl_scan.string(to_charlist(text))
    forms = tokens |> split([]) |> Enum.map(fn form -> elem(:erl_parse.parse_form(form), 1) end)
    {:ok, ^module, code} = :compile.forms(forms, [:nowarn_export_all])
    {:module, ^module} = on(node, :code, :load_binary, [module, ~c"test", code])
    code
  end

  defp split([], []), do: []

  defp split(tokens, forms) do
    {form, [dot | rest]} = Enum.split_while(tokens, &(elem(&1, 0) != :dot))
    forms ++ [form ++ [dot] | split(rest, [])]
  end

  @newer """
  ours() -> {7, 9}.
  common({F, L}, {G, M}) -> H = min(L, M), case H >= max(F, G) of true -> H; false -> nil end.
  """

  test "a node that speaks other versions only is told so, and so are we" do
    [a, b] = start_nodes(2, connect: false)
    load(b, ElixirScope.Distributed.Cluster.Protocol, @newer)
    on(b, fn -> Scope.stop() && Scope.start() end)
    connect([a, b])

    for {node, other} <- [{a, b}, {b, a}] do
      eventually(fn ->
        assert %{status: :down, reason: :no_common_version} = info(node, other)
      end)

      assert info(node, other).remedy =~ "upgrade"
      assert members(node) == {:ok, [node]}
      assert :ok == on(node, Scope, :record, [:still_here])
    end
  end

  test "a node that speaks ours and newer ones is spoken to in ours" do
    [a, b] = start_nodes(2, connect: false)
    load(b, ElixirScope.Distributed.Cluster.Protocol, String.replace(@newer, "{7, 9}", "{1, 9}"))
    on(b, fn -> Scope.stop() && Scope.start() end)
    connect([a, b])
    joined([a, b])
    assert %{protocol: 1} = info(a, b)
    assert %{protocol: 1} = info(b, a)
  end

  test "capabilities are told" do
    [a] = start_nodes([:web])
    [b] = start_nodes([:orders], config: [elixir_scope_distributed: [allow: [:query]]])
    connect([a, b])
    joined([a, b])
    assert %{capabilities: [:query]} = info(a, b)
    assert %{capabilities: [:record, :query, :trace]} = info(b, a)
  end

  test "modules that differ are named, and no longer once they are the same" do
    [a, b] = start_nodes(2)
    joined([a, b])
    module = ElixirScope.Distributed.Case.Gen
    on(a, Code, :ensure_loaded, [module])
    load(b, module, "patched() -> true.\n")

    on(b, fn -> Scope.stop() && Scope.start() end)

    for {node, other} <- [{a, b}, {b, a}] do
      eventually(fn ->
        assert %{^other => %{elixir_scope_distributed: %{modules: [^module], more: 0} = app}} =
                 drift(node)

        assert app.ours == app.theirs
      end)
    end

    on(b, fn -> :code.purge(module) && :code.load_file(module) end)
    on(b, fn -> Scope.stop() && Scope.start() end)
    for node <- [a, b], do: eventually(fn -> assert drift(node) == %{} end)
  end

  @tag :other_otp
  test "nodes of two versions of Erlang are one scope, and say what differs" do
    [a] = start_nodes([:ours])
    [b] = start_nodes([:theirs], OtherOtp.options())
    connect([a, b])
    joined([a, b])

    for {node, other} <- [{a, b}, {b, a}] do
      eventually(fn ->
        assert %{^other => %{kernel: %{ours: ours, theirs: theirs, modules: [_ | _]}}} =
                 drift(node)

        assert ours != theirs
        # Its own code is the same.
        assert not is_map_key(drift(node)[other], :elixir_scope_distributed)
      end)
    end
  end

  test "nonsense is counted and refused, and nobody falls over it" do
    [a, b] = start_nodes(2)
    joined([a, b])
    before = on(a, fn -> ElixirScope.Distributed.Scope.whereis(Scope, NodeCoordinator) end)

    nonsense = [
      %ClusterMessage{source_node: b, kind: :hello},
      %ClusterMessage{source_node: b, kind: :nothing},
      %ClusterMessage{source_node: :another@host, kind: :bye},
      %ClusterMessage{source_node: b, kind: :view, sent_at: {0, 1, b}, view: %{number: -1}},
      %ClusterMessage{source_node: b, kind: :register, sent_at: {0, 1, b}, register: [:x | :y]},
      Map.delete(%ClusterMessage{source_node: b, kind: :hello}, :protocol),
      %{__struct__: :no_struct_at_all},
      URI.parse("http://nonsense")
    ]

    {_module, name} = ElixirScope.Distributed.Transport.address(Transports.ErlDist, Scope)
    for message <- nonsense, do: on(b, Kernel, :send, [{name, a}, {:elixir_scope_1, b, message}])

    eventually(fn ->
      {:ok, %{membership: %{malformed: malformed}}} = on(a, &Scope.status/0)
      assert malformed == %{b => length(nonsense)}
    end)

    assert on(a, fn -> ElixirScope.Distributed.Scope.whereis(Scope, NodeCoordinator) end) ==
             before

    # b was refused, asks again, and is in.
    joined([a, b])
  end

  test "a peer whose clock runs far ahead is named" do
    [a, b] = start_nodes(2)
    joined([a, b])

    ahead = %ClusterMessage{
      source_node: b,
      kind: :view,
      view: %{number: 1, seen: 0, ask: false, body: nil}
    }

    {_module, name} = ElixirScope.Distributed.Transport.address(Transports.ErlDist, Scope)
    far = {0, System.os_time(:nanosecond) + 3_600_000_000_000, b}
    ahead = %{ahead | sent_at: far}

    eventually(fn ->
      on(b, Kernel, :send, [{name, a}, {:elixir_scope_1, b, ahead}])

      assert {:ok, %{reason: :clock_quarantined, remedy: "" <> _}} =
               on(a, ClusterStateManager, :get_node_info, [b])
    end)

    # The next exchange of clocks shows that it is right.
    eventually(fn -> assert %{status: :up, reason: nil, message: nil} = info(a, b) end)
  end
end
