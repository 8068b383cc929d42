defmodule ElixirScope.Distributed.SharedCode do
  @moduledoc false
  # Code that tests look at on real nodes: an application, `:troubles`. It must not belong to this library,
  # which traces nothing of itself, and nodes must find it on their disk: so it is compiled into a folder
  # of its own, which is on the code path of the run and so on that of every node that is started from it.

  @sources "test/shared/code/*.ex"

  @doc "Compiles what is in `test/shared/code`, and puts it on the code path."
  @spec on_path!() :: :ok
  def on_path! do
    folder = Path.join([Mix.Project.build_path(), "shared_code", "troubles", "ebin"])
    File.mkdir_p!(folder)
    {:ok, modules, _warnings} = Kernel.ParallelCompiler.compile_to_path(sources(), folder)

    File.write!(
      Path.join(folder, "troubles.app"),
      :io_lib.format("~p.~n", [application(modules)])
    )

    true = :code.add_pathz(to_charlist(folder))
    :ok
  end

  defp application(modules) do
    {:application, :troubles,
     vsn: to_charlist("1"),
     modules: modules,
     registered: [],
     applications: [:kernel, :stdlib, :elixir]}
  end

  defp sources, do: @sources |> Path.wildcard() |> Enum.sort()
end
