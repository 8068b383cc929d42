defmodule ElixirScope.Distributed.Cluster.Probe do
  @moduledoc false
  # Why a node cannot be reached, as far as that can be told from here without another
  # attempt to connect, which the other side would write into its log: its host's port
  # mapper is asked for it, and its port is knocked at.
  #
  # A node that answers at its port and refuses the handshake at once has another cookie;
  # one that lets the handshake time out is frozen, or something between swallows it.

  alias ElixirScope.Distributed.Cluster.Reason

  @answer_ms 1_000
  @epmd_port 4_369

  # Erlang gives a handshake seven seconds; a refusal takes a round trip.
  @refusal_ms 3_000

  @type found :: :nobody | :closed | :open | :no_answer

  @doc """
  What that means, `refused_in` being how long a handshake took to fail, if one was tried.

      iex> Probe.reason(:open, 20)
      :cookie
      iex> Probe.reason(:nobody, nil)
      :not_running
  """
  @spec reason(found, non_neg_integer | nil) :: Reason.t()
  def reason(:nobody, _refused_in), do: :not_running
  def reason(:open, ms) when is_integer(ms) and ms <= @refusal_ms, do: :cookie
  def reason(_found, _refused_in), do: :unreachable

  @doc "Asks the port mapper of the node's host, and knocks at the node's port."
  @spec look(node, module) :: found
  def look(node, epmd) do
    with [name, host] <- String.split(Atom.to_string(node), "@"),
         {:ok, address, port} <- address(epmd, to_charlist(name), to_charlist(host)) do
      if port, do: knock(address, port), else: ask(epmd, to_charlist(name), address)
    else
      _unknown -> :no_answer
    end
  end

  defp address(epmd, name, host) do
    case epmd.address_please(name, host, :inet) do
      {:ok, address} -> {:ok, address, nil}
      {:ok, address, port, _version} -> {:ok, address, port}
      error -> error
    end
  end

  defp ask(epmd, name, address) do
    case epmd.port_please(name, address, @answer_ms) do
      {:port, port, _version} -> knock(address, port)
      # It says the same where nothing answered, and where the port mapper knows no such node.
      :noport -> if knock(address, epmd_port()) == :closed, do: :no_answer, else: :nobody
      _error -> :no_answer
    end
  end

  @doc "Where port mappers answer, as `erl` hands it on from ERL_EPMD_PORT."
  @spec epmd_port() :: :inet.port_number()
  def epmd_port do
    case :init.get_argument(:epmd_port) do
      {:ok, [[port | _] | _]} -> List.to_integer(port)
      _default -> @epmd_port
    end
  end

  defp knock(address, port) do
    case :gen_tcp.connect(address, port, [], @answer_ms) do
      {:ok, socket} -> :gen_tcp.close(socket) && :open
      # The port mapper hears of a node's end a little later than its connections do.
      {:error, :econnrefused} -> :nobody
      {:error, _reason} -> :closed
    end
  end
end
