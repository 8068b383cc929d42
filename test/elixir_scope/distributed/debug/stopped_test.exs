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
    [target] = start_nodes([:target], capture: false, config: @debug)
    {:ok, target: target}
  end

  @programs [
    recursion: Programs.Recursion,
    comprehension: Programs.Comprehension,
    inbox: Programs.Inbox,
    rescue: Programs.Rescue,
    macro: Programs.Macro,
    shapes: Programs.Shapes,
    remote: Programs.Remote,
    anonymous: Programs.Anonymous,
    pipes: Programs.Pipes,
    branches: Programs.Branches,
    counter: Programs.Counter,
    erlang: :programs_erlang
  ]

  @patterns ["Programs.*", :programs_erlang]

  test "twelve programs stop where they should", %{target: target} do
    :ok = Stopped.attach(target)

    lines =
      for {name, module} <- @programs,
          commands <- [[:into], [:over], [:into, :into, :into, :out, :out, :over]] do
        said = Enum.map_join(commands, ", ", &to_string/1)
        ["# #{name}: #{said}" | Programs.session(target, module, @patterns, commands)]
      end

    Golden.assert_golden("../stops/programs.txt", Enum.concat(lines))
  end
end
