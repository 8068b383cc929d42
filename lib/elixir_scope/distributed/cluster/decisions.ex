defmodule ElixirScope.Distributed.Cluster.Decisions do
  @moduledoc false
  # What somebody decides about who belongs to the cluster, here or on another member, and
  # what follows from it for a membership.

  import ElixirScope.Distributed.Cluster.Roll, only: [put: 4]

  alias ElixirScope.Distributed.Cluster.{Letter, Membership, Register, Roll}

  @doc "Somebody wants `node` in, now."
  @spec register(Membership.t(), node, Membership.stamp()) ::
          {:ok | {:error, :already_exists}, Membership.step()}
  def register(%{node: node} = membership, node, _now),
    do: {{:error, :already_exists}, {[], membership}}

  def register(membership, node, now) do
    decided = adopt(membership, Register.decide(membership.register, [node], :in, now))

    case membership.nodes[node] do
      %{status: status} when status in [:up, :joining] -> {{:error, :already_exists}, decided}
      %{status: :down} -> {:ok, and_then(decided, &{[{:connect, node}], &1})}
      _out_or_new -> {:ok, decided}
    end
  end

  @doc "Somebody wants `nodes` to form one scope with this one, all with all."
  @spec set_up(Membership.t(), [node], Membership.stamp()) :: Membership.step()
  def set_up(membership, nodes, now) do
    all = Enum.uniq([membership.node | nodes]) -- [:nonode@nohost]
    adopt(membership, Register.decide(membership.register, all, :in, now))
  end

  @doc "A configuration names `nodes`: weaker than any decision."
  @spec propose(Membership.t(), [node]) :: Membership.step()
  def propose(membership, nodes),
    do: adopt(membership, Register.propose(membership.register, nodes))

  @doc "Somebody wants `node` out, and out it stays, for all members."
  @spec unregister(Membership.t(), node, Membership.stamp()) ::
          {:ok | {:error, :not_found}, Membership.step()}
  def unregister(membership, node, now) do
    case membership.nodes do
      %{^node => %{status: status}} when status != :unregistered ->
        {:ok, adopt(membership, Register.decide(membership.register, [node], :out, now))}

      _none ->
        {{:error, :not_found}, {[], membership}}
    end
  end

  @doc "What follows from decisions: whom to connect, whom to refuse, and whom to tell."
  @spec adopt(Membership.t(), Register.t()) :: Membership.step()
  def adopt(%{register: register} = membership, register), do: {[], membership}

  def adopt(membership, register) do
    before = membership.register
    in_now = Register.wanted(register) -- [membership.node | Register.wanted(before)]
    out_now = Register.out(register) -- [membership.node | Register.out(before)]
    step = {[], %{membership | register: register}}
    step = Enum.reduce(in_now, step, fn node, step -> and_then(step, &include(&1, node)) end)
    step = Enum.reduce(out_now, step, fn node, step -> and_then(step, &exclude(&1, node)) end)
    and_then(step, &{Letter.tell(&1, Roll.peers(&1)), &1})
  end

  defp include(membership, node) do
    case membership.nodes[node] do
      %{status: status} when status in [:up, :joining, :down] -> {[], membership}
      _out_or_new -> {[{:connect, node}], put(membership, node, :joining, :connecting)}
    end
  end

  defp exclude(membership, node) when not is_map_key(membership.nodes, node),
    do: {[], put(membership, node, :unregistered, :unregistered)}

  defp exclude(membership, node) do
    {[Letter.refuse(membership, node, :unregistered), {:changed, node, :unregistered}],
     put(membership, node, :unregistered, :unregistered)}
  end

  @doc "One step after another."
  @spec and_then(Membership.step(), (Membership.t() -> Membership.step())) :: Membership.step()
  def and_then({actions, membership}, next) do
    {more, membership} = next.(membership)
    {actions ++ more, membership}
  end
end
