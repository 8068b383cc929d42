defmodule ElixirScope.Distributed.Debug.Adapter.Coordination.Editor do
  @moduledoc false
  # The way to the editor and back: a question goes out as the event `elixirScope.dependencies`, and its
  # answer comes in as the request `elixirScope/dependencies`. Who asks waits here, so that neither the adapter
  # nor the editor does. A shell around `Asked`.

  use GenServer

  alias ElixirScope.Distributed.Debug.Adapter.Coordination.Asked
  alias ElixirScope.Distributed.Debug.Adapter.Launch.Type

  @event "elixirScope.dependencies"

  @doc "Starts it; `emit:` sends an event of a name and a body to the editor."
  @spec start_link(emit: (String.t(), map -> term)) :: GenServer.on_start()
  def start_link(options), do: GenServer.start_link(__MODULE__, Keyword.fetch!(options, :emit))

  @doc "Asks for the modules of a line and waits."
  @spec ask(pid, Path.t(), pos_integer, pos_integer) ::
          {:ok, [module | tuple | String.t()]} | {:error, term}
  def ask(editor, file, line, timeout_ms) do
    with {:ok, names} <- GenServer.call(editor, {:ask, file, line, timeout_ms}, :infinity),
         do: {:ok, Enum.map(names, &Type.written/1)}
  catch
    :exit, _reason -> {:error, :no_editor}
  end

  @doc "Gives it the editor's answer, the arguments of the request; an error is what to answer to that."
  @spec answer(pid, term) :: :ok | {:error, String.t()}
  def answer(editor, arguments), do: GenServer.call(editor, {:answer, arguments}, :infinity)

  @impl true
  def init(emit), do: {:ok, %{emit: emit, asked: %Asked{}}}

  @impl true
  def handle_call({:ask, file, line, timeout_ms}, from, state) do
    case Asked.put(state.asked, from, now() + timeout_ms) do
      {:ok, id, asked} -> {:noreply, emit(state, id, file, line, asked), wait(asked)}
      {:silent, id, asked} -> silent(emit(state, id, file, line, asked))
      {:error, reason} -> {:reply, {:error, reason}, state, wait(state.asked)}
    end
  end

  def handle_call({:answer, arguments}, _from, state) do
    case Asked.answer(state.asked, arguments) do
      {:ok, who, answer, asked} ->
        told(who, answer, %{state | asked: asked})

      {:error, message, asked} ->
        {:reply, {:error, message}, %{state | asked: asked}, wait(asked)}
    end
  end

  @impl true
  def handle_info(:timeout, state) do
    {over, asked} = Asked.expired(state.asked, now())
    Enum.each(over, &GenServer.reply(&1, {:error, :timeout}))
    {:noreply, %{state | asked: asked}, wait(asked)}
  end

  def handle_info(_other, state), do: {:noreply, state, wait(state.asked)}

  defp silent(state), do: {:reply, {:error, :editor_silent}, state, wait(state.asked)}

  defp told(who, answer, state) do
    GenServer.reply(who, answer)
    {:reply, :ok, state, wait(state.asked)}
  end

  defp emit(state, id, file, line, asked) do
    state.emit.(@event, %{id: id, file: file, line: line})
    %{state | asked: asked}
  end

  defp wait(asked) do
    case Asked.next_deadline(asked) do
      nil -> :infinity
      at -> max(at - now(), 0)
    end
  end

  defp now, do: System.monotonic_time(:millisecond)
end
