defmodule ElixirScope.Distributed.Query.Callers do
  @moduledoc false
  # Which processes of this node wait for an answer of which member. An answer counts once, and only
  # from who was asked; who ends waits for nothing. Pure.

  @limit 10_000

  defstruct open: %{}

  @type t :: %__MODULE__{open: %{reference => {node, pid}}}

  @doc "`pid` waits for what `node` says to `ref`; `:full` where too many do."
  @spec put(t, reference, node, pid) :: {:ok, t} | :full
  def put(%{open: open}, ref, _node, _pid)
      when map_size(open) >= @limit and not is_map_key(open, ref),
      do: :full

  def put(callers, ref, node, pid), do: {:ok, put_in(callers.open[ref], {node, pid})}

  @doc "Who waits for this answer of `node`, no longer from now on; `nil` if nobody does."
  @spec take(t, reference, node) :: {pid | nil, t}
  def take(%{open: open} = callers, ref, node) do
    case open do
      %{^ref => {^node, pid}} -> {pid, %{callers | open: Map.delete(open, ref)}}
      _nobody -> {nil, callers}
    end
  end

  @doc "Nobody waits for that answer any longer."
  @spec forget(t, reference) :: t
  def forget(callers, ref), do: %{callers | open: Map.delete(callers.open, ref)}

  @doc "A member is gone: who waited for it, and for what."
  @spec gone(t, node) :: {[{reference, pid}], t}
  def gone(callers, node) do
    {gone, left} = Enum.split_with(callers.open, fn {_ref, {asked, _pid}} -> asked == node end)
    {for({ref, {_node, pid}} <- gone, do: {ref, pid}), %{callers | open: Map.new(left)}}
  end

  @doc "A process ended."
  @spec ended(t, pid) :: t
  def ended(callers, pid),
    do: %{
      callers
      | open: Map.reject(callers.open, fn {_ref, {_node, caller}} -> caller == pid end)
    }

  @doc "Its bound and how many wait."
  @spec status(t) :: map
  def status(callers), do: %{asked: map_size(callers.open), asked_limit: @limit}
end
