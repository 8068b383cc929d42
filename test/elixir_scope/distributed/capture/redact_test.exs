defmodule ElixirScope.Distributed.Capture.RedactTest do
  use ElixirScope.Distributed.Case

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.Capture.Redact
  alias ElixirScope.Distributed.{Opaque, Options}

  @moduletag :tmp_dir

  @hidden %Opaque{type: :redacted}

  # What the default rules hide, in every place where a key can stand.
  defp secrets(secret) do
    [
      %{password: secret, user: "ann"},
      %{"User-Token" => secret, "n" => 1},
      [api_key: secret, page: 2],
      {"authorization", "Bearer " <> secret},
      %{deep: [%{card: %{credit_card_number: secret}}]},
      %{secret: {:a, [secret, %{secret => secret}]}},
      {:ok, %{cookies: %{"sid" => secret}}, secret: secret}
    ]
  end

  test "values under secret names are hidden, wherever they stand", %{test: scope} do
    start_supervised!({Scope, name: scope, node: :me@test})
    for data <- secrets("canary"), do: Scope.record(:login, data, scope: scope)
    Scope.record(%{password: "canary"}, 1, scope: scope, correlation_id: {:token, "canary"})
    {:ok, events} = Scope.events(scope: scope)
    refute inspect(events, limit: :infinity) =~ "canary"

    assert [%{password: @hidden, user: "ann"}, %{"User-Token" => @hidden, "n" => 1} | _] =
             Enum.map(events, & &1.data)
  end

  test "a node's own rules: keys whole or in part, types, and nothing by default" do
    rules = [defaults: false, keys: [:iban, "diag"], types: [URI, :account]]
    [node] = start_nodes(1, config: [elixir_scope_distributed: [redact: rules]])

    on(node, fn ->
      Scope.record(:n, %{IBAN: 1, iban_of: 2, diagnosis: 3, password: 4})
      Scope.record(:n, {%URI{host: "canary"}, {:account, "canary", 1}, {:other, 2, 3}})
      Scope.record(:n, %{имя: 1, "ключ diag": 2})
      {:ok, events} = Scope.events()

      assert [
               %{IBAN: @hidden, iban_of: 2, diagnosis: @hidden, password: 4},
               {@hidden, {:account, @hidden, @hidden}, {:other, 2, 3}},
               %{имя: 1, "ключ diag": @hidden}
             ] = Enum.map(events, & &1.data)
    end)
  end

  test "what is no rule is refused with what was expected" do
    for wrong <- [
          :all,
          [keys: [1]],
          [keys: [""]],
          [kyes: []],
          [types: ["X"]],
          [defaults: nil],
          [functions: [X]]
        ] do
      assert {:error, "expected :redact to be a keyword list of :keys" <> _} =
               Options.validate(:config, redact: wrong)
    end

    assert {:ok, _} = Options.validate(:config, redact: [keys: [:a, "b"], modules: [X]])
    assert {:ok, _} = Options.validate(:config, redact: [functions: [{X, :f}, {X, :g, 2}]])

    assert %{keys: ["a"], parts: ["b"], types: [], modules: [], functions: []} =
             Redact.rules(keys: [:a, "b"], defaults: false)
  end

  # The proof for all of it at once: the secret is looked for as bytes wherever events pass.
  @tag :slow
  @tag timeout: 300_000
  test "of 1,000,000 events a secret is in no ring, file, frame, log or answer", context do
    [web, other] = start_watched_nodes(context.tmp_dir)
    secret = "canary-" <> Base.encode16(:crypto.strong_rand_bytes(12))
    watcher = on(other, fn -> watch_frames(secret) end)
    on(web, fn -> record_secrets(secret) end)
    assert {:ok, %{^other => %{sent: _}}} = on(web, &Scope.NodeCoordinator.force_event_sync/0)

    assert {frames, 0} = on(other, fn -> frames(watcher) end)
    assert frames > 0
    assert on(web, fn -> in_rings(secret) end) == {0, 0}
    files = Path.wildcard(Path.join(context.tmp_dir, "**/*")) |> Enum.filter(&File.regular?/1)
    assert Enum.any?(files, &String.ends_with?(&1, ".log"))
    assert Enum.count(files, &(Path.extname(&1) in [".active", ".segment"])) >= 2
    for file <- files, do: assert({file, 0} == {file, count(File.read!(file), secret)})

    for node <- [web, other] do
      assert {:ok, []} = on(node, Scope, :events, [[contains: secret]])
      assert {:ok, [%{data: 1_000_000}]} = on(node, Scope, :events, [[order: :desc, limit: 1]])
      assert {:ok, %{rings: %{lost: 0}, store: %{events: stored}}} = on(node, &Scope.status/0)
      # And that the other node came.
      assert stored in 1_000_000..1_000_010
    end
  end

  # So that no other mapping of the node has the size of a ring.
  @ring_bytes 61_234_567

  defp start_watched_nodes(folder) do
    for name <- [:web, :other] do
      data = Path.join(folder, "#{name}")
      config = [data_dir: data, ring_bytes: @ring_bytes, retention_bytes: 512 * 1024 * 1024]
      [node] = start_nodes([name], config: [elixir_scope_distributed: config], log: :critical)
      on(node, fn -> log_to(Path.join(folder, "#{name}.log")) end)
      node
    end
    |> tap(&connect/1)
  end

  defp log_to(file) do
    config = %{config: %{file: to_charlist(file)}, level: :debug}

    for handler <- :logger.get_handler_ids(),
        do: :logger.set_handler_config(handler, :level, :none)

    :ok = :logger.set_primary_config(:level, :debug)
    :ok = :logger.add_handler(:to_file, :logger_std_h, config)
  end

  # The rings take what they can: now and then the drain is waited for.
  defp record_secrets(secret) do
    for n <- 1..142_857 do
      for data <- secrets(secret), do: Scope.record(:login, data, correlation_id: n)
      if rem(n, 1_000) == 0, do: Scope.query(limit: 1)
    end

    Scope.record(:last, 1_000_000)
  end

  defp watch_frames(secret) do
    watcher = spawn(fn -> search_frames(secret, 0, 0) end)
    {_module, name} = :persistent_term.get({Scope.Scope, Scope}).transport
    :erlang.trace(Process.whereis(name), true, [:receive, {:tracer, watcher}])
    watcher
  end

  defp search_frames(secret, frames, found) do
    receive do
      {:trace, _pid, :receive, message} ->
        bytes = :erlang.term_to_binary(message)
        search_frames(secret, frames + 1, found + count(bytes, secret))

      {:result, to} ->
        send(to, {:frames, {frames, found}})
    end
  end

  defp frames(watcher) do
    send(watcher, {:result, self()})
    receive do: ({:frames, result} -> result)
  end

  # The rings are the mappings of their size in the node's memory, as many as there are lanes.
  defp in_rings(secret) do
    {:ok, %{rings: %{limit: limit, lane_limit: lanes}}} = Scope.status()
    rings = for {from, to} <- mappings(), to - from == div(limit, lanes), do: {from, to - from}
    {:ok, memory} = :file.open("/proc/self/mem", [:raw, :read, :binary])
    found = for {from, size} <- rings, do: memory |> :file.pread(from, size) |> elem(1)
    true = Enum.any?(found, &(count(&1, "Bearer") == 0 and count(&1, "ann") > 0))
    {length(rings) - lanes, found |> Enum.map(&count(&1, secret)) |> Enum.sum()}
  end

  defp mappings do
    for line <- String.split(File.read!("/proc/self/maps"), "\n", trim: true) do
      [range | _] = String.split(line, " ")
      [from, to] = range |> String.split("-") |> Enum.map(&String.to_integer(&1, 16))
      {from, to}
    end
  end

  defp count(bytes, secret), do: bytes |> :binary.matches(secret) |> length()
end
