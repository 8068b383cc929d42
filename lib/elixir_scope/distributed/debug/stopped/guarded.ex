defmodule ElixirScope.Distributed.Debug.Stopped.Guarded do
  @moduledoc false
  # What never stands, whatever breakpoint it runs into: what debugging itself needs, and without which a node
  # does nothing: the library's processes, those of Erlang's kernel with its group leaders, and owners, who could
  # not say any more how to go on.

  alias ElixirScope.Distributed.Debug.Stopped.Shelf

  @applications [:kernel, :elixir_scope_distributed]
  @ours "Elixir.ElixirScope."

  @doc "Whether a process of this node must not stand."
  @spec never?(pid) :: boolean
  def never?(pid) do
    Enum.any?(Shelf.owners(), fn {owner, _wants} -> owner == pid end) or
      :application.get_application(pid) in Enum.map(@applications, &{:ok, &1}) or
      leads?(pid)
  end

  # A group leader of a shell or of standard input belongs to no application; nor do those of ours that
  # somebody starts under a supervisor of their own.
  defp leads?(pid) do
    case Process.info(pid, [:initial_call, :dictionary, :registered_name]) do
      [initial_call: call, dictionary: dictionary, registered_name: name] ->
        names = [module(call), module(dictionary[:"$initial_call"])]
        name in [:user, :init, :user_drv] or Enum.any?(names, &base?/1)

      nil ->
        false
    end
  end

  defp module({module, _function, _arity}), do: module
  defp module(_none), do: nil

  defp base?(module) when module in [:group, :user_drv, :user_sup, :prim_tty, :shell_docs],
    do: true

  defp base?(module), do: String.starts_with?(Atom.to_string(module), @ours)
end
