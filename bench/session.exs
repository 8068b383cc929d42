# What it takes to start a debugging pair of a project that is compiled, beside what Mix takes for the same
# two VMs; and what one more debugger that joins both costs the nodes that are there: their own memory, as
# they count it when all garbage is gone.

Code.require_file("support.exs", __DIR__)

defmodule Bench.Session.Kept do
  @moduledoc false
  def __after_compile__(env, bytes),
    do: :persistent_term.put(env.module, [env.module, ~c"bench", bytes])
end

defmodule Bench.Session do
  @moduledoc false
  @after_compile Bench.Session.Kept

  alias ElixirScope.Distributed.Debug.{Services, Session, Stopped}

  @pairs 5
  @more 4
  @mib 1024 * 1024

  def run do
    folder = project()
    mix(folder, ["compile"])
    starts(folder)
    memory(folder)
    File.rm_rf!(folder)
  end

  defp project do
    folder = Path.join(System.tmp_dir!(), "scope-bench-#{System.pid()}")
    File.mkdir_p!(Path.join(folder, "lib"))

    File.write!(
      Path.join(folder, "lib/till.ex"),
      "defmodule Till do\n  def total(x), do: x + 1\nend\n"
    )

    File.write!(Path.join(folder, "mix.exs"), """
    defmodule Till.MixProject do
      use Mix.Project
      def project, do: [app: :till, version: "1.0.0"]
    end
    """)

    folder
  end

  @env [{"MIX_ENV", "dev"}, {"MIX_BUILD_ROOT", nil}, {"MIX_BUILD_PATH", nil}]

  defp mix(folder, arguments),
    do: {_said, 0} = System.cmd("mix", arguments, cd: folder, env: @env)

  defp starts(folder) do
    {ours, theirs} = Enum.unzip(for _ <- 1..@pairs, do: {pair(folder), twice(folder)})
    peer = {"mix run, twice", Bench.median(theirs)}

    Bench.row(
      "Elixir: a debugging pair started, until it can be debugged",
      "ms",
      Bench.median(ours),
      peer: peer
    )
  end

  defp pair(folder) do
    {us, {:ok, session}} = :timer.tc(fn -> start(folder) end)
    :ok = Session.stop(session)
    us / 1_000
  end

  defp twice(folder) do
    {us, _two} = :timer.tc(fn -> for _ <- 1..2, do: mix(folder, ["run", "-e", "1"]) end)
    us / 1_000
  end

  defp start(folder),
    do: Session.start(target: :plain, project_dir: folder, mix_env: "dev", hold: true, env: env())

  defp env, do: %{"MIX_BUILD_ROOT" => "_build"}

  defp memory(folder) do
    {:ok, session} = start(folder)
    :ok = look(session)
    before = Map.new(nodes(session), &{&1, used(&1)})
    others = for _ <- 1..@more, do: join(session, folder)

    for {role, node} <- [{"target", session.target}, {"language node", session.language}],
        do: grown(role, node, before)

    for other <- others, do: :peer.stop(other)
    :ok = Session.stop(session)
  end

  defp nodes(session), do: [session.target, session.language]

  defp grown(role, node, before) do
    mib = (used(node) - before[node]) / @more / @mib
    Bench.row("Elixir: one more debugger, memory of the #{role}", "MiB", mib, at_most: 10)
  end

  defp used(node) do
    for _ <- 1..2,
        pid <- :erpc.call(node, Process, :list, []),
        do: :erpc.call(node, :erlang, :garbage_collect, [pid])

    :erpc.call(node, :erlang, :memory, [:total])
  end

  # A VM of its own, which asks and attaches as an adapter does.
  defp join(session, folder) do
    {:ok, other, _node} = :peer.start_link(%{connection: :standard_io, args: paths()})
    {:ok, _} = :peer.call(other, :application, :ensure_all_started, [:elixir_scope_distributed])
    :ok = :peer.call(other, :code, :load_binary, code()) |> elem(0) |> loaded()

    true =
      :peer.call(
        other,
        __MODULE__,
        :joined,
        [session.target, session.language, Session.cookie(session), folder],
        30_000
      )

    other
  end

  defp loaded(:module), do: :ok
  defp code, do: :persistent_term.get(__MODULE__)

  defp paths do
    root = to_string(:code.lib_dir())
    own = for path <- :code.get_path(), not String.starts_with?(to_string(path), root), do: path
    [~c"-pa" | Enum.map(own, &(&1 |> Path.expand() |> to_charlist()))]
  end

  def joined(target, language, cookie, folder) do
    caller = self()

    spawn(fn ->
      stay(caller, target: target, language: language, cookie: cookie, project_dir: folder)
    end)

    receive do: (:joined -> true)
  end

  defp stay(caller, options) do
    {:ok, session} = Session.start(options)
    :ok = look(session)
    send(caller, :joined)
    receive do: (:never -> :ok)
  end

  defp look(session) do
    {:ok, _, _} = Services.call(:module_information, :module, [Till], node: session.language)
    :ok = Stopped.attach(session.target)
  end
end

Bench.Session.run()
