defmodule ElixirScope.Distributed.Debug.StoppedTest do
  # A target node, and who debugs it from another one.
  use ElixirScope.Distributed.Case, async: true

  alias ElixirScope.Distributed.Debug.{Int.Metas, Stopped}
  alias ElixirScope.Distributed.{Golden, Programs}

  @moduletag :cluster
  if not Metas.there?(),
    do: @moduletag(skip: "Erlang's application debugger is not installed here")

  @debug [elixir_scope_distributed: [allow: [:record, :query, :trace, :debug]]]

  setup_all do
    folder = Programs.on_path!()
    on_exit(fn -> :code.del_path(to_charlist(folder)) end)
    :ok
  end

  setup do
    [target, controller] = start_nodes([:target, :controller], capture: false, config: @debug)
    {:ok, target: target, controller: controller}
  end

  @programs [
    recursion: Elixir.Programs.Recursion,
    comprehension: Elixir.Programs.Comprehension,
    inbox: Elixir.Programs.Inbox,
    rescue: Elixir.Programs.Rescue,
    macro: Elixir.Programs.Macro,
    shapes: Elixir.Programs.Shapes,
    remote: Elixir.Programs.Remote,
    anonymous: Elixir.Programs.Anonymous,
    pipes: Elixir.Programs.Pipes,
    branches: Elixir.Programs.Branches,
    counter: Elixir.Programs.Counter,
    erlang: :programs_erlang
  ]

  @others [
    Elixir.Programs.Shape,
    Elixir.Programs.Shape.Programs.Square,
    Elixir.Programs.Square,
    Elixir.Programs.Prices
  ]

  test "twelve programs stop where they should", %{target: target, controller: controller} do
    lines = on(controller, fn -> sessions(target) end)
    Golden.assert_golden("../stops/programs.txt", Enum.concat(lines))
  end

  @commands [[:into], [:over], [:into, :into, :into, :out, :out, :over]]

  # Its callbacks run in a process that nobody steps into.
  defp functions(:counter), do: [init: 1, handle_call: 3]
  defp functions(_name), do: [run: 0]

  defp sessions(target) do
    :ok = Stopped.attach(target)

    for {name, module} <- @programs,
        commands <- @commands do
      said = Enum.map_join(commands, ", ", &to_string/1)

      [
        "# #{name}: #{said}"
        | Programs.session(target, module, functions(name), @others ++ [module], commands)
      ]
    end
  end
end
