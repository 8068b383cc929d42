defmodule ElixirScope.Distributed.Simulation.Plan do
  @moduledoc false
  # What a simulation is to be, as far as it can be said without carrying it out: how its nodes are called,
  # whether what was asked for makes sense, which ways a partition cuts. Pure.

  alias ElixirScope.Distributed.Error

  # Each node talks to each, in one VM: of more a laptop would be busy with nothing else.
  @most 8

  # Made here, once.
  @names for n <- 1..@most, do: :"node#{n}@simulated"

  @type group :: [node]
  @type cuts :: MapSet.t({node, node})

  @doc """
  The names of so many virtual nodes; the first is the scope that ran before.

      iex> Plan.names(2)
      {:ok, [:node1@simulated, :node2@simulated]}
  """
  @spec names(term) :: {:ok, [node]} | {:error, Error.t()}
  def names(number) when number in 1..@most, do: {:ok, Enum.take(@names, number)}

  def names(number) when is_integer(number) and number > 0,
    do: {:error, Error.new(:too_many_nodes, nodes: number, limit: @most)}

  def names(number), do: {:error, Error.new(:bad_number, given: number)}

  @doc """
  The groups that a partition keeps apart, of `nodes`: as they are given, or those that are named against
  the rest.

      iex> Plan.groups([:b@s], [:a@s, :b@s, :c@s])
      {:ok, [[:b@s], [:a@s, :c@s]]}
      iex> Plan.groups([[:a@s], [:c@s]], [:a@s, :b@s, :c@s])
      {:ok, [[:a@s], [:c@s]]}
  """
  @spec groups(term, [node]) :: {:ok, [group, ...]} | {:error, Error.t()}
  def groups(given, nodes) do
    with {:ok, groups} <- lists(given, nodes),
         named = Enum.concat(groups),
         :ok <- known(Enum.reject(named, &(&1 in nodes)), nodes),
         true <- named == Enum.uniq(named) and length(groups) > 1 and [] not in groups do
      {:ok, groups}
    else
      {:error, error} -> {:error, error}
      false -> {:error, Error.new(:bad_groups, given: given)}
    end
  end

  defp lists(given, nodes) do
    cond do
      not proper?(given) -> false
      Enum.all?(given, &is_atom/1) -> {:ok, [given, nodes -- given]}
      Enum.all?(given, &proper?/1) -> {:ok, given}
      true -> false
    end
  end

  @doc "Every name that a virtual node can have."
  @spec all() :: [node]
  def all, do: @names

  @doc "Whether that is one of the virtual nodes."
  @spec known(term | [term], [node]) :: :ok | {:error, Error.t()}
  def known([], _nodes), do: :ok

  def known([unknown | _], nodes),
    do: {:error, Error.new(:no_virtual_node, node: unknown, nodes: nodes)}

  def known(node, nodes), do: known([node] -- nodes, nodes)

  @doc "What is cut, besides what was before; that is to be more."
  @spec cut(cuts, [group]) :: {:ok, cuts} | {:error, Error.t()}
  def cut(cuts, groups) do
    ways = for group <- groups, other <- groups -- [group], a <- group, b <- other, do: {a, b}
    more = MapSet.union(cuts, MapSet.new(ways))

    if more == cuts,
      do: {:error, Error.new(:already_partitioned, groups: groups)},
      else: {:ok, more}
  end

  defp proper?(list), do: is_list(list) and not List.improper?(list)
end
