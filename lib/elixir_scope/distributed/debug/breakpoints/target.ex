defmodule ElixirScope.Distributed.Debug.Breakpoints.Target do
  @moduledoc false
  # The breakpoints of this node: what owners of any node ask for, behind `Desk`, which has looked at what is
  # granted. A module is interpreted before anything is set in it; what else a breakpoint needs is
  # interpreted afterwards, so nobody waits for it.

  alias ElixirScope.Distributed.Debug.{Int, Interpreter, Owners}

  alias ElixirScope.Distributed.Debug.Breakpoints.{
    Board,
    Breakpoint,
    Holder,
    Passing,
    Place,
    Tracing,
    Wish
  }

  alias ElixirScope.Distributed.Debug.Interpreter.{Needed, Server}

  @doc "Sets a breakpoint, or says again how one stands that was set."
  def set(owner, where, options) do
    with {:ok, wish} <- Wish.read(where, options),
         {:ok, holder} <- Holder.ensure() do
      case Holder.get(holder, {owner, wish.id}) do
        {:ok, breakpoint} -> {:ok, breakpoint}
        :error -> fresh(holder, owner, wish, options)
      end
    end
  end

  defp fresh(holder, owner, wish, options) do
    with {:ok, named} <- Place.name(wish.where),
         :ok <- Owners.admit(owner),
         :error <- traced(holder, owner, wish, named, options),
         :ok <- there(),
         {:ok, server} <- Interpreter.ensure(),
         :ok <- interpreted(server, {owner, wish.id}, named.module),
         {:ok, held} <- Server.held(server, named.module),
         {:ok, breakpoint} <- found(server, holder, owner, wish, named, held) do
      more(server, owner, wish, named.module, breakpoint, options)
      {:ok, breakpoint}
    end
  end

  # Where that does not work, for whatever reason, it is interpreted.
  defp traced(holder, owner, wish, named, options) do
    with scope when scope != nil <- options[:scope],
         {:ok, server} <- Interpreter.ensure(),
         :error <- Server.held(server, named.module),
         {:ok, function, heads} <- Tracing.can(wish, named),
         passed = %{
           Passing.seen({owner, wish.id}, wish)
           | shown: %Breakpoint{id: wish.id, node: node()}
         },
         {:ok, tracer} <- Tracing.start(passed, named, function, heads, scope) do
      Holder.put_traced(holder, owner, wish, named, {function, heads.line, tracer})
    else
      _not_so -> :error
    end
  end

  defp there, do: if(Int.Code.there?(), do: :ok, else: {:error, :no_debugger})

  defp interpreted(server, claimant, module) do
    case Server.interpret(server, claimant, [module]) do
      {:ok, [{:ok, ^module}]} -> :ok
      {:ok, [{:error, ^module, reason}]} -> {:error, reason}
      {:error, reason} -> {:error, reason}
    end
  end

  # What is not set needs nothing interpreted.
  defp found(server, holder, owner, wish, named, held) do
    with {:ok, found} <- Place.find(named, held),
         {:ok, breakpoint} <- Holder.put(holder, owner, wish, named, found) do
      {:ok, breakpoint}
    else
      {:error, reason} ->
        Server.restore(server, {owner, wish.id}, :all)
        {:error, reason}
    end
  end

  defp more(_server, _owner, %{deps: :none}, _module, _breakpoint, _options), do: :ok

  defp more(server, owner, wish, module, breakpoint, options) do
    spawn(fn -> Needed.more(server, {owner, wish, options}, module, breakpoint) end)
  end

  @doc "Takes breakpoints of an owner away."
  def clear(owner, ids) do
    with {:ok, holder} <- Holder.ensure(),
         {:ok, server} <- Interpreter.ensure() do
      cleared = Holder.clear(holder, owner, ids)
      Enum.each(cleared, &Server.restore(server, {owner, &1}, :all))
      {:ok, cleared}
    end
  end

  @doc "Which there are."
  def list do
    with {:ok, holder} <- Holder.ensure(), do: {:ok, Holder.list(holder)}
  end

  @doc """
  What breakpoints say to a process that stands there: `{:stop, ids, owners}`, `:go`, or `:unknown`
  where there are none of ours. `frame` gives its variables, where that was not decided before it stood.
  """
  def judge(pid, module, line, frame) do
    with :error <- Board.decided(pid, {module, line}),
         {:ok, passed} <- Board.at(module, line),
         {:ok, frame} <- frame.() do
      Passing.judge(pid, passed, frame)
    else
      {:ok, verdict} -> verdict
      # No longer there, or nothing of ours.
      {:error, _reason} -> :go
      :error -> :unknown
    end
  end
end
