defmodule ElixirScope.Distributed.Case.Teller do
  @moduledoc false
  # Tells what led to the failure of a test, while its nodes are still there: at once where the test
  # raises, and where it is killed or takes too long, as it ends. It is started behind the nodes, and so
  # it is ended before them.

  use GenServer, restart: :temporary, shutdown: 30_000

  alias ElixirScope.Distributed.Case.{Capture, Story}

  @state __MODULE__

  # In the test's process

  @doc "What a test's nodes record from now on, and who tells of it."
  @spec follow([node], Capture.wanted()) :: :ok
  def follow(_nodes, nil), do: :ok

  def follow(nodes, wanted) do
    Enum.each(nodes, &Capture.begin(&1, wanted))
    state = state()
    all = Enum.reduce(nodes, state.wanted, &Map.put(&2, &1, wanted))
    Process.put(@state, %{state | wanted: all, teller: teller(state)})
    tell_teller({:nodes, nodes})
  end

  @doc "A node that was started again goes on recording."
  @spec again(node) :: :ok
  def again(node), do: Capture.begin(node, state().wanted[node])

  @doc "The nodes of this test that record."
  @spec nodes() :: [node]
  def nodes, do: Map.keys(state().wanted)

  @doc "What the failure is about, if the test fails now."
  @spec about([tuple]) :: :ok
  def about(ids) do
    Process.put(@state, %{state() | about: ids})
    :ok
  end

  @doc "The test begins; from here on it has to say that it passed."
  @spec began(map) :: :ok
  def began(%{test: test}) do
    title = test |> Atom.to_string() |> String.replace_prefix("test ", "")
    Process.put(@state, %{state() | title: title})
    tell_teller({:began, title})
  end

  @doc "The test passed: there is nothing to tell."
  @spec passed() :: :ok
  def passed, do: tell_teller(:passed)

  @doc "The test failed: what led to it is told."
  @spec failed() :: :ok
  def failed, do: tell_teller({:failed, state().about})

  defp state, do: Process.get(@state, %{wanted: %{}, teller: nil, title: nil, about: []})

  defp teller(%{teller: nil, title: title}) do
    {:ok, teller} = ExUnit.Callbacks.start_supervised({__MODULE__, title})
    teller
  end

  defp teller(%{teller: teller}), do: teller

  defp tell_teller(message) do
    case state() do
      %{teller: nil} -> :ok
      %{teller: teller} -> GenServer.call(teller, message, :infinity)
    end
  end

  # The process

  @doc false
  def start_link(title), do: GenServer.start_link(__MODULE__, title)

  @impl true
  def init(title) do
    Process.flag(:trap_exit, true)
    {:ok, %{title: title, nodes: []}}
  end

  @impl true
  def handle_call({:began, title}, _from, state), do: {:reply, :ok, %{state | title: title}}
  def handle_call(:passed, _from, state), do: {:reply, :ok, %{state | title: nil}}

  def handle_call({:nodes, nodes}, _from, state),
    do: {:reply, :ok, %{state | nodes: Enum.uniq(state.nodes ++ nodes)}}

  def handle_call({:failed, about}, _from, state) do
    tell(state, about)
    {:reply, :ok, %{state | title: nil}}
  end

  @impl true
  def terminate(_reason, state), do: tell(state, [])

  defp tell(%{title: nil}, _about), do: :ok

  defp tell(%{title: title, nodes: nodes}, about) do
    lines = Story.lines(nodes, about, color: IO.ANSI.enabled?())

    IO.puts([
      "\nWhat led to the failure of \"",
      title,
      "\":\n\n",
      Enum.intersperse(lines, ?\n),
      ?\n
    ])
  rescue
    # It must not take the place of the failure itself.
    error -> IO.puts("\nWhat led to the failure cannot be told: #{Exception.message(error)}\n")
  end
end
