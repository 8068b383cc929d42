defmodule ElixirScope.Distributed.Debug.Session.Joining do
  @moduledoc false
  # What a session's workers do, as it may take long: connect to a node, and ask whether it is there.

  alias ElixirScope.Distributed.CLI.Join
  alias ElixirScope.Distributed.Debug.Session.Distribution

  # A node that was started has our cookie; why one that runs cannot be joined is a message for people.
  @doc "Connects to a session's node: what came of it."
  @spec join(map, :target | :language) :: :connected | :unreachable | {:failed, String.t()}
  def join(given, role) do
    case given.roles[role] do
      :start -> connect(given.nodes[role], given.own_cookie.())
      {:join, node} -> ask(node, shown(given.cookie))
    end
  rescue
    # A crash would be logged with the arguments of what crashed: a cookie may be one.
    error -> {:failed, Exception.message(error)}
  end

  defp connect(node, cookie) do
    Distribution.show(node, cookie)
    if Distribution.connect(node), do: :connected, else: :unreachable
  end

  defp ask(node, cookie) do
    case Join.first([Atom.to_string(node)], cookie, false) do
      {:ok, _there} -> :connected
      {:error, failure} -> {:failed, failure.message}
    end
  end

  defp shown(:file), do: :file
  defp shown(cookie), do: {:given, cookie.()}

  @doc "Whether a node is there."
  @spec look(node) :: :here | :late
  def look(node), do: if(Distribution.answers?(node), do: :here, else: :late)
end
