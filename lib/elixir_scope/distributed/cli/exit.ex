defmodule ElixirScope.Distributed.CLI.Exit do
  @moduledoc false
  # How a command can end: the only list of exit codes. Help and the guide print it, and whoever
  # ends a command names one of these.

  @codes [
    fine: {0, "all that was asked was done"},
    failed: {1, "the cluster could not answer, or refused; the message says why"},
    usage: {2, "wrong usage: an unknown option, a value that cannot be read, something left out"},
    unreachable: {3, "no connection: the host is not known, or does not answer"},
    partial: {4, "not all members answered that `--require` asks for"},
    no_epmd: {5, "no connection: no port mapper (epmd) answers on the host"},
    not_running: {6, "no connection: the host runs no node of this name"},
    cookie: {7, "no connection: the node has another cookie, or there is none to show"},
    no_library: {8, "the node does not have the library, or no scope of this name runs there"},
    version: {9, "the node has a version of the library that cannot do what is asked"},
    lost: {10, "the connection was lost before the command had ended"},
    interrupted: {130, "interrupted before there was an answer"}
  ]

  @type name ::
          :fine
          | :failed
          | :usage
          | :unreachable
          | :partial
          | :no_epmd
          | :not_running
          | :cookie
          | :no_library
          | :version
          | :lost
          | :interrupted

  @doc "Every name, with its number and what it means."
  @spec all() :: [{name, {0..255, String.t()}}]
  def all, do: @codes

  @doc """
  The number that the operating system is given.

      iex> ElixirScope.Distributed.CLI.Exit.code(:cookie)
      7
  """
  @spec code(name) :: 0..255
  def code(name), do: @codes |> Keyword.fetch!(name) |> elem(0)

  @doc "Whether a term from another node is one of the names."
  @spec name?(term) :: boolean
  def name?(term), do: is_atom(term) and Keyword.has_key?(@codes, term)
end
