defmodule ElixirScope.Distributed.Debug.Desk.Request do
  @moduledoc false
  # What a term that came to the desk asks for, and whether that is granted. It is read part by part;
  # nothing of what it holds is called, or made into an atom.
  #
  # `deadline` is in milliseconds of the asked VM's own clock, which the asking node learned when it
  # first spoke to it: what was held up on the way is as late as it is.

  alias ElixirScope.Distributed.{Error, Operations, Scope}
  alias ElixirScope.Distributed.Debug
  alias ElixirScope.Distributed.Debug.Services.Versions
  alias ElixirScope.Distributed.Transport.Inbox

  @longest_ms 600_000

  defstruct [:row, :scope, :args, :deadline]

  @type t :: %__MODULE__{
          row: Debug.Operations.t(),
          scope: atom,
          args: [term],
          deadline: integer
        }
  @type reason :: :not_a_service_operation | Error.t()

  @doc "The request as it is written."
  @spec write(pos_integer, atom, atom, atom, [term], integer) :: tuple
  def write(version, scope, service, operation, args, deadline),
    do: {:elixir_scope_debug, version, scope, service, operation, args, deadline}

  @doc "What it was found to be."
  @spec read(term, now_ms :: integer) :: {:ok, t} | {:error, reason}
  def read({:elixir_scope_debug, version, scope, service, operation, args, deadline}, now_ms) do
    with :ok <- spoken(version),
         :ok <- named(scope),
         {:ok, row} <- Debug.Operations.check(service, operation, args),
         {:ok, deadline} <- until(deadline, now_ms) do
      {:ok, %__MODULE__{row: row, scope: scope, args: args, deadline: deadline}}
    end
  end

  def read(_other, _now_ms), do: {:error, :not_a_service_operation}

  defp spoken(version) do
    if Versions.in?(Versions.own(), version),
      do: :ok,
      else: {:error, no_common_version(version)}
  end

  defp no_common_version(version) do
    theirs = if is_integer(version), do: {version, version}
    Error.new(:no_common_version, node: node(), ours: theirs, theirs: Versions.own())
  end

  defp named(scope) when is_atom(scope), do: :ok
  defp named(_other), do: {:error, :not_a_service_operation}

  # However patient they are there, nobody works for longer here.
  defp until(deadline, now_ms) when is_integer(deadline),
    do: {:ok, min(deadline, now_ms + @longest_ms)}

  defp until(_other, _now_ms), do: {:error, :not_a_service_operation}

  @doc """
  Whether it may be done here, by what the scope says that it names. This VM may put every question to
  itself; what stops or evaluates has to be allowed to it, too. A node that was put out of the cluster
  gets nothing.
  """
  @spec granted(t, :here | node) :: :ok | {:error, Error.t()}
  def granted(%{row: %{needs: :query}}, :here), do: :ok

  def granted(%{row: row, scope: name}, from) do
    with {:ok, scope} <- Scope.fetch(name) do
      cond do
        from in Inbox.out(scope.inbox) -> {:error, Error.new(:put_out, node: node(), from: from)}
        row.needs in grants(scope.options, from) -> :ok
        true -> {:error, Error.new(:not_allowed, what: row.needs, node: node())}
      end
    end
  end

  @doc "What a scope grants to this VM, or to others."
  @spec grants(keyword, :here | node) :: [atom]
  def grants(options, :here), do: options[:allow]
  def grants(options, _node), do: Operations.grants(options)
end
