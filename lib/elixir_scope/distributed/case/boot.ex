defmodule ElixirScope.Distributed.Case.Boot do
  @moduledoc false
  # How a test node is started: the arguments of its virtual machine, its control
  # connection, its configuration and its applications. Everything that decides how
  # real a test node is stands on this page.

  alias ElixirScope.Distributed.Case.{Epmd, Gate, Run}

  # Without these, `global` of OTP 25 and later takes down more connections than a
  # partition cuts, and nodes join each other behind the test's back.
  @only_what_is_asked ~w(-connect_all false -kernel prevent_overlapping_partitions false)

  # Many nodes share few cores: schedulers that spin would take time from the others.
  @no_spinning ~w(+sbwt none +sbwtdcpu none +sbwtdio none)

  @defaults [
    apps: [:elixir_scope_distributed],
    args: [],
    boot_ms: 30_000,
    code_paths: nil,
    config: [],
    connect: true,
    cookie: nil,
    env: [],
    exec: nil,
    host: "127.0.0.1",
    log: :error,
    net_ticktime: nil,
    unique: true
  ]

  @type settings :: map

  @doc "Checks the options of `start_nodes/2` and fills in their defaults."
  @spec settings(keyword) :: settings
  def settings(options), do: options |> Keyword.validate!(@defaults) |> Map.new()

  @doc "Starts the virtual machine `node`, linked to the caller, without its applications."
  @spec start(node, settings) :: {:ok, control :: pid} | {:error, term}
  def start(node, settings) do
    case :peer.start_link(peer(node, settings)) do
      {:ok, control, _node} -> {:ok, control}
      {:error, reason} -> {:error, reason}
    end
  catch
    :exit, reason -> {:error, reason}
  end

  @doc "Configures the node behind `control` and starts what it is to run."
  @spec prepare(pid, settings) :: :ok | {:error, term}
  def prepare(control, settings) do
    configure(control, inherited(settings.apps))
    configure(control, logger: [level: settings.log])
    configure(control, settings.config)
    start_applications(control, [:elixir, :logger | settings.apps])
  end

  defp peer(node, settings) do
    %{
      name: node |> Atom.to_string() |> String.split("@") |> hd() |> to_charlist(),
      host: to_charlist(settings.host),
      longnames: true,
      connection: :standard_io,
      wait_boot: settings.boot_ms,
      args: Enum.map(arguments(settings), &to_charlist/1),
      env: Enum.map([{"ERL_EPMD_PORT", Epmd.port()} | settings.env], &charlists/1)
    }
    |> executable(settings.exec)
  end

  defp arguments(settings) do
    @only_what_is_asked ++
      @no_spinning ++
      ["-kernel", "logger_level", "#{settings.log}", "-epmd_module", "#{Gate}"] ++
      ["-setcookie", "#{settings.cookie || Run.cookie()}"] ++
      ticking(settings.net_ticktime) ++
      settings.args ++
      ["-pa" | settings.code_paths || code_paths()]
  end

  defp ticking(nil), do: []
  defp ticking(seconds), do: ["-kernel", "net_ticktime", "#{seconds}"]

  # Erlang's own folders are the other machine's own business: it may be of another version.
  defp code_paths do
    root = to_string(:code.lib_dir())
    :code.get_path() |> Enum.map(&Path.expand/1) |> Enum.reject(&String.starts_with?(&1, root))
  end

  defp charlists({name, value}), do: {to_charlist(name), to_charlist(value)}

  defp executable(peer, nil), do: peer

  defp executable(peer, {path, args}),
    do: Map.put(peer, :exec, {to_charlist(path), charlist_each(args)})

  defp executable(peer, path), do: Map.put(peer, :exec, to_charlist(path))

  defp charlist_each(strings), do: Enum.map(strings, &to_charlist/1)

  # What the test run is configured with (config/test.exs) holds on its nodes too.
  defp inherited(apps), do: for(app <- apps, do: {app, Application.get_all_env(app)})

  # Persistent: loading the application must not put its own defaults over ours.
  defp configure(control, config) do
    :peer.call(control, :application, :set_env, [config, [persistent: true]])
  end

  defp start_applications(control, apps) do
    Enum.find_value(apps, :ok, fn app ->
      case :peer.call(control, :application, :ensure_all_started, [app], :infinity) do
        {:ok, _started} -> nil
        {:error, reason} -> {:error, {:application, app, reason}}
      end
    end)
  end
end
