defmodule ElixirScope.Distributed.Debug.Interpreter.Reasons do
  @moduledoc false
  # Why a module is not interpreted: every reason there is, in words.

  @of_module [
    library: "it belongs to this library, which does not look at itself",
    kernel:
      "it belongs to Erlang's or Elixir's own base, on which the interpreter runs; name the module that calls it",
    sticky:
      "its folder is marked as sticky, so that nothing of it changes; :code.unstick_mod/1 lifts that",
    nif: "functions of it are native code, which an interpreter cannot run",
    no_module: "there is no such module on this node",
    no_beam: "it was loaded from memory, and there is no file of it to read",
    cover: "it is compiled for coverage: what runs is not what its file holds",
    other_version: "its file is of another version than what runs; load it, or compile it again",
    no_debug_info:
      "it was compiled without debug info, or that was stripped; compile with `debug_info: true`",
    bad_debug_info: "its debug info is of another version of Erlang than the one that runs here",
    too_many: "as many modules are interpreted as there may be; see `most/0`",
    not_understood: "the interpreter of this Erlang does not understand all of its code"
  ]

  @of_node [
    no_debugger:
      "Erlang's application debugger is not installed on this node (Debian: erlang-debugger); all but interpretation works",
    other_debugger:
      "another tool debugs this node from elsewhere, and only one can: end that first",
    unknown_owner: "its owner is gone"
  ]

  @words Map.new(@of_module ++ @of_node)

  @type t :: atom

  @doc "Every reason for which a module is refused."
  @spec of_module() :: [t]
  def of_module, do: Keyword.keys(@of_module)

  @doc "Every reason for which this node interprets nothing."
  @spec of_node() :: [t]
  def of_node, do: Keyword.keys(@of_node)

  @doc "A reason in words."
  @spec words(t) :: String.t()
  def words(reason), do: Map.fetch!(@words, reason)
end
