defmodule ElixirScope.Distributed.Debug.Adapter.Launch do
  @moduledoc """
  The launch configuration of the debug adapter: what an editor sends with `launch` and `attach`.

      iex> alias ElixirScope.Distributed.Debug.Adapter.Launch
      iex> {:ok, launch, []} = Launch.parse(%{"task" => "test", "taskArgs" => ["--trace"]})
      iex> Launch.target(launch)
      {:test, ["--trace"]}
      iex> {:ok, _launch, [notice]} = Launch.parse(%{"taskargs" => []})
      iex> notice
      "`taskargs` is no key of a launch configuration and has no effect, did you mean `taskArgs`?"
      iex> Launch.parse(%{"distributedDebugging" => %{"rpcTimeout" => "5s"}})
      {:error, "distributedDebugging.rpcTimeout: expected a whole number from 1 to 600000, got: \\"5s\\""}

  A key that is unknown is named and has no effect; a value of the wrong type is an error that says where
  it stands; `null` is as if the key were not there. Keys that editors use for themselves (`name`,
  `preLaunchTask` and the like) are taken without a word.

  #{ElixirScope.Distributed.Debug.Adapter.Launch.Schema.docs()}
  """

  alias ElixirScope.Distributed.Debug.Adapter.Launch.{Check, Schema, Sense, Type}
  alias ElixirScope.Distributed.Options

  @derive {Inspect, except: [:cookie, :env]}
  @enforce_keys [:request]
  defstruct [
    :request,
    :type,
    :task,
    :task_args,
    :release,
    :project_dir,
    :env,
    :mix_env,
    :boot_ms,
    :node,
    :cluster,
    :cookie,
    :language_node,
    :scope,
    :lease_ms,
    :no_debug,
    :interpret_all,
    :patterns,
    :mode,
    :enabled,
    :naming,
    :rpc_timeout_ms,
    :streaming,
    :cache_size,
    :ask_editor
  ]

  @typedoc """
  What the keys mean. `cookie` says where it is, not what it is, unless the user wants it to stand in
  the file; neither it nor `env` is shown by `inspect/1`.
  """
  @type t :: %__MODULE__{
          request: :launch | :attach,
          type: String.t(),
          task: String.t(),
          task_args: [String.t()],
          release: String.t() | nil,
          project_dir: String.t(),
          env: %{String.t() => String.t() | nil},
          mix_env: String.t() | nil,
          boot_ms: pos_integer,
          node: node | nil,
          cluster: boolean,
          cookie: :found | {:env, String.t()} | {:file, String.t()} | {:clear, String.t()},
          language_node: :start | :none | node,
          scope: atom,
          lease_ms: pos_integer,
          no_debug: boolean,
          interpret_all: boolean,
          patterns: [String.t()],
          mode: :beam_rpc | :extension | :auto,
          enabled: boolean,
          naming: String.t() | nil,
          rpc_timeout_ms: pos_integer,
          streaming: boolean,
          cache_size: pos_integer,
          ask_editor: boolean
        }

  @modes %{"beam-rpc" => :beam_rpc, "extension" => :extension, "auto" => :auto}

  @doc "The configuration that decoded JSON holds, with what is to be said about it."
  @spec parse(term) :: {:ok, t, notices :: [String.t()]} | {:error, String.t()}
  def parse(arguments) when is_map(arguments) do
    with {:ok, values, notices} <- Check.object(arguments, Schema.keys(), Schema.clients()),
         :ok <- Sense.agree(arguments, values) do
      {:ok, build(values), notices ++ Sense.remarks(arguments, values)}
    else
      {:error, {path, message}} -> {:error, "#{Type.path(path)}: #{message}"}
    end
  end

  def parse(_other), do: {:error, "a launch configuration is an object"}

  defp build(values) do
    %__MODULE__{
      request: if(values["request"] == "attach", do: :attach, else: :launch),
      type: values["type"],
      cookie: cookie_source(values),
      language_node: Sense.language(values),
      scope: values["scope"] || Options.default_scope(),
      mode: Map.fetch!(@modes, values["coordinationMode"])
    }
    |> Map.merge(program(values))
    |> Map.merge(debugging(values))
    |> Map.merge(across(values["distributedDebugging"]))
  end

  defp program(values) do
    %{
      task: values["task"],
      task_args: values["taskArgs"],
      release: values["release"],
      project_dir: values["projectDir"],
      env: values["env"],
      mix_env: values["mixEnv"],
      boot_ms: values["bootTimeout"]
    }
  end

  defp debugging(values) do
    %{
      node: values["node"],
      cluster: values["cluster"],
      lease_ms: values["leaseMs"],
      no_debug: values["noDebug"],
      interpret_all: values["debugAutoInterpretAllModules"],
      patterns: values["interpretationPatterns"]
    }
  end

  defp across(distributed) do
    %{
      enabled: distributed["enabled"],
      naming: if(distributed["nodeNaming"] != "auto", do: distributed["nodeNaming"]),
      rpc_timeout_ms: distributed["rpcTimeout"],
      streaming: distributed["enableTracerStreaming"],
      cache_size: distributed["dependencyCacheSize"],
      ask_editor: distributed["fallbackToExtensionCoordination"]
    }
  end

  defp cookie_source(%{"cookie" => text}) when is_binary(text), do: {:clear, text}
  defp cookie_source(%{"cookieEnv" => name}) when is_binary(name), do: {:env, name}
  defp cookie_source(%{"cookieFile" => path}) when is_binary(path), do: {:file, path}
  defp cookie_source(_values), do: :found

  @doc "What is debugged, as `Session.start/1` takes it."
  @spec target(t) ::
          {:mix, String.t(), [String.t()]}
          | {:test, [String.t()]}
          | {:release, String.t(), [String.t()]}
          | node
  def target(%__MODULE__{request: :attach, node: node}), do: node
  def target(%__MODULE__{release: nil, task: "test", task_args: args}), do: {:test, args}
  def target(%__MODULE__{release: nil, task: task, task_args: args}), do: {:mix, task, args}

  def target(%__MODULE__{release: path, task_args: []} = launch),
    do: {:release, folder(launch, path), ["start"]}

  def target(%__MODULE__{release: path, task_args: args} = launch),
    do: {:release, folder(launch, path), args}

  defp folder(launch, path), do: Path.expand(path, Path.expand(launch.project_dir))

  @doc "The options of `Session.start/1`, with the cookie where one is needed and can be found."
  @spec session(t) :: {:ok, keyword} | {:error, String.t()}
  def session(%__MODULE__{} = launch) do
    with {:ok, cookie} <- cookie(launch),
         do: {:ok, Enum.reject(started(launch, cookie), &unset?/1)}
  end

  defp started(launch, cookie) do
    [
      project_dir: Path.expand(launch.project_dir),
      language: launch.language_node,
      target: target(launch),
      env: variables(launch.env),
      mix_env: launch.mix_env,
      name: launch.naming,
      cookie: cookie,
      boot_ms: launch.boot_ms,
      lease_ms: launch.lease_ms,
      scope: launch.scope
    ]
  end

  defp unset?({_key, value}), do: value == nil

  # As the system is told to take one away.
  defp variables(env), do: Map.new(env, fn {name, value} -> {name, value || false} end)

  # A session that is started has a cookie of its own; one that is joined, or a language node that others
  # share, has one already.
  defp cookie(launch) do
    if Sense.own_cookie?(launch.request, launch.language_node), do: {:ok, nil}, else: find(launch)
  end

  defp find(%{cookie: {:clear, text}}), do: {:ok, text}
  defp find(%{cookie: {:env, name}}), do: from_environment(name, System.get_env(name, ""))
  defp find(%{cookie: {:file, path}} = launch), do: from_file(folder(launch, path))

  # The session looks where every tool of ours does.
  defp find(%{cookie: :found}), do: {:ok, nil}

  defp from_environment(name, ""),
    do: {:error, "cookieEnv: there is no #{name} in the environment"}

  defp from_environment(_name, text), do: {:ok, text}

  defp from_file(path) do
    case File.read(path) do
      {:ok, text} -> {:ok, String.trim(text)}
      {:error, reason} -> {:error, "cookieFile: #{path}: #{:file.format_error(reason)}"}
    end
  end

  @doc "What is interpreted at the beginning: everything, or what these patterns name."
  @spec interpretation(t) :: :all | [module | tuple | String.t()]
  def interpretation(%__MODULE__{no_debug: true}), do: []
  def interpretation(%__MODULE__{interpret_all: true}), do: :all
  def interpretation(%__MODULE__{patterns: patterns}), do: Enum.map(patterns, &Type.written/1)

  @doc "The nodes on which breakpoints are set: `:all` that are connected, or the one."
  @spec nodes(t) :: :all | :one
  def nodes(%__MODULE__{cluster: cluster}), do: if(cluster, do: :all, else: :one)

  @doc "The options of the adapter's own cache of dependencies."
  @spec dependencies(t) :: keyword
  def dependencies(%__MODULE__{} = launch) do
    [
      cache_size: launch.cache_size,
      streaming: launch.streaming,
      timeout_ms: launch.rpc_timeout_ms
    ]
  end
end
