defmodule ElixirScope.Distributed.Debug.Session.Plan do
  @moduledoc false
  # From the options of a session to what is started for it: programs with their arguments, folders and
  # environments, and what each VM is told over its pipe. Nothing is started here. No shell reads any of it.

  alias ElixirScope.Distributed.Debug.Session.{Boot, Names}
  alias ElixirScope.Distributed.Error

  @loopback {127, 0, 0, 1}

  @doc "The nodes of a session: of each role how it comes to it, and under which name."
  @spec roles(keyword) ::
          {:ok, %{optional(:target | :language) => :start | {:join, node}}} | {:error, Error.t()}
  def roles(options) do
    with {:ok, target} <- role(options[:target], &target?/1, :target),
         {:ok, language} <- role(options[:language], &(&1 == :start), :language),
         roles when roles != %{} <- present(target: target, language: language) do
      {:ok, roles}
    else
      %{} -> wrong("target: :none and language: :none: there is nothing to start")
      error -> error
    end
  end

  defp present(roles), do: for({role, how} <- roles, how != :none, into: %{}, do: {role, how})

  defp role(:none, _start?, _role), do: {:ok, :none}

  defp role(what, start?, role) do
    cond do
      start?.(what) ->
        {:ok, :start}

      is_atom(what) and what != nil ->
        with {:ok, node} <- Names.to_node(what), do: {:ok, {:join, node}}

      true ->
        wrong("#{role}: #{inspect(what)} is none of those that the options name")
    end
  end

  defp target?(:plain), do: true
  defp target?({:mix, task, args}), do: is_binary(task) and strings?(args)
  defp target?({:test, args}), do: strings?(args)
  defp target?({:release, path, args}), do: is_binary(path) and strings?(args)
  defp target?(_other), do: false

  defp strings?(args), do: is_list(args) and Enum.all?(args, &is_binary/1)

  defp wrong(message), do: {:error, Error.new(:bad_session, message: message)}

  @doc "The address at which the nodes listen, and the host in their names."
  @spec place(:loopback | String.t(), :longnames | :shortnames) ::
          {:ok, {:inet.ip4_address(), String.t()}} | {:error, Error.t()}
  def place(:loopback, :longnames), do: {:ok, {@loopback, "127.0.0.1"}}
  def place(:loopback, :shortnames), do: {:ok, {@loopback, "localhost"}}

  def place(_other, :shortnames),
    do: wrong("this VM has a short name (--sname), and those reach loopback alone: use --name")

  def place(text, :longnames) do
    case :inet.parse_ipv4strict_address(to_charlist(text)) do
      {:ok, address} -> {:ok, {address, text}}
      {:error, _einval} -> wrong("interface: #{inspect(text)} is no IPv4 address of this machine")
    end
  end

  @doc "The program that a role is."
  @spec command(:target | :language, keyword) :: {:ok, map} | {:error, Error.t()}
  def command(role, options) do
    what = if role == :target, do: options[:target], else: :plain
    folder = Path.expand(options[:project_dir])

    with true <- File.dir?(folder) || wrong("project_dir: there is no folder #{folder}"),
         {:ok, program, args, env} <- program(what, folder, options) do
      env = given(options[:env], env, own(options))
      {:ok, %{program: program, args: args, folder: folder, env: env}}
    end
  end

  defp program({:release, path, args}, folder, _options) do
    with {:ok, script} <- script(Path.expand(path, folder)),
         do: {:ok, script, if(args == [], do: ["start"], else: args), released()}
  end

  defp program(what, _folder, options) do
    env =
      if env = options[:mix_env] || mix_env(options[:target]), do: %{"MIX_ENV" => env}, else: %{}

    case System.find_executable("mix") do
      nil -> wrong("there is no mix on the PATH")
      mix -> {:ok, mix, ["scope.node" | task(what)], env}
    end
  end

  defp task({:mix, task, args}), do: ["--", task | args]
  defp task({:test, args}), do: ["--", "test" | args]
  defp task(:plain), do: []

  # As Mix does where it is asked for these tasks itself.
  defp mix_env({:test, _args}), do: "test"

  defp mix_env({:mix, "test" <> rest, _args}) when rest == "" or binary_part(rest, 0, 1) == ".",
    do: "test"

  defp mix_env(_other), do: nil

  # A release's folder, or its script. It begins with its code and configuration alone (`Released`), and
  # loads what it does not contain: the library, where it is not a part of it.
  defp script(path) do
    found = if File.dir?(path), do: Path.wildcard(Path.join(path, "bin/*")), else: [path]

    case Enum.filter(found, &script?/1) do
      [script] -> {:ok, script}
      _none -> wrong("#{path} is no release, and no script of one (bin/NAME)")
    end
  end

  defp script?(path), do: File.regular?(path) and Path.extname(path) == ""

  defp released do
    %{
      "RELEASE_DISTRIBUTION" => "none",
      "RELEASE_BOOT_SCRIPT" => "start_clean",
      "RELEASE_BOOT_SCRIPT_CLEAN" => "start_clean",
      "RELEASE_MODE" => "interactive"
    }
  end

  # What is set for the VM alone, and is as it was for the programs that it starts: `restored/1`.
  defp own(_options) do
    flags = "-pa #{quoted(ebin())} -s #{Boot} start"
    %{"ERL_AFLAGS" => Enum.join([flags | List.wrap(System.get_env("ERL_AFLAGS"))], " ")}
  end

  defp given(env, of_program, own) do
    # A cookie in an environment is one that every child has.
    %{"ELIXIR_SCOPE_COOKIE" => false}
    |> Map.merge(of_program)
    |> Map.merge(env)
    |> Map.merge(own, fn _name, given, own -> "#{own} #{given}" end)
  end

  defp ebin, do: :code.which(__MODULE__) |> to_string() |> Path.dirname()

  # As Erlang reads its variables.
  defp quoted(path), do: "'" <> String.replace(path, "'", "'\\''") <> "'"

  @doc "What a VM is told when it begins."
  @spec orders(:target | :language, String.t(), keyword) :: map
  def orders(role, name, options) do
    %{
      role: role,
      name: name,
      domain: options[:domain],
      interface: options[:address],
      cookie: options[:own_cookie],
      cookies: options[:cookies],
      hidden: role == :language,
      grant: if(role == :target, do: [:debug], else: []),
      lease_ms: options[:lease_ms],
      scope: Atom.to_string(options[:scope]),
      release: release?(role, options[:target]),
      start: starts?(options[:target]),
      env: restored(options[:env])
    }
  end

  defp release?(:target, {:release, _path, _args}), do: true
  defp release?(_role, _what), do: false

  defp starts?({:release, _path, args}), do: args == [] or hd(args) in ["start", "start_iex"]
  defp starts?(_other), do: true

  defp restored(env),
    do: [{"ERL_AFLAGS", Map.get(env, "ERL_AFLAGS", System.get_env("ERL_AFLAGS"))}]
end
