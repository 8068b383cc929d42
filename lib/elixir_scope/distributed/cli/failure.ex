defmodule ElixirScope.Distributed.CLI.Failure do
  @moduledoc false
  # Why a command ends without having done what was asked: the name of its exit code, and what is
  # said on standard error. Raised in commands, so that each of their steps is one line.

  alias ElixirScope.Distributed.CLI.Exit
  alias ElixirScope.Distributed.Error

  defexception [:exit, :message, :node]

  @typedoc "The node, where it is known of that which failed."
  @type t :: %__MODULE__{exit: Exit.name(), message: String.t(), node: node | nil}

  @doc "Builds one."
  @spec new(Exit.name(), String.t()) :: t
  def new(exit, message), do: %__MODULE__{exit: exit, message: message}

  @doc "What a call of the library gave, or the failure that its error is."
  @spec ok!({:ok, value} | {:error, term} | {:error, atom, String.t()}) :: value when value: term
  def ok!({:ok, value}), do: value
  def ok!(:ok), do: :ok
  def ok!({:error, _reason, message}), do: raise(new(:partial, message))
  def ok!({:error, %__MODULE__{} = failure}), do: raise(failure)
  def ok!({:error, %Error{} = error}), do: raise(of(error))
  def ok!({:error, other}), do: raise(new(:failed, describe(other)))

  @doc "The failure that an error of the library is."
  @spec of(Error.t()) :: t
  def of(%Error{reason: :nodes_missing, details: %{missing: missing}}) do
    named =
      Enum.map_join(Enum.sort(missing), ", ", fn {node, why} -> "#{node} (#{describe(why)})" end)

    new(:partial, "not all members answered: #{named}")
  end

  def of(%Error{reason: :not_running} = error), do: new(:no_library, Exception.message(error))
  def of(error), do: new(:failed, Exception.message(error))

  defp describe(text) when is_binary(text), do: text
  defp describe(error) when is_exception(error), do: Exception.message(error)
  defp describe(other), do: inspect(other)
end
