defmodule ElixirScope.Distributed.TelemetryTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.Telemetry
  doctest Telemetry

  # The rows of the table in the documentation.
  defp documented do
    {:docs_v1, _, _, _, %{"en" => doc}, _, _} = Code.fetch_docs(Telemetry)

    for row <-
          Regex.scan(
            ~r/^\| `\[:elixir_scope, :distributed, :(\w+)\]` \| (.*?) ?\| (.*?) \|$/m,
            doc
          ) do
      [_, name, measurements, metadata] = row
      {String.to_existing_atom(name), {names(measurements), names(metadata)}}
    end
  end

  defp names(cell),
    do: for([_, name] <- Regex.scan(~r/`(\w+)`/, cell), do: String.to_existing_atom(name))

  test "the table and the code agree" do
    assert Map.new(documented()) == Telemetry.events()
  end

  test "every event that is emitted anywhere is in the table" do
    emitted =
      for file <- Path.wildcard("lib/**/*.ex"),
          [_, name] <- Regex.scan(~r/Telemetry\.emit\(:(\w+)/, File.read!(file)),
          do: String.to_existing_atom(name)

    assert emitted != []
    assert Enum.uniq(emitted) -- Map.keys(Telemetry.events()) == []
  end

  test "without :telemetry nothing happens" do
    assert :ok = Telemetry.emit(:query, node(), %{duration: 1, events: 0, missing: 0, dropped: 0})
    assert :ok = Telemetry.emit(:sync, node(), {:error, :gone})
  end
end

defmodule ElixirScope.Distributed.TelemetrySearchTest do
  # On a node of its own, whose code server it watches.
  use ElixirScope.Distributed.Case, nodes: 1

  alias ElixirScope.Distributed.Telemetry

  test "nobody searches for :telemetry when something is emitted", %{nodes: [node]} do
    assert on(node, fn ->
             :ok = emit()
             server = Process.whereis(:code_server)
             :erlang.trace(server, true, [:receive])
             :ok = emit()
             asked(server, :erlang.trace_delivered(server))
           end) == []
  end

  defp emit, do: Telemetry.emit(:sync, Node.self(), {:error, :gone})

  # What the calling process asked of the server.
  defp asked(server, delivered) do
    me = self()

    receive do
      {:trace, ^server, :receive, {_call, ^me, request}} -> [request | asked(server, delivered)]
      {:trace, ^server, _what, _other} -> asked(server, delivered)
      {:trace_delivered, ^server, ^delivered} -> []
    end
  end
end
