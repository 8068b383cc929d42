defmodule ElixirScope.Distributed.Cluster.Reason do
  @moduledoc """
  Why a node is in its state: a closed list, each with what it means and what helps.

  A member that is there without a story has no reason (`nil`).

      iex> ElixirScope.Distributed.Cluster.Reason.message(:cookie)
      "the node answers, and refuses the handshake of Erlang distribution"
  """

  alias ElixirScope.Distributed.Types.ClusterNodeInfo

  @reasons [
    restarted:
      {"the node was gone and came back as a new incarnation",
       "nothing to do; what it had recorded before is pulled from the other members"},
    other_incarnation:
      {"the node stayed connected, and its scope began again",
       "nothing to do; expected where a scope is restarted, or a wall clock was set far back"},
    cookie:
      {"the node answers, and refuses the handshake of Erlang distribution",
       "give both the same cookie (`Node.set_cookie/1`, `--cookie`, ~/.erlang.cookie); if they have, " <>
         "look whether one alone uses TLS, or `:net_kernel.allow/1`"},
    asymmetric:
      {"only one of two members hears the other, or other members reach this node and we do not",
       "look for a firewall or an address translation that lets one direction through"},
    silent:
      {"the node is connected, and nothing was heard from its scope for a while",
       "it is overloaded, suspended, or the connection is half open, which Erlang notices after " <>
         "net_ticktime"},
    no_library:
      {"the node is connected, and no scope of this name answers there",
       "add :elixir_scope_distributed to that node's applications, or leave it as it is"},
    no_common_version:
      {"the node speaks no version of the protocol that this one does",
       "upgrade the older of the two releases"},
    clock_quarantined:
      {"the node's clock is further ahead than max_clock_drift_ms; ours does not follow it",
       "run a time server (NTP) on both hosts"},
    unreachable:
      {"no connection can be made: the host, its port mapper or its port do not answer",
       "check the network, the host's name and its firewall, for epmd's port (4369) too"},
    not_running:
      {"the host answers, and runs no node of this name",
       "start the node, or correct its name (`epmd -names` on that host lists them)"},
    not_distributed:
      {"this VM has no name, and can connect to nobody",
       "start it with --name or --sname, or call Node.start/2"},
    hidden:
      {"the node is hidden, as remote shells and tools are, and is left alone",
       "start it without -hidden if it is to be a member"},
    lost:
      {"the connection was lost; why is being found out",
       "wait a moment; `nodedown_reason` is what the VM said"},
    connecting: {"a connection is being made", "wait a moment"},
    left:
      {"the node's scope was stopped in order",
       "nothing to do; start the scope, or unregister the node if it will not come back"},
    unregistered:
      {"the node was taken out of the cluster by hand",
       "NodeCoordinator.register_node/1 on any member takes it in again"},
    refused:
      {"the node refused us for a reason that this version does not know",
       "upgrade the older of the two releases, and look at that node's status"},
    malformed:
      {"what the node sends cannot be read", "look whether another program uses the scope's name"}
  ]

  @type t ::
          :restarted
          | :other_incarnation
          | :cookie
          | :asymmetric
          | :silent
          | :no_library
          | :no_common_version
          | :clock_quarantined
          | :unreachable
          | :not_running
          | :not_distributed
          | :hidden
          | :lost
          | :connecting
          | :left
          | :unregistered
          | :refused
          | :malformed
          | nil

  @doc """
  Every reason.

      iex> :unregistered in ElixirScope.Distributed.Cluster.Reason.all()
      true
  """
  @spec all() :: [atom]
  def all, do: Keyword.keys(@reasons)

  @doc """
  What it means, in one sentence.

      iex> ElixirScope.Distributed.Cluster.Reason.message(nil)
      nil
  """
  @spec message(t) :: String.t() | nil
  def message(reason), do: text(reason, 0)

  @doc """
  What helps.

      iex> ElixirScope.Distributed.Cluster.Reason.remedy(:no_common_version)
      "upgrade the older of the two releases"
  """
  @spec remedy(t) :: String.t() | nil
  def remedy(reason), do: text(reason, 1)

  @doc false
  # A member is as it is for that reason, or for none, and says so in words.
  @spec give(ClusterNodeInfo.t(), t) :: ClusterNodeInfo.t()
  def give(info, reason),
    do: %{info | reason: reason, message: message(reason), remedy: remedy(reason)}

  @doc false
  # What came from elsewhere, as one of the list.
  @spec known(term) :: t
  def known(reason) when is_atom(reason) and reason != nil,
    do: if(Keyword.has_key?(@reasons, reason), do: reason, else: :refused)

  def known(_other), do: :refused

  defp text(nil, _part), do: nil
  defp text(reason, part), do: @reasons |> Keyword.fetch!(reason) |> elem(part)
end
