defmodule ElixirScope.Distributed.Debug.Adapter.Attaching do
  @moduledoc false
  # What an adapter asks of the nodes when it comes to them, and when it goes. It is called by the hand
  # or by a worker, and may wait.

  alias ElixirScope.Distributed.Debug.Adapter.{Launch, Named, Threads, Words}
  alias ElixirScope.Distributed.Debug.{Services, Session, Stopped}

  # Of other members of a cluster, each by itself.
  @join_ms 10_000

  # A whole application is interpreted in some seconds.
  @interpret_ms 30_000

  # What nodes grant at most.
  @longest_lease_ms 600_000

  # Modules of a project that are interpreted at a time.
  @lot 100

  # Of each node: those that stand come first.
  @most_threads 200

  @doc """
  Attaches to the target of a session, and to the other members of its cluster where that is wanted: the nodes,
  what went wrong with others, and the sessions that hold them.
  """
  @spec run(Session.t(), Launch.t(), pid) ::
          {:ok, %{nodes: [node], problems: [String.t()], others: [Session.t()], os_pid: term}}
          | {:error, term}
  def run(%{target: target} = session, %{no_debug: true}, _owner),
    do: {:ok, %{nodes: List.wrap(target), problems: [], others: [], os_pid: os_pid(session)}}

  def run(session, launch, owner) do
    with :ok <- node(session.target, launch, owner) do
      {sessions, problems} = others(session, launch, owner)
      nodes = [session.target | Enum.map(sessions, & &1.target)]
      problems = problems ++ interpreted(nodes, launch, owner)
      {:ok, %{nodes: nodes, problems: problems, others: sessions, os_pid: os_pid(session)}}
    end
  end

  # Of a program that was started here.
  defp os_pid(session) do
    with {:ok, %{nodes: nodes}} <- Session.status(session),
         %{os_pid: text} when is_binary(text) <- Enum.find(nodes, &(&1.role == :target)) do
      String.to_integer(text)
    else
      _unknown -> nil
    end
  end

  @doc "Attaches to one node."
  @spec node(node, Launch.t(), pid) :: :ok | {:error, term}
  def node(node, launch, owner) do
    Stopped.attach(node, [lease_ms: lease_ms(launch)] ++ options(launch, owner))
  end

  @doc "The same, of one that was away: what stood meanwhile and still does, which nobody could be told."
  @spec again(node, Launch.t(), pid) :: {:ok, [Stopped.t()]} | {:error, term}
  def again(node, launch, owner) do
    with :ok <- node(node, launch, owner),
         do: Stopped.stopped(node, scope: launch.scope, timeout_ms: launch.rpc_timeout_ms)
  end

  defp lease_ms(launch), do: min(launch.lease_ms, @longest_lease_ms)

  @doc "How often that is told: three times in a lease, and before there is one once a second."
  @spec renew_ms(Launch.t() | nil) :: pos_integer
  def renew_ms(nil), do: 1_000
  def renew_ms(launch), do: div(lease_ms(launch), 3)

  @doc """
  Tells a node that the owner is still there, and attaches to it, as whoever looked after it there may have
  fallen: that breakpoints have held the owner again meanwhile does not say who wants to be told.
  """
  @spec renew(node, Launch.t(), pid) :: :ok | {:error, term}
  def renew(node, launch, owner), do: node(node, launch, owner)

  defp options(launch, owner),
    do: [scope: launch.scope, timeout_ms: launch.rpc_timeout_ms, owner: owner]

  defp others(session, launch, owner) do
    with :all <- Launch.nodes(launch),
         {:ok, members} <- ask(session.target, :members, [], launch) do
      results = for node <- members -- [session.target], do: other(node, launch, owner)
      {for({:ok, session} <- results, do: session), for({:error, text} <- results, do: text)}
    else
      :one -> {[], []}
      {:error, reason} -> {[], ["the other nodes of the cluster: #{Words.reason(reason)}"]}
    end
  end

  defp other(node, launch, owner) do
    {:ok, options} = Launch.session(%{launch | node: node, language_node: :none})

    with {:ok, session} <-
           Session.start(
             Keyword.put(options, :boot_ms, @join_ms) ++ [scope: launch.scope, output: owner]
           ),
         :ok <- attached(node(node, launch, owner), session) do
      {:ok, session}
    else
      {:error, reason} -> {:error, "#{node} is not debugged: #{Words.reason(reason)}"}
    end
  end

  defp attached(:ok, _session), do: :ok

  defp attached(error, session) do
    Session.stop(session)
    error
  end

  # What the user wants to have interpreted from the beginning.
  defp interpreted(nodes, launch, owner) do
    case Launch.interpretation(launch) do
      [] -> []
      :all -> Enum.flat_map(nodes, &interpret_project(&1, launch, owner))
      patterns -> Enum.flat_map(nodes, &interpret(&1, patterns, launch, owner))
    end
  end

  # So many at a time that each lot is done within the time for one question.
  defp interpret_project(node, launch, owner) do
    case ask(node, :project, [], launch) do
      {:ok, modules} ->
        modules |> Enum.chunk_every(@lot) |> Enum.flat_map(&interpret(node, &1, launch, owner))

      {:error, reason} ->
        ["nothing is interpreted on #{node}: #{Words.reason(reason)}"]
    end
  end

  defp interpret(node, patterns, launch, owner) do
    options = [node: node] ++ options(launch, owner)

    case interpret_on(patterns, options) do
      {:ok, results} -> refused(for({:error, module, why} <- results, do: {module, why}), node)
      {:error, reason} -> ["nothing is interpreted on #{node}: #{Words.reason(reason)}"]
    end
  end

  @doc "Has modules interpreted for the owner on a node; patterns are read there."
  @spec interpret_on([module | String.t()], keyword) :: {:ok, [tuple]} | {:error, term}
  def interpret_on(patterns, options),
    do: managed(:interpret, [Enum.map(patterns, &Named.module/1), []], options)

  @doc "Gives them back."
  @spec restore_on([module | String.t()], keyword) :: {:ok, term} | {:error, term}
  def restore_on(patterns, options),
    do: managed(:restore, [Enum.map(patterns, &Named.module/1)], options)

  defp managed(operation, arguments, options) do
    {owner, options} = Keyword.pop!(options, :owner)
    options = Keyword.update!(options, :timeout_ms, &max(&1, @interpret_ms))

    with {:ok, value, _about} <-
           Services.call(:interpretation_management, operation, [owner | arguments], options),
         do: {:ok, value}
  end

  defp refused([], _node), do: []

  defp refused(refused, node) do
    shown =
      Enum.map_join(Enum.take(refused, 5), ", ", fn {module, why} ->
        "#{inspect(module)} (#{Words.reason(why)})"
      end)

    ["#{length(refused)} modules are not interpreted on #{node}: #{shown}"]
  end

  @doc "The processes of nodes, those that stand first, and how many more there are."
  @spec processes([node], keyword) :: {:ok, [map], non_neg_integer} | {:error, term}
  def processes(nodes, options) do
    results = for node <- nodes, do: Stopped.processes(node, [count: @most_threads] ++ options)
    pages = for {:ok, page} <- results, do: page

    case {pages, results} do
      {[], [error | _]} -> error
      _some -> {:ok, pages |> Enum.flat_map(& &1.processes) |> Threads.sort(), more(pages)}
    end
  end

  defp more(pages), do: Enum.sum(for page <- pages, do: page.total - length(page.processes))

  @doc "Asks a row of ours of a node."
  @spec ask(node, atom, [term], Launch.t()) :: {:ok, term} | {:error, term}
  def ask(node, operation, arguments, launch) do
    options = [node: node, scope: launch.scope, timeout_ms: launch.rpc_timeout_ms]

    with {:ok, value, _about} <-
           Services.call(:process_monitoring, operation, arguments, options),
         do: {:ok, value}
  end

  @doc "Ends the nodes that were there before."
  @spec terminate(map) :: :ok | {:error, term}
  def terminate(%{nodes: nodes, launch: launch}) do
    results = for node <- nodes, do: ask(node, :terminate, [], launch)
    Enum.find(results, :ok, &match?({:error, _}, &1))
  end

  @doc "Ends them, and the sessions that would try to get them back."
  @spec finish(map) :: :ok | {:error, term}
  def finish(state), do: with(:ok <- terminate(state), do: parted(state))

  @doc "Leaves: all that belongs to the owner is undone, and with `ends?` the program ends."
  @spec leave(map, boolean) :: :ok
  def leave(%{launch: nil}, _ends?), do: :ok

  def leave(state, ends?) do
    for node <- state.nodes, do: release(node, state)
    if ends? and state.launch.request == :attach, do: terminate(state)
    parted(state)
  end

  defp parted(state) do
    for session <- [state.session | state.others], session != nil, do: Session.stop(session)
    :ok
  end

  defp release(node, state) do
    options = [node: node, scope: state.launch.scope, timeout_ms: state.launch.rpc_timeout_ms]
    Services.call(:breakpoint_coordination, :release, [state.owner], options)
  end
end
