defmodule ElixirScope.Distributed.Debug.Session.PartsTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Eventually
  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.{Config, Error, Options, Scratch}
  alias ElixirScope.Distributed.CLI.Commands.Node, as: Command
  alias ElixirScope.Distributed.Debug.Session
  alias ElixirScope.Distributed.Debug.Session.{Names, Output, Plan, Program, Surroundings, Wire}

  doctest Names, import: true, except: [:moduledoc]
  doctest Surroundings

  @values %{id: "a1b2", pid: "77", project: "shop"}

  describe "names" do
    test "whatever a template is, what comes of it is a name, or an error" do
      part =
        one_of(
          Enum.map(~w({role} {id} {project} {pid} x - _ 7 @ ; $ { } {other} é \n), &constant/1)
        )

      property(list(part), [runs: 500], fn parts ->
        case Names.make(Enum.join(parts), [:target, :language], @values, "127.0.0.1") do
          {:ok, %{target: target, language: language}} ->
            assert target != language

            for name <- [target, language],
                do: assert(name =~ ~r/\A[A-Za-z][\w-]{0,127}@127\.0\.0\.1\z/)

          {:error, %Error{reason: :bad_node_name}} ->
            :refused
        end
      end)
    end

    test "differ from session to session; cookies cannot be guessed" do
      assert Names.unique() != Names.unique()
      assert byte_size(Names.cookie()) == 43
      assert {:ok, _atom} = Names.secret(Names.cookie())

      for wrong <- ["", "a b", "a\n", String.duplicate("x", 256)],
          do: assert({:error, _} = Names.secret(wrong))
    end

    test "of projects and nodes" do
      assert Names.project("/") == "project"
      assert Names.project("/a/Ünï Cödé!") == "n_c_d"

      for wrong <- ["a", "@b", "a@", "a@b@c", "a b@c", "-a@b", "a@b;c"],
          do: assert({:error, _} = Names.to_node(wrong))
    end
  end

  describe "the environment of a node" do
    defp read(env, options \\ %{}) do
      names = %{
        mode: "DISTRIBUTED_MODE",
        name: "NODE_NAME",
        cookie: "COOKIE",
        language: "LANGUAGE_SERVER_NODE"
      }

      env = Map.new(env, fn {key, value} -> {"ELIXIR_SCOPE_" <> names[key], value} end)
      Surroundings.read(env, options, @values)
    end

    test "without the distributed mode it is a plain one, whatever else is set" do
      for mode <- ["", "0", "false", "No", "off"],
          do: assert({:ok, %{distributed: false}} == read(mode: mode, name: "x;", cookie: "c"))

      assert {:error, "--name is of a node" <> _} = read([], %{name: "web"})
    end

    test "a name, with or without a host, and a cookie" do
      assert {:ok,
              %{name: "web@127.0.0.1", domain: :longnames, cookie: "c", interface: {127, 0, 0, 1}}} =
               read(mode: "true", name: "web", cookie: "c")

      assert {:ok, %{name: "web@localhost", domain: :shortnames, cookie: nil}} =
               read(mode: "1", name: "web@localhost")

      assert {:ok, %{name: "scope-node-shop-a1b2@127.0.0.1"}} = read(mode: "on")
      assert {:ok, %{name: "w77@127.0.0.1"}} = read(mode: "on", name: "w{pid}")
      assert {:ok, %{name: "opt@127.0.0.1"}} = read([mode: "on", name: "env"], %{name: "opt"})

      assert {:ok, %{name: "web@10.0.0.2", interface: {10, 0, 0, 2}}} =
               read([mode: "on", name: "web"], %{interface: "10.0.0.2"})

      assert {:ok, %{language: "l@h"}} = read(mode: "on", language: "l@h")
    end

    test "what is wrong is named, and no cookie is shown" do
      for {env, options, says} <- [
            {[mode: "maybe"], %{}, "expected true or false"},
            {[mode: "on", name: "a;b"], %{}, "NODE_NAME"},
            {[mode: "on", name: "web@example.org"], %{}, "not this machine's loopback"},
            {[mode: "on", cookie: "se cret"], %{}, "COOKIE"},
            {[mode: "on", language: "nowhere"], %{}, "LANGUAGE_SERVER_NODE"},
            {[mode: "on"], %{interface: "::1"}, "IPv4"}
          ] do
        assert {:error, message} = read(env, options)
        assert message =~ says
        refute message =~ "se cret"
      end
    end

    test "a node of code alone runs no task" do
      assert {:error, _} = Command.check(%{options: %{language: true}, arguments: ["test"]})

      assert {:error, _} =
               Command.check(%{options: %{language: true, allow_debug: true}, arguments: []})

      assert :ok = Command.check(%{options: %{language: true}, arguments: []})
    end
  end

  describe "a plan" do
    defp options(given), do: Options.validate!(:session, [project_dir: File.cwd!()] ++ given)
    defp command(given, role \\ :target), do: Plan.command(role, options(given))

    test "each target is a command without a shell" do
      assert {:ok,
              %{
                args: ["scope.node", "--", "test", "--trace", "a b;c"],
                env: %{"MIX_ENV" => "test"}
              }} = command(target: {:test, ["--trace", "a b;c"]})

      assert {:ok, %{args: ["scope.node", "--", "run", "-e", "x"], env: env}} =
               command(target: {:mix, "run", ["-e", "x"]})

      refute Map.has_key?(env, "MIX_ENV")
      assert {:ok, %{args: ["scope.node"], env: %{"MIX_ENV" => "dev"}}} = command(mix_env: "dev")

      # Code is compiled once: the language node has the target's environment.
      assert {:ok, %{args: ["scope.node"], env: %{"MIX_ENV" => "test"}}} =
               command([target: {:mix, "test.watch", []}], :language)
    end

    test "of a release its only script, without a name of its own" do
      folder = Scratch.folder!()
      on_exit(fn -> File.rm_rf!(folder) end)
      Scratch.executable!(folder, "bin/shop", "true")
      Scratch.write!(folder, "bin/shop.bat", "")

      for path <- [folder, Path.join(folder, "bin/shop")] do
        assert {:ok, command} = command(target: {:release, path, []})
        assert command.program == Path.join(folder, "bin/shop")
        assert command.args == ["start"]
        assert command.env["RELEASE_DISTRIBUTION"] == "none"
      end
    end

    test "the environment has no cookie, and what is given, and begins with us" do
      assert {:ok, %{env: env}} = command(env: %{"PORT" => "1", "ERL_AFLAGS" => "+S 1"})
      assert env["ELIXIR_SCOPE_COOKIE"] == false
      assert env["PORT"] == "1"
      assert env["ERL_AFLAGS"] =~ ~r/\A-pa '.*' -s \S+Boot start \+S 1\z/
    end

    test "what a VM is told can be read there, and grants only what is debugged" do
      all =
        [domain: :longnames, address: {127, 0, 0, 1}, own_cookie: "c", cookies: []] ++ options([])

      target = Plan.orders(:target, "a@h", all)
      assert {:ok, {:boot, ^target}} = Wire.decode(Wire.encode({:boot, target}))
      assert target.grant == [:debug]
      assert %{grant: [], hidden: true} = Plan.orders(:language, "b@h", all)
      assert {:ok, :open} = Wire.decode("open")
      assert :error = Wire.decode("closed")
      assert :error = Wire.decode(<<131, 100, 0, 8, "no_such_">>)
    end
  end

  describe "a grant" do
    test "is no part of the configuration, and is added to it" do
      refute :debug in Config.read!()[:allow]
      refute Keyword.has_key?(Options.schema(:config), :grant)
    end
  end

  describe "output" do
    test "who does not read is sent no more than a bound, and told what was left out" do
      test = self()

      slow =
        spawn(fn ->
          receive do: (:read -> :ok)
          send(test, {:messages, Process.info(self(), :messages)})
          receive do: (:end -> :ok)
        end)

      full =
        Enum.reduce(1..600, Output.new(slow), fn _, output ->
          Output.put(output, :stdout, "ab")
        end)

      assert %{sent_bytes: 1_024, left_out_bytes: 176, most_messages: 512} = Output.status(full)

      send(slow, :read)
      assert_receive {:messages, {:messages, messages}}
      assert length(messages) == 512
      send(slow, :end)
      eventually(fn -> not Process.alive?(slow) end, within: 5_000)

      told = Output.flush(%{full | to: self()})
      assert_received {:elixir_scope_session, _id, {:left_out, :stdout, 176}}
      assert told.pending == %{}
    end
  end

  describe "a program" do
    defp started(script, env \\ %{}) do
      {:ok, program} =
        Program.start(%{program: "/bin/sh", args: ["-c", script], folder: "/", env: env})

      assert_receive {port, {:data, "open"}}
      assert port == program.control
      Program.opened(program)
    end

    defp wrote(program, stream, seen \\ "") do
      [port] = for {port, ^stream} <- program.readers, do: port

      receive do
        {^port, {:data, bytes}} -> wrote(program, stream, seen <> bytes)
        {^port, {:exit_status, 0}} -> seen
      after
        5_000 -> flunk("#{stream} did not end: #{inspect(seen)}")
      end
    end

    test "has two streams apart, each byte as it is, nothing to read, and a status" do
      program = started("printf '\\377\\000'; echo \"$X\" >&2; cat; exit 3", %{"X" => "a'b"})
      assert_receive {control, {:exit_status, 3}}
      assert control == program.control
      assert wrote(program, :stdout) == <<255, 0>>
      assert wrote(program, :stderr) == "a'b\n"
      assert Path.wildcard(Path.join(System.tmp_dir!(), "elixir_scope.*/pipe")) == []
    end

    test "that does not exist has told why where it would have complained" do
      {:ok, program} = Program.start(%{program: "/no/such", args: [], folder: "/", env: %{}})
      assert_receive {_port, {:data, "open"}}
      assert wrote(Program.opened(program), :stderr) =~ "/no/such"
    end

    test "is ended, with whoever reads for it" do
      program = started("exec sleep 300")

      readers =
        for {port, _} <- program.readers, {:os_pid, pid} <- [Port.info(port, :os_pid)], do: pid

      assert length(readers) == 2
      Program.kill(program)
      assert_receive {_control, {:exit_status, 137}}
      Program.close(program)
      eventually(fn -> Enum.all?(readers, &(not File.exists?("/proc/#{&1}"))) end, within: 5_000)
    end

    @tag skip: if(System.find_executable("shellcheck"), do: false, else: "needs shellcheck")
    test "its scripts, and that for releases, are clean" do
      for {name, script} <- [{"node", File.read!("priv/bin/scope-node")} | Program.scripts()] do
        path = Path.join(System.tmp_dir!(), "scope-#{name}-#{System.pid()}.sh")
        File.write!(path, script)

        assert {"", 0} = System.cmd("shellcheck", ["-s", "sh", path], stderr_to_stdout: true)

        File.rm!(path)
      end
    end
  end

  describe "the script for releases" do
    @script Path.expand("priv/bin/scope-node")

    defp script(arguments, env \\ []),
      do: System.cmd("sh", [@script | arguments], env: env, stderr_to_stdout: true)

    test "begins the release with us, and nothing else of it" do
      folder = Scratch.folder!()
      on_exit(fn -> File.rm_rf!(folder) end)

      release =
        Scratch.executable!(
          folder,
          "it's/shop",
          ~S(echo "$1|$ERL_AFLAGS|$RELEASE_BOOT_SCRIPT|$RELEASE_DISTRIBUTION|$#")
        )

      assert {said, 0} = script(["--allow-debug", release], [{"ERL_AFLAGS", "+S 1"}])

      assert ["start", flags, "start_clean", "none", "1\n"] = String.split(said, "|")

      assert flags =~
               ~r/\A-pa '.*\/ebin' -s Elixir\.ElixirScope\.Distributed\.Debug\.Session\.Alone start allow_debug \+S 1\z/
    end

    test "says what is wrong" do
      assert {"Starts a release" <> _, 0} = script(["--help"])
      assert {"unknown option --debug" <> _, 2} = script(["--debug"])
      assert {"expected the script" <> _, 2} = script([])
      assert {"expected one script" <> _, 2} = script(["/bin/true", "x"])
      assert {"/no/such is no script" <> _, 2} = script(["/no/such"])
    end

    test "is a part of the package" do
      assert File.stat!(@script).mode |> Bitwise.band(0o111) != 0
      assert "priv/bin" in Mix.Project.config()[:package][:files]
    end
  end

  test "a session is shown without its cookie" do
    session = %Session{
      id: self(),
      target: :a@h,
      language: nil,
      cookie: fn -> "secret" end,
      project_dir: "/"
    }

    assert inspect(session) == "#Session<#{inspect(self())} a@h>"
    assert Session.cookie(session) == "secret"
  end
end
