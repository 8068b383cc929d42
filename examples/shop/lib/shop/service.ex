defmodule Shop.Service do
  @moduledoc """
  A service of the shop: a process that others call by module, on whatever node it runs.

  Every call is recorded on both sides under the request's id. The clock's stamp rides
  along in both directions, so that what a request caused is never stamped before it.
  """

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.GlobalClock

  @callback handle(request :: map) :: term

  defmacro __using__(_options) do
    quote do
      @behaviour Shop.Service
      use GenServer

      def start_link(_options), do: GenServer.start_link(__MODULE__, [], name: __MODULE__)

      @impl GenServer
      def init(state), do: {:ok, state}

      @impl GenServer
      def handle_call({request, at}, _from, state),
        do: {:reply, Shop.Service.serve(__MODULE__, request, at), state}
    end
  end

  @doc "Calls a service; what fails there fails here."
  def call(service, request) do
    record(:calls, request, %{service: service})
    {reply, at} = GenServer.call({service, node_of(service)}, {request, GlobalClock.now()})
    GlobalClock.update(at)
    returned(reply, service, request)
  end

  @doc false
  def serve(service, request, at) do
    GlobalClock.update(at)
    record(:serves, request, %{service: service, item: request.item})
    {attempt(service, request), GlobalClock.now()}
  end

  defp attempt(service, request) do
    result = service.handle(request)
    record(:done, request, %{service: service, result: result})
    {:ok, result}
  rescue
    error ->
      record(:exception, request, %{service: service, error: Exception.message(error)})
      {:error, Exception.message(error)}
  end

  defp returned({:ok, result}, service, request) do
    record(:gets, request, %{service: service, result: result})
    result
  end

  defp returned({:error, message}, service, request) do
    record(:fails, request, %{service: service, error: message})
    raise "#{inspect(service)} failed: #{message}"
  end

  defp record(what, request, data), do: Scope.record(what, data, correlation_id: request.id)

  defp node_of(service), do: Application.fetch_env!(:shop, :nodes)[service]
end
