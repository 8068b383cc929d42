Code.require_file("../../shared/certificates.exs", __DIR__)

defmodule ElixirScope.Distributed.TlsTest do
  # What guides/security.md says of TLS, on real nodes with certificates made here.
  use ElixirScope.Distributed.Case

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{Certificates, EventSynchronizer, NodeCoordinator}

  if not Certificates.there?() do
    @moduletag skip: "this Erlang has no :ssl or :crypto"
  end

  defp members(node), do: on(node, NodeCoordinator, :get_cluster_nodes, [])

  defp reason(node, other) do
    {:ok, %{nodes: nodes}} = on(node, NodeCoordinator, :get_distributed_status, [])
    nodes[other].reason
  end

  defp tls(folder),
    do: ["-proto_dist", "inet_tls", "-ssl_dist_optfile", Certificates.optfile(folder)]

  defp folder(name) do
    path = Path.join(System.tmp_dir!(), "scope-tls-#{System.pid()}-#{name}")
    File.mkdir_p!(path)
    on_exit(fn -> File.rm_rf!(path) end)
    path
  end

  test "nodes with certificates of one authority are one scope, over TLS alone" do
    [a, b, c] = nodes = start_nodes(3, args: tls(folder("one")))
    for node <- nodes, do: eventually(fn -> assert members(node) == {:ok, Enum.sort(nodes)} end)
    assert on(a, fn -> :init.get_argument(:proto_dist) end) == {:ok, [[~c"inet_tls"]]}
    # No connection between nodes is a plain socket.
    assert on(a, fn ->
             for {_node, port} <- :erlang.system_info(:dist_ctrl), is_port(port), do: port
           end) == []

    for {node, n} <- Enum.with_index(nodes), do: on(node, Scope, :record, [:n, n])

    for node <- nodes do
      {:ok, %{events: events, missing: missing}} = on(node, Scope, :query, [[kinds: [:mark]], []])
      assert {Enum.sort(Enum.map(events, & &1.data)), missing} == {[0, 1, 2], %{}}
    end

    on(b, Scope, :record, [:n, 3])
    assert {:ok, %{received: received}} = on(c, EventSynchronizer, :sync_with_node, [b])
    assert received >= 1
  end

  test "who has a certificate of another authority, or none, stays out" do
    [a] = start_nodes([:ours], args: tls(folder("ours")))
    [other] = start_nodes([:other], args: tls(folder("other")))
    [plain] = start_nodes([:plain])

    for stranger <- [other, plain] do
      :ok = on(a, NodeCoordinator, :register_node, [stranger])
      eventually(fn -> assert reason(a, stranger) in [:cookie, :unreachable] end, within: 20_000)
    end

    assert members(a) == {:ok, [a]}
    assert on(a, Node, :list, []) == []
  end
end
