defmodule ElixirScope.Distributed.Debug.Owners.Served do
  @moduledoc false
  # What owners of other nodes say, behind `Desk`.

  alias ElixirScope.Distributed.Debug.Owners

  def hold(owner, lease_ms), do: said(Owners.hold(owner, lease_ms))
  def renew(owner), do: said(Owners.renew(owner))
  def release(owner), do: said(Owners.release(owner))

  defp said(:ok), do: {:ok, :ok}
  defp said({:error, reason}), do: {:error, reason}
end
