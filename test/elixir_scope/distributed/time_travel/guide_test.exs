defmodule ElixirScope.Distributed.TimeTravel.GuideTest do
  # The guide is one session: its modules are compiled, everything else runs in its order.
  use ExUnit.Case

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{DiskModules, Options}

  @guide "guides/time_travel.md"
  @external_resource @guide

  defp blocks do
    blocks = Regex.scan(~r/```elixir\n(.*?)```/s, File.read!(@guide), capture: :all_but_first)
    Enum.split_with(List.flatten(blocks), &String.starts_with?(&1, "defmodule"))
  end

  setup do
    Scope.stop(Options.default_scope())
    {:ok, _pid} = Scope.start(allow: [:record, :query, :trace, :replay])

    on_exit(fn ->
      Scope.stop(Options.default_scope())
      Application.stop(:elixir_scope_distributed)
      {:ok, _started} = Application.ensure_all_started(:elixir_scope_distributed)
    end)
  end

  test "what the guide says happens" do
    {modules, blocks} = blocks()
    DiskModules.on_path!(Enum.join(modules, "\n"))
    {:module, _loaded} = Code.ensure_loaded(MyApp.Cart)
    session = Enum.reject(blocks, &String.starts_with?(&1, "config"))
    assert length(session) == 8

    ExUnit.CaptureIO.capture_io(fn ->
      Code.eval_string(Enum.join(session, "\n"), [], file: @guide)
    end)
  end
end
