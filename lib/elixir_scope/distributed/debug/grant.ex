defmodule ElixirScope.Distributed.Debug.Grant do
  @moduledoc false
  # Whether this node lets itself be debugged: a scope that runs here has `:debug` in its own `allow:`.
  # Looked at with every request, also with those that are made on the node itself.

  alias ElixirScope.Distributed.{Error, Scope}

  @doc "Whether the scope of that name grants debugging here."
  @spec check(atom) :: :ok | {:error, Error.t()}
  def check(scope) do
    with {:ok, %{options: options}} <- Scope.fetch(scope) do
      if :debug in Keyword.get(options, :allow, []),
        do: :ok,
        else: {:error, Error.new(:not_allowed, what: :debug, node: node())}
    end
  end
end
