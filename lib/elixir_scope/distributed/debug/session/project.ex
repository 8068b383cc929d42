defmodule ElixirScope.Distributed.Debug.Session.Project do
  @moduledoc false
  # The project of a node that Mix has started: compiled, and debuggable, before anything of it runs; then what
  # is to run in it. A node that only knows the code compiles it, and serves what it found.

  alias ElixirScope.Distributed.Config
  alias ElixirScope.Distributed.Debug.Services
  alias ElixirScope.Distributed.Debug.Session.{Distribution, Guest, Names}

  # Mix is no part of a release, and this is nothing that one calls.
  @compile {:no_warn_undefined, [Mix, Mix.Project, Mix.Task]}

  @typedoc "A Mix task with its arguments; nothing is the project's application."
  @type task :: [String.t()]

  @doc "In a VM that a session has started: all as it is told, and when it is told."
  @spec guest(task) :: :ok
  def guest(task) do
    orders = Guest.await(:prepare)
    compile(task)
    served(orders.role, Names.scope(orders.scope))
    :ok = Guest.ready()
    _orders = Guest.await(:run)
    run(orders.role, task)
  end

  @doc "In a VM that somebody has started by hand."
  @spec alone(:target | :language, task, atom) :: :ok
  def alone(role, task, scope) do
    compile(task)
    served(role, scope)
    run(role, task)
  end

  # Compiled now, it is not compiled by the task; who asks for nothing to be compiled gets that. From
  # Elixir 1.15 on Mix takes folders of code away that are none of the project's: until they are back,
  # nothing may be called that is not loaded.
  defp compile(task) do
    folders = Guest.folders()
    what = if "--no-compile" in task, do: "loadpaths", else: "compile"
    if Mix.Project.get(), do: Mix.Task.run(what, [])
    Enum.each(folders, &:code.add_patha/1)
  end

  # Of the project's own configuration a language node takes nothing: its folder of data, its cluster and
  # what it records are the target's.
  defp served(:language, scope) do
    Config.forget()
    Guest.serve()
    :ok = Services.register_language_server_services(scope: scope)
  end

  defp served(:target, _scope), do: Guest.serve()

  defp run(:language, _task), do: Distribution.rest()

  defp run(:target, []) do
    if Mix.Project.get(), do: Mix.Task.run("app.start", [])
    Distribution.rest()
  end

  defp run(:target, [task | arguments]) do
    remark(Mix.Project.get() && preferred(task))
    Mix.Task.run(task, arguments)
    :ok
  end

  # By itself Mix would have started in that environment.
  defp remark(nil), do: :ok

  defp remark(env) do
    if System.get_env("MIX_ENV", "") == "" and env != Mix.env(),
      do:
        IO.puts(
          :stderr,
          "this task prefers MIX_ENV=#{env}, and runs in #{Mix.env()}: set it (mix_env:)"
        )

    :ok
  end

  defp preferred(task) do
    task = String.to_existing_atom(task)

    Mix.Project.config()[:preferred_cli_env][task] ||
      cli(Mix.Project.get())[:preferred_envs][task]
  rescue
    ArgumentError -> nil
  end

  defp cli(project), do: if(function_exported?(project, :cli, 0), do: project.cli(), else: [])
end
