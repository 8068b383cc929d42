defmodule ElixirScope.Distributed.Debug.Breakpoints.Errand do
  @moduledoc false
  # Does a job of `Wanted`: asks one node for one owner. Whatever fails is a value.

  alias ElixirScope.Distributed.Debug.Breakpoints.Breakpoint
  alias ElixirScope.Distributed.Debug.{Owners, Services}

  @service :breakpoint_coordination

  @doc "Runs it, and tells the server what came of it."
  def run(server, job, scope), do: send(server, {:done, job.owner, job.node, done(job, scope)})

  defp done(%{first: :renew} = job, scope) do
    case ask(job, scope, :renew, [job.owner]) do
      {:ok, since} when since == job.since -> held(job, scope, since, false)
      # It was gone meanwhile, and what was set with it; another part may have held it again.
      {:ok, _since} -> done(%{job | first: :hold}, scope)
      {:error, :unknown_owner} -> done(%{job | first: :hold}, scope)
      {:error, reason} -> down(reason)
    end
  end

  # Its lease may have outlived that it could not be reached: what it wants no longer is still there then.
  defp done(%{first: :hold} = job, scope) do
    with {:ok, since} <- ask(job, scope, :hold, [job.owner, Owners.lease_ms()]),
         {:ok, there} <- ask(job, scope, :list, []) do
      stale = Enum.map(there, & &1.id) -- Enum.map(job.all, &elem(&1, 0))
      held(%{job | set: job.all, clear: stale}, scope, since, true)
    else
      {:error, reason} -> down(reason)
    end
  end

  defp held(job, scope, since, afresh?) do
    if job.clear != [], do: ask(job, scope, :clear, [job.owner, job.clear])
    set = for {id, spec} <- job.set, into: %{}, do: {id, set(job, spec, id)}
    %{link: :held, since: since, afresh?: afresh?, set: set, cleared: job.clear}
  end

  defp set(job, spec, id) do
    options = [id: id, scope: spec.scope] ++ spec.options
    ask(job, spec.scope, :set, [job.owner, spec.where, options], spec.timeout_ms)
  end

  defp down(reason),
    do: %{link: {:down, reason}, since: nil, afresh?: true, set: %{}, cleared: []}

  @doc "What came of one that fell: nothing that could be relied on."
  def failed(reason), do: down({:errand_failed, inspect(reason, limit: 5)})

  @doc "An owner is gone: at once, where it can be said."
  def release(owner, node, scope), do: ask(%{node: node}, scope, :release, [owner])

  defp ask(%{node: node}, scope, operation, arguments, timeout_ms \\ 5_000) do
    options = [node: node, scope: scope, timeout_ms: timeout_ms]

    case Services.call(@service, operation, arguments, options) do
      {:ok, value, _about} -> {:ok, value}
      {:error, reason} -> {:error, reason}
    end
  end

  @doc "A breakpoint as its owner is told."
  def shown(_id, _node, _spec, {:ok, %Breakpoint{} = breakpoint}), do: breakpoint

  def shown(id, node, spec, {:error, reason}) do
    {function, arity} = function(spec.where)

    Map.merge(
      %Breakpoint{
        id: id,
        where: spec.where,
        node: node,
        module: module(spec.where),
        function: function,
        arity: arity,
        line: line(spec.where),
        kind: kind(spec),
        verified: verified(reason)
      },
      Map.new(Keyword.take(spec.options, [:condition, :hit, :log]))
    )
  end

  # It may come, or come back.
  defp verified({:connection_failed, _node}), do: :pending
  defp verified(reason), do: {false, reason}

  defp module({module, _line}) when is_atom(module), do: module
  defp module({module, _function, _arity}), do: module
  defp module(_other), do: nil

  defp function({_module, function, arity}), do: {function, arity}
  defp function(_other), do: {nil, nil}

  defp line({_place, line}), do: line
  defp line(_other), do: nil

  defp kind(%{where: where, options: options}) do
    cond do
      options[:log] -> :log
      match?({_place, _line}, where) -> :line
      true -> :function
    end
  end
end
