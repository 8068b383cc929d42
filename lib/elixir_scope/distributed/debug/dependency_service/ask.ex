defmodule ElixirScope.Distributed.Debug.DependencyService.Ask do
  @moduledoc false
  # Who answers a question: this node where it knows the code, another one, what that one said
  # before, or this one after all. In the process that asks.

  alias ElixirScope.Distributed.{Error, Options}
  alias ElixirScope.Distributed.Debug.DependencyService.{Asking, Result, Served}
  alias ElixirScope.Distributed.Debug.Services
  alias ElixirScope.Distributed.Debug.TracerStream.Snapshot

  # With these another node did not answer; any other error is its answer.
  @unreached [:too_late, :circuit_open, :service_not_found, :desk_busy, :no_common_version]
  @of_call [:scope, :node, :timeout_ms, :service]

  @type answer :: {:ok, Result.t()} | {:error, Error.t() | atom | tuple}

  @doc "Asks; `entry` has the schema of the options."
  @spec run(atom, atom, (keyword -> [term]), keyword) :: answer
  def run(entry, operation, arguments, options) do
    with {:ok, options} <- checked(entry, options),
         do:
           asked(
             operation,
             options |> Keyword.drop(@of_call) |> Enum.sort() |> arguments.(),
             options
           )
  end

  @doc "The whole graph of a node."
  @spec graph(node) :: {:ok, Snapshot.t()} | {:error, term}
  def graph(node) do
    with {:ok, snapshot, _about} <-
           Services.call(:tracer_data_access, :get_trace, [], node: node),
         do: {:ok, snapshot}
  end

  defp checked(entry, options) do
    with {:ok, given} <- named(Options.validate(entry, options)) do
      # What was given goes before what the service was started with.
      service = Asking.defaults(given[:service])

      {:ok,
       given |> Keyword.merge(service) |> Keyword.merge(options) |> Keyword.put_new(:node, nil)}
    end
  end

  defp named({:ok, options}), do: {:ok, options}
  defp named({:error, message}), do: {:error, Error.new(:bad_options, message: message)}

  defp asked(operation, arguments, options) do
    if here?(options),
      do: here(operation, arguments),
      else: elsewhere(operation, arguments, options)
  end

  defp here?(options) do
    case options[:node] do
      nil ->
        offered?({:dependency_analysis, node()}, options) or
          not offered?(:dependency_analysis, options)

      node ->
        node == node()
    end
  end

  defp offered?(service, options),
    do: match?({:ok, _pid}, Services.find_service(service, scope: options[:scope]))

  defp here(operation, arguments) do
    with {:ok, result} <- apply(Served, operation, arguments),
         do: {:ok, %{result | source: :local}}
  end

  defp elsewhere(operation, arguments, options) do
    call = Keyword.take(options, [:scope, :node, :timeout_ms]) ++ [fallback: false]

    case Services.call(:dependency_analysis, operation, arguments, call) do
      {:ok, result, _about} -> kept({operation, arguments}, %{result | source: :service}, options)
      {:error, reason} -> otherwise(reason, operation, arguments, options)
    end
  end

  defp kept(key, result, options) do
    if options[:node] == Asking.defaults(options[:service])[:node],
      do: Asking.put(options[:service], key, result)

    {:ok, result}
  end

  defp otherwise(reason, operation, arguments, options) do
    if unreached?(reason),
      do: instead(reason, operation, arguments, options),
      else: {:error, reason}
  end

  defp unreached?({:connection_failed, _node}), do: true
  defp unreached?(%Error{reason: reason}), do: reason in @unreached
  defp unreached?(_answer), do: false

  defp instead(reason, operation, arguments, options) do
    with nil <- Asking.get(options[:service], {operation, arguments}),
         {:error, _not_here_either} <- here(operation, arguments) do
      {:error, reason}
    else
      %Result{} = kept -> {:ok, %{kept | source: :cache}}
      {:ok, result} -> {:ok, result}
    end
  end
end
