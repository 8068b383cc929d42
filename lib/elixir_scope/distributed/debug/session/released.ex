defmodule ElixirScope.Distributed.Debug.Session.Released do
  @moduledoc false
  # A release as the target of a session. Its script starts it with nothing but its code and its
  # configuration (its own `start_clean`); so the grant is there before the first scope, and breakpoints
  # before the first line. Then the applications of its `start` script begin, in its order and as it says.

  alias ElixirScope.Distributed.Debug.Session.Guest

  @doc "Runs it; the VM goes on as the release's command says."
  @spec run(map) :: :ok
  def run(%{start: start?}) do
    {:ok, _started} = Application.ensure_all_started(:elixir)
    Guest.serve()
    Guest.ready()
    Guest.await(:run)
    if start?, do: begin(), else: :ok
  end

  @doc "Its applications begin."
  @spec begin() :: :ok
  def begin, do: Enum.each(applications(), &begin/1)

  defp applications do
    {:ok, [{:script, _name, instructions}]} = :file.consult(script())

    for {:apply, {:application, :start_boot, arguments}} <- instructions,
        do: arguments
  end

  defp script do
    [root, version] = Enum.map(["RELEASE_ROOT", "RELEASE_VSN"], &System.fetch_env!/1)
    Path.join([root, "releases", version, "start.script"])
  end

  # As the VM itself does it: what is permanent takes the VM along.
  defp begin([application]), do: begin([application, :permanent])
  defp begin([application, type]), do: :ok = ok(:application.start(application, type))

  defp ok({:error, {:already_started, _application}}), do: :ok
  defp ok(other), do: other
end
