defmodule ElixirScope.Distributed.Recording.Reasons do
  @moduledoc false
  # Why a node is missing, in text and back: a file from elsewhere chooses from a list, and makes no atom.

  # As `Query.Result` has them.
  @exits [:not_allowed, :busy, :not_a_member, :malformed, :failed, :too_much, :cut]

  @doc """
  A reason as it is written.

      iex> Reasons.write({:distributed_exit, :busy})
      "exit:busy"
  """
  @spec write(term) :: String.t()
  def write({:node_unavailable, _node}), do: "unavailable"
  def write(:distributed_timeout), do: "timeout"
  def write({:distributed_exit, reason}) when reason in @exits, do: "exit:#{reason}"
  def write({:distributed_exit, {:storage, _why}}), do: "storage"
  def write(_another), do: "exit:failed"

  @doc """
  The reason of a node; of one that a later version knows, that it failed.

      iex> Reasons.read(:a@h, "unavailable")
      {:node_unavailable, :a@h}
      iex> Reasons.read(:a@h, "eaten")
      {:distributed_exit, :failed}
  """
  @spec read(node, String.t()) :: term
  def read(node, "unavailable"), do: {:node_unavailable, node}
  def read(_node, "timeout"), do: :distributed_timeout
  def read(_node, "storage"), do: {:distributed_exit, {:storage, :not_read}}
  def read(_node, "exit:" <> reason), do: {:distributed_exit, exit_reason(reason)}
  def read(_node, _another), do: {:distributed_exit, :failed}

  defp exit_reason(text), do: Enum.find(@exits, :failed, &(Atom.to_string(&1) == text))
end
