defmodule ElixirScope.Distributed.Inject.Remote do
  @moduledoc false
  # Calls of functions that every Erlang node has. What a node does not answer is thrown to `attempt/2`:
  # there is no sense in going on.

  alias ElixirScope.Distributed.Error

  @enforce_keys [:node, :timeout_ms]
  defstruct @enforce_keys

  @type t :: %__MODULE__{node: node, timeout_ms: pos_integer}

  @doc "Where to, and how long one call may take."
  @spec new(node, pos_integer) :: t
  def new(node, timeout_ms), do: %__MODULE__{node: node, timeout_ms: timeout_ms}

  @doc "Calls a function there."
  @spec call(t, module, atom, [term]) :: term
  def call(at, module, function, arguments) do
    :erpc.call(at.node, module, function, arguments, at.timeout_ms)
  catch
    :error, {:erpc, reason} -> throw({__MODULE__, reason})
    :error, {:exception, reason, _stack} -> throw({__MODULE__, reason})
  end

  @doc "Runs a function that calls there; where the node does not answer, that is the error."
  @spec attempt(t, fun) :: term
  def attempt(at, calling) do
    calling.()
  catch
    {__MODULE__, :timeout} -> {:error, Error.new(:no_answer, node: at.node)}
    {__MODULE__, :noconnection} -> {:error, Error.new(:not_connected, node: at.node)}
    {__MODULE__, reason} -> {:error, Error.new(:inject_failed, node: at.node, reason: reason)}
  end
end
