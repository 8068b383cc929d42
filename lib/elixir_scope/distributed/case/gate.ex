defmodule ElixirScope.Distributed.Case.Gate do
  @moduledoc false
  # The epmd client of a test node: Erlang's own, with a list of nodes that it says
  # are not there. Cookies can cut a connection only for both sides at once, since
  # both have to agree on one; this cuts one direction, "A cannot open a connection
  # to B", and to the library under test it looks like a network that does not
  # answer rather than like a wrong cookie.
  #
  # It runs in the node while its kernel starts, hence nothing but Erlang's own
  # modules here.

  @doc "Makes this node find none of `nodes` from now on."
  @spec close([node]) :: :ok
  def close(nodes) do
    :persistent_term.put(__MODULE__, :lists.map(&:erlang.atom_to_list/1, nodes))
  end

  @doc false
  def address_please(name, host, family) do
    if closed?(name, host),
      do: {:error, :ehostunreach},
      else: :erl_epmd.address_please(name, host, family)
  end

  defdelegate start_link(), to: :erl_epmd
  defdelegate stop(), to: :erl_epmd
  defdelegate names(), to: :erl_epmd
  defdelegate names(host), to: :erl_epmd
  defdelegate register_node(name, port), to: :erl_epmd
  defdelegate register_node(name, port, driver), to: :erl_epmd
  defdelegate port_please(name, host), to: :erl_epmd
  defdelegate port_please(name, host, timeout), to: :erl_epmd
  defdelegate listen_port_please(name, host), to: :erl_epmd

  defp closed?(name, host) do
    node = :lists.flatten(:io_lib.format(~c"~s@~s", [name, host]))
    :lists.member(node, :persistent_term.get(__MODULE__, []))
  end
end
