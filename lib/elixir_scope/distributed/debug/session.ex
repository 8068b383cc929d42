defmodule ElixirScope.Distributed.Debug.Session do
  @moduledoc """
  The nodes of a debugging session: a *target*, which runs the code, and a *language node*, which knows it.

      {:ok, session} = Session.start(target: {:test, ["test/orders_test.exs"]}, hold: true)
      {:ok, _set} = Breakpoints.set({"lib/orders.ex", 12}, node: session.target)
      :ok = Session.run(session)
      :ok = Session.stop(session)

  The session belongs to the process that starts it, and ends with it; what it started ends with it, too,
  however that goes: a VM that was started ends when its pipe to this one is closed, which the
  operating system does, or when it has heard nothing for `lease_ms`. Nodes that ran before are joined,
  hidden, and left as they are.

  Nobody else gets in: each session has a cookie of its own, which no command line, environment, log or
  `inspect/1` shows, and its nodes listen at loopback alone. What the target grants for debugging it
  is told over that pipe, too.

  ## Messages

  The process `output:` (who started it) gets `{:elixir_scope_session, id, what}`, where `what` is

    * `{:output, :stdout | :stderr, bytes}` - what the target or the language node wrote, as it came;
    * `{:left_out, :stdout | :stderr, count}` - bytes that were not sent, as the process reads too slowly;
    * `{:up, node, :started | :joined}` - the node can be debugged;
    * `{:down, node, reason}` - it is not connected, or does not answer (`:silent`): it is tried again,
      ever more slowly, `{:back, node, reason}` tells when it is there again;
    * `{:exited, node, status}` - a VM that was started has ended; nothing more comes of it.

  ## Options

  #{ElixirScope.Distributed.Options.docs(:session)}
  """

  alias ElixirScope.Distributed.CLI.{Cookie, Failure}
  alias ElixirScope.Distributed.Debug.Session.{Named, Names, Plan, Server}
  alias ElixirScope.Distributed.{Error, Options}

  @enforce_keys [:id, :language, :target, :cookie, :project_dir]
  defstruct [:id, :language, :target, :cookie, :project_dir]

  @typedoc "The cookie is a function, so that nothing prints it by chance: see `cookie/1`."
  @type t :: %__MODULE__{
          id: pid,
          language: node | nil,
          target: node | nil,
          cookie: (... -> String.t()),
          project_dir: Path.t()
        }

  @doc """
  Starts a session, and returns when its nodes can be debugged.

  The errors' reasons are `:bad_options`, `:bad_session`, `:bad_node_name`, `:bad_cookie`, `:no_name` (this VM
  cannot take one), `:not_started`, `:exited` (before it could be debugged: what it wrote says why),
  `:unreachable` and `:not_in_time`.

      {:ok, session} = Session.start(target: :plain, language: :none, project_dir: "/src/shop")
  """
  @spec start(keyword | map) :: {:ok, t} | {:error, Error.t()}
  def start(options \\ []) do
    with {:ok, options} <- read(options),
         {:ok, roles} <- Plan.roles(options),
         {:ok, domain} <- named(),
         {:ok, given} <- given(roles, [{:domain, domain} | options]) do
      started(Server.start(given), given, options)
    end
  after
    Named.release(self())
  end

  defp read(options) do
    with {:error, message} <- Options.validate(:session, options),
         do: {:error, Error.new(:bad_options, message: message)}
  end

  # Held by the caller until the session holds it itself.
  defp named do
    with {:error, message} <- Named.hold(self()),
         do: {:error, Error.new(:no_name, message: message)}
  end

  defp given(roles, options) do
    own = for {role, :start} <- roles, do: role

    with {:ok, {address, host}} <- Plan.place(options[:interface], options[:domain]),
         {:ok, names} <- Names.make(options[:name], own, values(options), host),
         {:ok, nodes} <- nodes(roles, names),
         {:ok, cookie} <- cookie(roles, options),
         {:ok, commands} <- commands(own, options) do
      own_cookie = Names.cookie()
      all = [address: address, own_cookie: own_cookie, cookies: cookies(roles, cookie)] ++ options

      {:ok,
       %{
         roles: roles,
         nodes: nodes,
         commands: commands,
         orders: Map.new(own, &{&1, fn -> Plan.orders(&1, names[&1], all) end}),
         own_cookie: fn -> own_cookie end,
         cookie: cookie,
         output: options[:output] || self(),
         settings: Map.new(Keyword.take(options, [:boot_ms, :stop_ms, :lease_ms, :hold]))
       }}
    end
  end

  defp values(options) do
    project = options[:project_dir] |> Path.expand() |> Names.project()
    %{id: Names.unique(), pid: System.pid(), project: project}
  end

  defp nodes(roles, names) do
    Enum.reduce_while(roles, {:ok, %{}}, fn {role, how}, {:ok, nodes} ->
      case node_of(how, names[role]) do
        {:ok, node} -> {:cont, {:ok, Map.put(nodes, role, node)}}
        error -> {:halt, error}
      end
    end)
  end

  defp node_of(:start, name), do: Names.to_node(name)
  defp node_of({:join, node}, _name), do: {:ok, node}

  # Only who joins somebody needs one.
  defp cookie(roles, options) do
    cond do
      Enum.all?(roles, &match?({_role, :start}, &1)) ->
        {:ok, nil}

      given = options[:cookie] ->
        with {:ok, _atom} <- Names.secret(given), do: {:ok, fn -> given end}

      true ->
        found(Cookie.find(false))
    end
  end

  defp found({:ok, {:given, cookie}}), do: {:ok, fn -> cookie end}
  defp found({:ok, :file}), do: {:ok, :file}

  defp found({:error, %Failure{message: message}}),
    do: {:error, Error.new(:bad_cookie, message: message)}

  # What the target needs to ask a language node that has another cookie.
  defp cookies(%{language: {:join, node}}, cookie) when is_function(cookie),
    do: [{Atom.to_string(node), cookie.()}]

  defp cookies(_roles, _cookie), do: []

  defp commands(own, options) do
    Enum.reduce_while(own, {:ok, %{}}, fn role, {:ok, commands} ->
      case Plan.command(role, options) do
        {:ok, command} -> {:cont, {:ok, Map.put(commands, role, command)}}
        error -> {:halt, error}
      end
    end)
  end

  defp started({:ok, id}, given, options) do
    {:ok,
     %__MODULE__{
       id: id,
       language: given.nodes[:language],
       target: given.nodes[:target],
       cookie: given.own_cookie,
       project_dir: Path.expand(options[:project_dir])
     }}
  end

  defp started({:error, {what, role, why}}, given, _options) do
    node = given.nodes[role]
    {:error, Error.new(what, role: role, node: node, why: why, message: message(what, node, why))}
  end

  defp message(:exited, node, status),
    do: "#{node} ended with status #{status} before it could be debugged: what it wrote says why"

  defp message(:not_in_time, node, ms),
    do: "#{node} could not be debugged within #{ms} ms (boot_ms:)"

  defp message(:unreachable, _node, why) when is_binary(why), do: why
  defp message(:unreachable, node, _why), do: "#{node} cannot be reached"
  defp message(:not_started, node, why) when is_binary(why), do: "#{node} was not started: #{why}"
  defp message(:not_started, node, why), do: "#{node} was not started: #{inspect(why)}"
  defp message(:stopped, _node, _why), do: "the session was stopped before its nodes were there"

  @doc "Lets a session go that was started with `hold: true`: what is to be debugged begins now."
  @spec run(pid | t) :: :ok | {:error, Error.t()}
  def run(session), do: call(session, :run)

  @doc """
  Ends a session: returns when all that it started has ended, by itself within `stop_ms`, else by the
  system. Ending it twice is no mistake.
  """
  @spec stop(pid | t) :: :ok
  def stop(session) do
    _gone = call(session, :stop)
    :ok
  end

  @doc """
  How a session stands: its phase, and of each node its role, name, state, the operating system's pid, why it is
  lost, and with which status it ended.

      {:ok, %{phase: :running, nodes: [%{role: :target, state: :running} | _]}} = Session.status(session)
  """
  @spec status(pid | t) :: {:ok, map} | {:error, Error.t()}
  def status(session) do
    with %{} = status <- call(session, :status), do: {:ok, status}
  end

  @doc "The cookie of the nodes that the session started, for who wants to join them by hand."
  @spec cookie(t) :: String.t()
  def cookie(%__MODULE__{cookie: cookie}), do: cookie.()

  defp call(%__MODULE__{id: id}, request), do: call(id, request)

  defp call(id, request) when is_pid(id) do
    with :error <- GenServer.call(id, request, :infinity),
         do: {:error, Error.new(:not_ready, message: "the session's nodes are not there yet")}
  catch
    :exit, _gone -> {:error, Error.new(:no_session, message: "this session has ended")}
  end
end

defimpl Inspect, for: ElixirScope.Distributed.Debug.Session do
  def inspect(session, _options) do
    nodes = for node <- [session.target, session.language], node, do: " #{node}"
    "#Session<#{inspect(session.id)}#{nodes}>"
  end
end
