defmodule ElixirScope.Distributed.Capture.Correlation.Inside do
  @moduledoc false
  # What the native core knows of the correlation that the calling process is in, where trace
  # points can read it. Nothing else calls these functions.

  alias ElixirScope.Distributed.Capture.Correlation.Context
  alias ElixirScope.Distributed.Native

  @typedoc "Numbers of the traces that leave an id out, as was decided where it began."
  @type dropping :: [pos_integer]

  @doc """
  The calling process is in an extent of that key from now on; with `nil` the key begins here and
  now, and it is decided who leaves it out.
  """
  @spec enter(Context.key(), dropping | nil) :: dropping
  def enter(key, decided), do: Native.event_enter(key, decided)

  @doc "It is in none any more."
  @spec leave() :: :ok
  def leave, do: Native.event_leave()

  @doc "The key of the traced call that it is in, if it is in one that has ids."
  @spec entry() :: {Context.key(), dropping} | nil
  def entry, do: Native.event_entry()

  @doc "The key that a token stands for, while it counts."
  @spec inherited(term) :: {Context.key(), dropping} | nil
  def inherited(token), do: Native.event_inherited(token)

  @doc "Whether a pid that is a label is there on behalf of a trace, as far as anybody can tell."
  @spec names?(pid) :: boolean
  def names?(pid), do: Native.event_names(pid)

  @doc "How many processes are in extents and calls, of how many that can be."
  @spec status() :: map
  def status, do: Native.event_status()
end
