defmodule ElixirScope.Distributed.Debug.Int.Home do
  @moduledoc false
  # The interpreter's server of this node, and the name under which processes of this node find it.
  #
  # OTP's debugger is made to debug a cluster from one node: its server has a name in `:global`, and a call
  # of an interpreted function is handed to whoever has that name. Where two nodes interpret for themselves,
  # one would be sent to the other one, which knows nothing of its code; the VM would try again forever. And
  # when two such nodes meet, `:global` kills one of the servers. So the name is taken on this node alone, before the server
  # asks for it, with a way to resolve conflicts that kills nobody; and it is looked at again while
  # something is interpreted, as nodes that meet give each other what they have.

  @compile {:no_warn_undefined, [:dbg_iserver]}
  @name :dbg_iserver
  @method {__MODULE__, :resolve}

  @doc "Starts the server of this node, where it does not run, and has this node's processes find it."
  @spec ensure() :: :ok | {:error, :other_debugger}
  def ensure do
    if elsewhere?(), do: {:error, :other_debugger}, else: home()
  end

  @doc "Whether the server of this node runs."
  @spec running?() :: boolean
  def running?, do: Process.whereis(@name) != nil

  @doc "Has this node's processes find this node's server, if they do not."
  @spec keep() :: :ok
  def keep do
    case Process.whereis(@name) do
      nil -> :ok
      pid -> if(:global.whereis_name(@name) == pid, do: :ok, else: take(pid))
    end
  end

  @doc false
  # Whichever `:global` takes, the other node takes its own again.
  def resolve(@name, one, _other), do: one

  defp home do
    case Process.whereis(@name) do
      nil -> start()
      _pid -> keep()
    end
  end

  # The server is content where the name is taken.
  defp start do
    take(self())
    {:ok, pid} = server().start()
    take(pid)
  end

  # A server of another node that has the name everywhere, as OTP's debugger takes it.
  defp elsewhere? do
    case :ets.lookup(:global_names, @name) do
      [{@name, pid, method, _monitor}] -> node(pid) != node() and method != @method
      [] -> false
    end
  end

  # What `:global.register_name/3` asks of every node, asked of this one.
  defp take(pid) do
    GenServer.call(:global_name_server, {:register, @name, pid, @method})
    :ok
  end

  # An application that may not be there, and that is none of ours.
  defp server, do: :dbg_iserver
end
