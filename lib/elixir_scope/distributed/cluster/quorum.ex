defmodule ElixirScope.Distributed.Cluster.Quorum do
  @moduledoc false
  # Whether the members on this side are most of those that are known.

  @type state :: :majority | :minority | :even

  @doc """
  What the members that are heard are of those that are known.

      iex> Quorum.of([:a, :b, :c], [:a, :b])
      :majority
      iex> Quorum.of([:a, :b, :c, :d], [:a, :b])
      :even
      iex> Quorum.of([:a, :b, :c], [:a])
      :minority
  """
  @spec of(known :: [node], here :: [node]) :: state
  def of(known, here) do
    case 2 * length(Enum.filter(here, &(&1 in known))) - length(known) do
      more when more > 0 -> :majority
      0 -> :even
      _less -> :minority
    end
  end

  @doc "The error of an operation that asks for a majority, `:ok` where there is one."
  @spec require(state, [node], [node]) :: :ok | {:error, atom, String.t()}
  def require(:majority, _known, _here), do: :ok

  def require(:even, known, here) do
    {:error, :split_brain,
     "the cluster may be split in two halves: of #{length(known)} known members #{length(here)} are here " <>
       "(#{names(here)}), and the other half may go on without this one"}
  end

  def require(:minority, known, here) do
    {:error, :minority_partition,
     "of #{length(known)} known members only #{length(here)} are here (#{names(here)}); missing are " <>
       "#{names(known -- here)}. Unregister those that will not come back"}
  end

  @doc "The error of an operation that needs a cluster, on a VM that can have none."
  @spec no_node() :: {:error, :node_required, String.t()}
  def no_node do
    {:error, :node_required,
     "this VM has no name, so it is part of no cluster that could have a majority: start it with " <>
       "--name or --sname, or call Node.start/2"}
  end

  defp names(nodes), do: Enum.map_join(nodes, ", ", &to_string/1)
end
