defmodule ElixirScope.Distributed.Capture.Instrument.Entry do
  @moduledoc false
  # Where an entry point (`@scope entry: true`) begins and ends the correlation of one call of it,
  # unless its process is in one already. A pair and not a function around a fun, so that the
  # instrumented function has no frame and no closure that it did not have before. Both must not
  # raise; `leave/1` is also called for exceptions, before they go on.

  alias ElixirScope.Distributed.Capture.Correlation
  alias ElixirScope.Distributed.Capture.Correlation.Context
  alias ElixirScope.Distributed.Scope

  @typedoc "What `leave/1` needs in order to put back what was before."
  @type extent :: term

  @doc "Called before the `:call` event of an entry point is recorded."
  @spec enter(module, atom, arity) :: extent
  def enter(module, function, arity) do
    if Context.current() == nil and Scope.enabled?(), do: begin({module, function, arity})
  end

  @doc "Called after its `:return` or `:exception` was recorded."
  @spec leave(extent) :: :ok
  def leave(nil), do: :ok
  def leave(extent), do: Correlation.finish(extent)

  defp begin({module, function, arity}) do
    entry = Exception.format_mfa(module, function, arity)
    Correlation.begin(Context.new(unique(), %{entry: entry}))
  end

  # Which node, which start of it, and which call: nobody else makes the same sixteen bytes.
  defp unique do
    :erlang.md5(:erlang.term_to_binary({node(), :erlang.unique_integer(), System.os_time()}))
  end
end
