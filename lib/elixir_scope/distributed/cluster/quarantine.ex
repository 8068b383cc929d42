defmodule ElixirScope.Distributed.Cluster.Quarantine do
  @moduledoc false
  # The peers whose clocks run too far ahead of ours to be followed. Any message puts a peer in; an
  # exchange of clocks takes it out again. Pure; what is to be said is in the answers.

  # A bound for those who come, are wrong, and are never seen again; the first is forgotten.
  @most 256

  defstruct ahead: %{}, order: []

  @type details :: %{
          required(:ahead_ns) => integer,
          required(:limit_ns) => integer,
          optional(atom) => term
        }
  @type t :: %__MODULE__{ahead: %{node => details}, order: [node]}

  @doc """
  A stamp of `node` was refused; whether that is news.

      iex> details = %{ahead_ns: 2_000, limit_ns: 500}
      iex> {:news, quarantine} = Quarantine.refuse(%Quarantine{}, :a@h, details)
      iex> {:known, ^quarantine} = Quarantine.refuse(quarantine, :a@h, details)
      iex> Quarantine.nodes(quarantine)
      [:a@h]
  """
  @spec refuse(t, node, details) :: {:news | :known, t}
  def refuse(%{ahead: ahead} = quarantine, node, details) when is_map_key(ahead, node),
    do: {:known, %{quarantine | ahead: %{ahead | node => details}}}

  def refuse(%{order: order} = quarantine, node, details) do
    {order, gone} = Enum.split([node | order], @most)
    ahead = quarantine.ahead |> Map.drop(gone) |> Map.put(node, details)
    {:news, %{quarantine | ahead: ahead, order: order}}
  end

  @doc "An exchange with `node` was right again; whether that is news."
  @spec accept(t, node) :: {:news | :known, t}
  def accept(%{ahead: ahead, order: order} = quarantine, node) when is_map_key(ahead, node),
    do: {:news, %{quarantine | ahead: Map.delete(ahead, node), order: order -- [node]}}

  def accept(quarantine, _node), do: {:known, quarantine}

  @doc "Who is in it, sorted."
  @spec nodes(t) :: [node]
  def nodes(quarantine), do: quarantine.ahead |> Map.keys() |> Enum.sort()

  @doc "Its bound with its value."
  @spec bounds(t) :: map
  def bounds(quarantine), do: %{quarantined: map_size(quarantine.ahead), quarantine_limit: @most}

  @doc "Whether `node` is in it."
  @spec member?(t, node) :: boolean
  def member?(quarantine, node), do: is_map_key(quarantine.ahead, node)
end
