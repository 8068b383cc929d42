defmodule ElixirScope.Distributed.Debug.Session.Alone do
  @moduledoc false
  # A VM that somebody starts by hand, or an editor, with an environment that describes the node that it is to
  # be: `mix scope.node`, and `priv/bin/scope-node` for releases, which comes in here by Erlang's flag `-s`.

  alias ElixirScope.Distributed.CLI.Cookie
  alias ElixirScope.Distributed.Config
  alias ElixirScope.Distributed.Debug.Session.{Distribution, Guest, Names, Released, Surroundings}

  @cookie "ELIXIR_SCOPE_COOKIE"

  @flags "ELIXIR_SCOPE_ERL_AFLAGS"

  # As of a wrong command line, and of what was not done.
  @usage 2
  @failed 1

  @doc "A release; the arguments are those behind the flag."
  @spec start([atom]) :: :ok
  def start(flags) do
    restore(System.get_env(@flags, ""))

    case become(%{}) do
      :ok -> released(:allow_debug in flags)
      {:error, :usage, message} -> halt(message, @usage)
      {:error, :failed, message} -> halt(message, @failed)
    end
  end

  # The script has set it to come in here; programs that this VM starts do not.
  defp restore(""), do: System.delete_env("ERL_AFLAGS")
  defp restore(flags), do: System.put_env("ERL_AFLAGS", flags)

  defp released(debug?) do
    if debug?, do: Config.grant([:debug])
    {:ok, _started} = Application.ensure_all_started(:elixir)
    Guest.serve()
    Released.begin()
  end

  defp halt(message, status) do
    IO.puts(:stderr, message)
    System.halt(status)
  end

  @doc "This VM becomes what its environment and `options` say."
  @spec become(map) :: :ok | {:error, :usage | :failed, String.t()}
  def become(options) do
    read = Surroundings.read(System.get_env(), options, values())
    # Nobody else reads it, nor do programs that this VM starts.
    System.delete_env(@cookie)

    case read do
      {:ok, %{distributed: false}} -> :ok
      {:ok, node} -> named(node)
      {:error, message} -> {:error, :usage, message}
    end
  end

  defp values,
    do: %{id: Names.unique(), pid: System.pid(), project: Names.project(File.cwd!())}

  defp named(node) do
    with {:ok, cookie} <- cookie(node),
         orders = Map.merge(node, %{hidden: false, cookies: [], cookie: cookie}),
         :ok <- Distribution.start(orders) do
      known(node.language)
    else
      {:error, why} -> {:error, :failed, why}
    end
  end

  defp cookie(%{cookie: nil}) do
    case Cookie.find(false) do
      {:ok, {:given, cookie}} -> {:ok, cookie}
      {:ok, :file} -> {:ok, nil}
      {:error, failure} -> {:error, failure.message}
    end
  end

  defp cookie(%{cookie: cookie}), do: {:ok, cookie}

  defp known(nil), do: :ok

  # It may come later, and what it knows can be found out here as well.
  defp known(language) do
    Distribution.reach(language) ||
      IO.puts(
        :stderr,
        "#{language}, the language node, does not answer: this node asks itself what it needs to know"
      )

    :ok
  end
end
