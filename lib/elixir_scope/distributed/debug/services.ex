defmodule ElixirScope.Distributed.Debug.Services do
  @moduledoc """
  What nodes do for one another when somebody debugs: seven services, each a few operations of one
  closed table (`ElixirScope.Distributed.Debug.Operations`).

      :ok = Services.register_language_server_services()

      {:ok, dependencies, %{node: node, source: :service}} =
        Services.call(:dependency_analysis, :direct, [MyApp.Cart])

  The *language side* knows the code: `:dependency_analysis`, `:tracer_data_access`,
  `:module_information`, `:workspace_analysis`. The *target side* runs it: `:interpretation_management`,
  `:breakpoint_coordination`, `:process_monitoring`; these a node offers by itself where a scope allows
  `:debug`. Any node may be both, and both ask one another.
  """

  alias ElixirScope.Distributed.{Error, Options, Scope}
  alias ElixirScope.Distributed.Debug.{Desk, Operations}
  alias ElixirScope.Distributed.Debug.Services.Ask

  @type service :: atom
  @type about :: %{
          node: node,
          source: :service | :fallback,
          version: pos_integer,
          attempts: non_neg_integer
        }
  @type failure :: Error.t() | atom | tuple

  @doc """
  This node knows code, and answers what is asked about it, as long as the scope runs.

  Options: 

  #{Options.docs(:debug_register)}

      :ok = Services.register_language_server_services(scope: :shop)
  """
  @spec register_language_server_services(keyword) :: :ok | {:error, Error.t()}
  def register_language_server_services(options \\ []), do: register(:language, options)

  @doc """
  This node's code can be stopped. The scope has to allow `:debug`, and then need not be told.

      :ok = Services.register_debug_adapter_services(scope: :shop)
  """
  @spec register_debug_adapter_services(keyword) :: :ok | {:error, Error.t()}
  def register_debug_adapter_services(options \\ []), do: register(:target, options)

  defp register(side, options) do
    name = Options.validate!(:debug_register, options)[:scope]

    with {:ok, scope} <- Scope.fetch(name),
         :ok <- allowed(side, scope),
         do: Desk.register(name, side)
  catch
    :exit, _not_there -> {:error, Error.new(:disabled)}
  end

  defp allowed(:language, _scope), do: :ok

  defp allowed(:target, scope) do
    if :debug in scope.options[:allow],
      do: :ok,
      else: {:error, Error.new(:not_allowed, what: :debug, node: node())}
  end

  @doc """
  The process that answers for a service, of this node first.

      {:ok, pid} = Services.find_service(:workspace_analysis)
      {:error, :service_not_found} = Services.find_service({:process_monitoring, :"web@10.0.0.1"})
  """
  @spec find_service(service | {service, node}, keyword) ::
          {:ok, pid} | {:error, :service_not_found}
  def find_service(service, options \\ [])

  def find_service({service, node}, options),
    do: found(for {^node, pid} <- offered(service, options), do: pid)

  def find_service(service, options),
    do: found(for {_node, pid} <- offered(service, options), do: pid)

  defp offered(service, options),
    do: Ask.offered(Options.validate!(:debug_find, options)[:scope], service)

  defp found([pid | _others]), do: {:ok, pid}
  defp found([]), do: {:error, :service_not_found}

  @doc """
  Asks a service, and says who answered.

  Options:

  #{Options.docs(:debug_call)}

      {:ok, modules, %{source: :fallback}} =
        Services.call(:module_information, :modules_of, ["lib/cart.ex"])

      {:error, {:connection_failed, :"gone@10.0.0.1"}} =
        Services.call(:process_monitoring, :stopped, [], node: :"gone@10.0.0.1")
  """
  @spec call(service, atom, [term], keyword) :: {:ok, term, about} | {:error, failure}
  def call(service, operation, arguments, options \\ []) do
    options = Options.validate!(:debug_call, options)

    with {:ok, row} <- Operations.check(service, operation, arguments),
         do: Ask.run(row, arguments, options)
  end

  @doc false
  # In the tree of a scope, after all else: what it allows is offered as soon as it runs.
  @spec children(keyword) :: [Supervisor.child_spec()]
  def children(options) do
    if :debug in options[:allow] do
      offer = fn -> register_debug_adapter_services(scope: options[:name]) end
      [Supervisor.child_spec({Task, offer}, id: __MODULE__, restart: :temporary)]
    else
      []
    end
  end
end
