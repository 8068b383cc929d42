defmodule ElixirScope.Distributed.Capture.Sources.Handlers do
  @moduledoc false
  # Attaches the handlers of one source while it lives. The handlers themselves run in the
  # processes that log or execute, never here.

  use GenServer

  require Logger

  alias ElixirScope.Distributed.Capture.Sources.{Log, Telemetry}

  @modules %{logger: Log, telemetry: Telemetry}

  # `:telemetry` may start after this application, which does not depend on it.
  @first_retry_ms 50
  @last_retry_ms 30_000

  @doc false
  def start_link({source, options}), do: GenServer.start_link(__MODULE__, {source, options})

  @impl true
  def init({source, options}) do
    Process.flag(:trap_exit, true)
    state = {Map.fetch!(@modules, source), options}
    attach(state, @first_retry_ms)
    {:ok, state}
  end

  @impl true
  def handle_info({:attach, retry_ms}, state) do
    attach(state, min(2 * retry_ms, @last_retry_ms))
    {:noreply, state}
  end

  def handle_info(_other, state), do: {:noreply, state}

  @impl true
  def terminate(_reason, {module, _options}), do: module.detach()

  defp attach({module, options}, retry_ms) do
    case module.attach(options) do
      :ok -> :ok
      {:error, :not_yet} -> Process.send_after(self(), {:attach, retry_ms}, retry_ms)
      {:error, reason} -> Logger.warning(module.failed(reason), domain: [:elixir_scope])
    end
  end
end
