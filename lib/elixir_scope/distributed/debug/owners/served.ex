defmodule ElixirScope.Distributed.Debug.Owners.Served do
  @moduledoc false
  # What owners of other nodes say, behind `Desk`.

  alias ElixirScope.Distributed.Debug.Owners

  @doc "With from when on the owner is known here: who hears another reference than before has lost what it set."
  def hold(owner, lease_ms),
    do: with(:ok <- Owners.hold(owner, lease_ms), do: Owners.since(owner))

  def renew(owner), do: with(:ok <- Owners.renew(owner), do: Owners.since(owner))
  def release(owner), do: said(Owners.release(owner))

  defp said(:ok), do: {:ok, :ok}
  defp said({:error, reason}), do: {:error, reason}
end
