defmodule ElixirScope.Distributed.Debug.Services.Ask do
  @moduledoc false
  # Asks one node after another, and this one where nobody else answers.

  alias ElixirScope.Distributed.Capture.Correlation.Token
  alias ElixirScope.Distributed.{Debug, Error}
  alias ElixirScope.Distributed.Debug.{Desk, Operations}
  alias ElixirScope.Distributed.Debug.Desk.{Register, Request}

  @doc "Who offers a service, in the order in which they are asked."
  def offered(scope, service, node) do
    members = :pg.get_members(Debug, Register.group(scope, service))
    nodes = for pid <- members, node in [nil, node(pid)], do: {node(pid), pid}
    Enum.sort_by(nodes, fn {node, _pid} -> {node != node(), :erlang.phash2({node(), node})} end)
  rescue
    ArgumentError -> []
  end

  @doc "Asks."
  def run(row, args, options) do
    deadline = Desk.now_ms() + options[:timeout_ms]

    nodes =
      if options[:node],
        do: [options[:node]],
        else: for({n, _} <- offered(options[:scope], row.service, nil), do: n)

    try_all(nodes, row, args, options, deadline, nil)
  end

  defp try_all([node | rest], row, args, options, deadline, _last) do
    case one(node, row, args, options, deadline) do
      {:ok, value} ->
        {:ok, value, %{node: node, source: :service, version: 1, attempts: 1}}

      {:error, {:connection_failed, _} = reason} ->
        try_all(rest, row, args, options, deadline, reason)

      {:error, reason} ->
        {:error, reason}
    end
  end

  defp try_all([], row, args, options, deadline, last) do
    if options[:fallback] and options[:node] == nil and
         row.service in Operations.services(:language) do
      with {:ok, value} <- one(node(), row, args, options, deadline),
           do: {:ok, value, %{node: node(), source: :fallback, version: 1, attempts: 0}}
    else
      {:error,
       last || Error.new(:service_not_found, service: row.service, scope: options[:scope])}
    end
  end

  defp one(node, row, args, options, deadline) do
    left = max(deadline - Desk.now_ms(), 0)

    {:elixir_scope_debug_hello, %{now_ms: now, desk: desk}} =
      call({Desk, node}, Desk.hello(), left)

    request = Request.write(1, options[:scope], row.service, row.operation, args, now + left)
    call(desk, if(node == node(), do: Desk.here(request), else: request), left)
  catch
    :exit, {:timeout, _} -> {:error, Error.new(:too_late, node: node)}
    :exit, _ -> {:error, {:connection_failed, node}}
  end

  defp call(desk, term, left), do: Token.aside(fn -> GenServer.call(desk, term, left) end)
end
