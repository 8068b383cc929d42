defmodule ElixirScope.Distributed.Sync.Mode do
  @moduledoc false
  # Whose events a node keeps besides its own, by the option `sync:`. Each node decides for itself,
  # from what all of them know: the members.

  # From this number on, everybody keeping everything costs more than it is worth.
  @few 5
  @collectors 3

  @type t :: :auto | :full | :on_demand | {:collectors, pos_integer | [node, ...]}
  @type keeps :: :everything | :nothing | {:collected, pos_integer} | {:on, [node, ...]}

  @doc "The mode by the checked options: who keeps no copies for others has what its questions bring."
  @spec of(keyword) :: t
  def of(options), do: if(:record in options[:allow], do: options[:sync], else: :on_demand)

  @doc """
  What is kept in a cluster of so many members.

      iex> {Mode.keeps(:auto, 5), Mode.keeps(:auto, 6)}
      {:everything, {:collected, 3}}
      iex> Mode.keeps({:collectors, [:a@h]}, 2)
      {:on, [:a@h]}
  """
  @spec keeps(t, pos_integer) :: keeps
  def keeps(:auto, members) when members <= @few, do: :everything
  def keeps(:auto, _members), do: {:collected, @collectors}
  def keeps(:full, _members), do: :everything
  def keeps(:on_demand, _members), do: :nothing
  def keeps({:collectors, nodes}, _members) when is_list(nodes), do: {:on, nodes}
  def keeps({:collectors, n}, _members), do: {:collected, n}
end
