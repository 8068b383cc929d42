defmodule ElixirScope.Distributed.OptionsTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.Options
  doctest Options

  @entries [:start, :config, :record, :filter, :query, :trace]

  test "every option is documented, and its default is one of its values" do
    for entry <- @entries, {key, spec} <- Options.schema(entry) do
      assert String.length(spec[:doc]) > 10
      assert {:ok, _} = Options.validate(entry, [{key, spec[:default]}])
      assert Options.docs(entry) =~ "`:#{key}`"
    end
  end

  test "a wrong value says what was expected and what came" do
    for {entry, options, message} <- [
          {:start, [name: "shop"], ~s(expected :name to be an atom, got: "shop")},
          {:start, [cluster_nodes_init: [:a, "b"]],
           ~s(expected :cluster_nodes_init to be a list, each an atom, got: [:a, "b"])},
          {:start, [transport: Enum],
           "expected :transport to be a module that implements ElixirScope.Distributed.Transport " <>
             "or a {module, options}, got: Enum, which lacks connect/2, peers/1, send/3, start_link/1"},
          {:start, [storage: {Enum, []}],
           "expected :storage to be a module that implements ElixirScope.Distributed.Storage or a " <>
             "{module, options}, got: {Enum, []}, which lacks append/3, events_since/3, " <>
             "progress/1, query/2, retain/2, start_link/1, statistics/1"},
          {:start, [clock: NoSuch.Clock],
           "expected :clock to be a module that implements ElixirScope.Distributed.Clock or a " <>
             "{module, options}, got: NoSuch.Clock, which is no module that can be loaded"},
          {:start, [clock: {ElixirScope.Distributed.GlobalClock, :fast}],
           "expected :clock to be a module that implements ElixirScope.Distributed.Clock or a " <>
             "{module, options}, got: {ElixirScope.Distributed.GlobalClock, :fast}, whose options " <>
             "are no keyword list"},
          {:start, [synchronizer: "fast"],
           "expected :synchronizer to be a module that implements ElixirScope.Distributed." <>
             "Synchronizer or a {module, options}, got: \"fast\", which is no module"},
          {:config, [enabled: nil], "expected :enabled to be a boolean, got: nil"},
          {:filter, [order: :down], "expected :order to be one of :asc, :desc, got: :down"},
          {:filter, [limit: 0], "expected :limit to be a positive integer, got: 0"},
          {:filter, [mfa: {Enum, :map}],
           "expected :mfa to be a {module, function, arity} or nil, got: {Enum, :map}"},
          {:query, [require: :some],
           "expected :require to be one of :all, :majority, :any, got: :some"}
        ] do
      assert Options.validate(entry, options) == {:error, message}
      assert_raise ArgumentError, message, fn -> Options.validate!(entry, options) end
    end
  end

  test "what a trace takes" do
    for good <- [
          [processes: self()],
          [processes: [:new, MyApp.Worker, {:supervised_by, MyApp.Supervisor}, self()]],
          [nodes: :all],
          [nodes: [:a@h]],
          [state: true, correlate: false, capture: :full, kinds: [:gc, :process]],
          [profile: :production, events: 1, lease_ms: 100, health: [scheduler: 50]]
        ],
        do: assert({:ok, _options} = Options.validate(:trace, good))

    for {bad, expected} <- [
          {[processes: []], "a pid, a name, :all, :new, {:supervised_by, name}"},
          {[processes: {:supervised_by, "x"}], "{:supervised_by, name}"},
          {[processes: [self(), 1]], "a list of these"},
          {[nodes: :some], "one of :all or a list, each an atom"},
          {[state: :yes], "a boolean"},
          {[capture: :none], "one of :calls, :arguments, :full"},
          {[kinds: [:calls]], "a list, each one of "},
          {[profile: :fast], "one of :adhoc, :recorder, :production"},
          {[events: 0], "a positive integer or nil"},
          {[lease_ms: nil], "a positive integer"},
          {[health: [heat: 1]], "a keyword list of :run_queue, :memory"}
        ] do
      assert {:error, message} = Options.validate(:trace, bad)
      assert message =~ expected
    end
  end

  test "an unknown option says what was probably meant, or nothing" do
    assert {:error, "unknown option :limt, did you mean :limit?"} =
             Options.validate(:filter, limt: 3)

    assert {:error, "unknown option :zzz"} = Options.validate(:filter, zzz: 3)
    assert {:error, "unknown option \"limit\"" <> _} = Options.validate(:filter, %{"limit" => 3})
  end

  test "what is no list of options is said, not raised" do
    for wrong <- [:name, 7, [:name], [1, 2], "name"] do
      assert {:error, "expected a keyword list or a map" <> _} = Options.validate(:start, wrong)
    end
  end

  test "maps are as good as keyword lists" do
    assert {:ok, options} = Options.validate(:filter, %{limit: 3})
    assert options[:limit] == 3
  end
end
