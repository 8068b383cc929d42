defmodule ElixirScope.Distributed.Error do
  @moduledoc """
  An expected failure, as a value that can be matched.

  `reason` is an atom from a closed list per function; `details` holds what a
  person needs to act on it. It is an exception, so that scripts can raise it.

      iex> error = ElixirScope.Distributed.Error.new(:not_running, scope: :shop)
      iex> error.reason
      :not_running
      iex> Exception.message(error)
      "the scope :shop is not running on this node; start it with {ElixirScope.Distributed, name: :shop}"
  """

  defexception [:reason, details: %{}]

  @type t :: %__MODULE__{reason: atom, details: map}

  @doc "Builds an error of `reason` with `details` (a keyword list or a map)."
  @spec new(atom, Enumerable.t()) :: t
  def new(reason, details \\ []), do: %__MODULE__{reason: reason, details: Map.new(details)}

  @impl true
  def message(%{reason: :not_running, details: %{scope: scope}}) do
    "the scope #{inspect(scope)} is not running on this node; " <>
      "start it with {ElixirScope.Distributed, name: #{inspect(scope)}}"
  end

  def message(%{reason: :disabled}) do
    "config :elixir_scope_distributed, enabled: false: nothing can be started on this node"
  end

  def message(%{reason: :library_not_loaded, details: details}) do
    "#{details.file}.so cannot be loaded: #{details.reason}. Nothing is recorded on this node. " <>
      "`mix compile` in a checkout builds it; ELIXIR_SCOPE_NATIVE names one that was built elsewhere"
  end

  def message(%{reason: :bad_context, details: %{message: message}}),
    do: "this is no context: #{message}"

  def message(%{reason: :context_too_large, details: %{limit: limit}}),
    do: "a context holds at most #{limit} bytes: nothing was added"

  def message(%{reason: :no_correlation}),
    do:
      "there is no correlation to add to; begin one with ElixirScope.Distributed.with_correlation/2"

  def message(%{reason: :bad_pattern, details: %{column: column} = details}),
    do: "#{inspect(details.pattern)}, column #{column}: #{details.expected}"

  def message(%{reason: :bad_pattern, details: details}),
    do: "#{inspect(details.pattern)}: expected #{details.expected}"

  def message(%{reason: reason, details: details}) when details == %{}, do: inspect(reason)
  def message(%{reason: reason, details: details}), do: "#{inspect(reason)}: #{inspect(details)}"
end
