defmodule ElixirScope.Distributed.CLI.Signals do
  @moduledoc false
  # The operating system's signals, for the process that waits for a command to end. It takes the place of
  # Erlang's own handler, which would stop the VM first, and gives it back; what is not ours that one is
  # told as ever.

  @behaviour :gen_event

  @server :erl_signal_server
  @default :erl_signal_handler

  # What Ctrl-C is made to send, what asks to end, and what a closed terminal sends. Only the first and
  # the last have to be asked for.
  @ours [:sigquit, :sigterm, :sighup]
  @asked [:sigquit, :sighup]

  @doc "The calling process is sent `{:scope_signal, name}` from now on."
  @spec take() :: :ok
  def take do
    for signal <- @asked, do: :os.set_signal(signal, :handle)
    :gen_event.swap_handler(@server, {@default, []}, {__MODULE__, self()})
  end

  @doc "All is as before."
  @spec give_back() :: :ok
  def give_back do
    for signal <- @asked, do: :os.set_signal(signal, :default)
    :gen_event.swap_handler(@server, {__MODULE__, []}, {@default, []})
  end

  @impl true
  def init({caller, _default}) do
    {:ok, default} = @default.init([])
    {:ok, {caller, default}}
  end

  @impl true
  def handle_event(signal, {caller, _default} = state) when signal in @ours do
    send(caller, {:scope_signal, signal})
    {:ok, state}
  end

  def handle_event(signal, {caller, default}) do
    {:ok, default} = @default.handle_event(signal, default)
    {:ok, {caller, default}}
  end

  @impl true
  def handle_call(_request, state), do: {:ok, :ok, state}
end
