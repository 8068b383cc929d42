defmodule ElixirScope.Distributed.Debug.Session.Boot do
  @moduledoc false
  # The first thing that runs in a VM that a session starts: by Erlang's flag `-s`, before Elixir, Mix or a
  # release begin. It starts the guest, which is given name, cookie and grants over the pipe, and lets the VM
  # go on when its turn has come. A release begins here, too, once breakpoints can be set.

  alias ElixirScope.Distributed.Debug.Session.{Guest, Released}

  @doc "Called by the VM itself."
  @spec start() :: :ok
  def start do
    {:ok, guest} = Guest.start()

    case Guest.await(guest, :prepare) do
      %{release: true} = orders -> Released.run(orders)
      _mix -> :ok
    end
  end
end
