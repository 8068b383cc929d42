defmodule ElixirScope.Distributed.TidyTest do
  # The design's rules, as far as a program can check them. What fails here says where
  # and what to do; a rule that has to give way is changed here, in sight.
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Tidy

  alias ElixirScope.Distributed.{Options, Types}
  alias ElixirScope.Distributed.Tidy.{Boundaries, Documents}

  @lib "lib/elixir_scope/distributed/"
  @prefixes ~w(clock_ ring_ event_ trace_ store_ sync_ page_ pair_ causal_ span_ export_ graph_) ++
              ~w(recording_)
  @longest_module 250

  # The test bed starts nodes and cuts them apart: it is about distribution itself.
  # The VM of a task becomes a hidden one, and never where a scope runs.
  # Nodes of a debugging session take their names, and the side that debugs joins them.
  @starts_distribution [
    @lib <> "cluster/connection.ex",
    @lib <> "cli/join.ex",
    @lib <> "debug/session/distribution.ex",
    @lib <> "case/"
  ]

  # It reads the environment only to hand it to the nodes that it starts.
  @reads_environment [@lib <> "config.ex", @lib <> "case/boot.ex"]

  # Names of test nodes and their cookie: made here, a few per test. Names of virtual nodes: made as
  # that module is compiled, as many as there can be.
  # Names of modules that the compiler wrote down, while there is room for them.
  # A command's own name, the nodes that it is told and their cookie; and names that were typed, of which
  # a VM takes a few.
  # A debugging session's nodes and cookies: a handful, checked before.
  @makes_atoms [
    @lib <> "debug/beams/names.ex",
    @lib <> "cli/atoms.ex",
    @lib <> "cli/join.ex",
    @lib <> "case/cluster.ex",
    @lib <> "case/run.ex",
    @lib <> "debug/session/distribution.ex",
    @lib <> "debug/session/names.ex",
    @lib <> "simulation/plan.ex",
    # Names of places with breakpoints: used again, so never more than there may be at a time.
    @lib <> "debug/breakpoints/board.ex"
  ]

  # What was parsed is no part of the context: ExUnit keeps the context of every test that ran, and a
  # process that holds the whole library so many times makes each purge of a module take seconds.
  setup_all do
    :persistent_term.put(__MODULE__, %{
      lib: files("lib/**/*.ex"),
      tests: files(["test/**/*.ex", "test/**/*.exs"]),
      native: files(@lib <> "native.ex")
    })
  end

  defp parsed(which), do: Map.fetch!(:persistent_term.get(__MODULE__), which)

  describe "the boundary to the native core" do
    test "each prefix is called by exactly one module" do
      lib = parsed(:lib)
      native = parsed(:native)
      assert_tidy(Boundaries.one_caller_per_prefix(lib, @prefixes))
      stubs = Boundaries.stubs(native, @prefixes)
      assert_tidy(Boundaries.no_unused_prefix(stubs, lib, @prefixes))
    end

    test "a second caller and an unused prefix are found" do
      one = planted("defmodule A, do: (def now, do: ElixirScope.Distributed.Native.clock_now(1))")

      other =
        planted("""
        defmodule B do
          alias ElixirScope.Distributed.Native
          def now, do: Native.clock_now(1)
          def failure, do: Native.load_failure()
          defdelegate ring_start(bytes), to: Native
          def stop, do: Enum.each([], &Native.ring_stop/1)
        end
        """)

      assert [one_now, other_now] = Boundaries.one_caller_per_prefix([one, other], @prefixes)

      assert one_now =~ "planted.ex:1: Native.clock_now: clock_ is also called by [B]"
      assert other_now =~ "planted.ex:3: Native.clock_now: clock_ is also called by [A]"
      assert Boundaries.one_caller_per_prefix([one], @prefixes) == []

      stubs = Boundaries.stubs([planted_stubs()], @prefixes)
      assert [unused] = Boundaries.no_unused_prefix(stubs, [other], @prefixes)
      assert unused =~ "planted.ex:3: nobody calls store_* of Native"
    end

    test "stubs and native functions are the same, in name and arity" do
      native = parsed(:native)

      rust =
        for path <- Path.wildcard("native/scope_nif/src/**/*.rs"),
            function <- Boundaries.rust_functions(path, File.read!(path)),
            do: function

      assert rust != []
      assert_tidy(Boundaries.stubs_match_rust(Boundaries.stubs(native, @prefixes), rust))
    end

    test "a stub without a function and a function without a stub are found" do
      rust =
        Boundaries.rust_functions("lib.rs", """
        #[rustler::nif]
        fn clock_now<'a>(env: Env<'a>, scope: u64) -> Result<(u64, u64), Atom> {}

        #[rustler::nif(schedule = "DirtyCpu", name = "store_open")]
        pub(crate) fn open(settings: HashMap<String, u64>, path: &str) -> Atom {}

        raw::register!(c"ring_record"/3 => ring_record);
        raw::register!(c"enabled"/3 => enabled);
        """)

      assert rust == [
               {"lib.rs", 1, "clock_now", 1},
               {"lib.rs", 4, "store_open", 2},
               {"lib.rs", 7, "ring_record", 3},
               {"lib.rs", 8, "enabled", 3}
             ]

      stubs = Boundaries.stubs([planted_stubs()], @prefixes)
      assert [wrong_arity, no_function, no_stub] = Boundaries.stubs_match_rust(stubs, rust)
      assert wrong_arity =~ "planted.ex:3: store_open/1 has no native function"
      assert no_function =~ "lib.rs:4: store_open/2 has no stub"
      assert no_stub =~ "lib.rs:7: ring_record/3 has no stub"
    end
  end

  describe "the boundary to the virtual machine" do
    test "distribution is started and watched in one place" do
      lib = parsed(:lib)
      assert_tidy(Boundaries.distribution(lib, @starts_distribution))
    end

    test "each way to touch distribution is found, and reading is allowed" do
      for touch <- [
            ":net_kernel.monitor_nodes(true)",
            "Node.connect(:a@b)",
            "apply(Node, :start, [:a])",
            "Enum.each([], &Node.monitor(&1, true))",
            ":erlang.monitor_node(:a@b, true)"
          ] do
        file = planted("defmodule A, do: (def f, do: #{touch})")
        assert ["planted.ex:1: " <> _] = Boundaries.distribution([file], @starts_distribution)
        assert Boundaries.distribution([file], ["planted.ex"]) == []
      end

      assert Boundaries.distribution([planted("Node.list()")], @starts_distribution) == []
    end

    test "no atom and no unsafe term comes from bytes" do
      lib = parsed(:lib)
      assert_tidy(Boundaries.conversions(lib, @makes_atoms))
    end

    test "each unsafe conversion is found" do
      for unsafe <- [
            "String.to_atom(x)",
            ":erlang.binary_to_atom(x, :utf8)",
            ~S(:"a#{x}"),
            ":erlang.binary_to_term(x)",
            ":erlang.binary_to_term(x, [:used])",
            "Enum.map(x, &String.to_atom/1)",
            "x |> :erlang.binary_to_term()",
            "x |> g() |> :erlang.binary_to_term([:used])"
          ] do
        assert ["planted.ex:1: " <> _] = Boundaries.conversions([planted(unsafe)], @makes_atoms)
      end

      safe = planted("x |> :erlang.binary_to_term([:safe]); String.to_existing_atom(x)")
      assert Boundaries.conversions([safe], @makes_atoms) == []
    end

    test "only Config reads the application environment" do
      lib = parsed(:lib)
      assert_tidy(Boundaries.environment(lib, @reads_environment))
      read = planted("Application.get_env(:elixir_scope_distributed, :enabled)")
      assert ["planted.ex:1: only " <> _] = Boundaries.environment([read], @reads_environment)
    end

    test "nothing outside integrations/ refers to it" do
      lib = parsed(:lib)
      assert_tidy(Boundaries.integrations(lib))

      for reference <- [
            "alias ElixirScope.Distributed.Integrations.Plug, as: P; P.init([])",
            "{ElixirScope.Distributed.Integrations.Libcluster, []}"
          ] do
        assert ["planted.ex:1: " <> _ | _] = Boundaries.integrations([planted(reference)])
      end
    end
  end

  describe "tests" do
    test "never sleep" do
      tests = parsed(:tests)
      assert_tidy(Boundaries.sleeps(tests))
    end

    test "each way to sleep is found" do
      for sleep <- [
            "Process.sleep(1)",
            ":timer.sleep(1)",
            "receive after: (1 -> :ok)",
            "receive do after 1 -> :ok end"
          ] do
        assert ["planted.ex:1: sleeping" <> _] = Boundaries.sleeps([planted(sleep)])
      end

      assert Boundaries.sleeps([planted("receive do: (:x -> 1), after: (1 -> 2)")]) == []
    end
  end

  describe "what is written down" do
    test "public functions have a doc, a spec and an example" do
      lib = parsed(:lib)
      assert_tidy(Documents.functions(lib))
    end

    test "a function without doc, spec or example is found" do
      file =
        planted(~S'''
        defmodule A do
          @moduledoc "No example."
          @callback called(term) :: term
          def bare(x, y \\ 1), do: x
          @doc "Documented."
          @spec documented(term) :: term
          def documented(x), do: x
          @doc "    iex> A.good()"
          @spec good :: 1
          def good, do: 1
          @doc false
          def hidden, do: 1
          @impl true
          def init(x), do: x
          defp private, do: 1
          defmodule Internal do
            @moduledoc false
            def anything, do: 1
          end
        end
        ''')

      assert Enum.sort(Documents.functions([file])) == [
               "planted.ex:3: called/1 has no @doc",
               "planted.ex:4: bare/2 has no @doc",
               "planted.ex:4: bare/2 has no @spec",
               "planted.ex:4: bare/2 has no example in its doc or its module's",
               "planted.ex:7: documented/1 has no example in its doc or its module's"
             ]
    end

    test "every module says what it is, an internal one why" do
      lib = parsed(:lib)
      assert_tidy(Documents.moduledocs(lib) ++ Documents.reasons(lib))
    end

    test "a module without a doc and one without a reason are found" do
      assert Documents.moduledocs([planted("defmodule A do\nend")]) == [
               "planted.ex:1: A has no @moduledoc"
             ]

      silent = planted("defmodule A do\n  @moduledoc false\n\n  use GenServer\nend")
      told = planted("defmodule A do\n  @moduledoc false\n  # Holds the lock.\nend")
      assert ["planted.ex:2: @moduledoc false without" <> _] = Documents.reasons([silent])
      assert Documents.reasons([told]) == []
    end

    test "no module is too long to be read" do
      lib = parsed(:lib)
      assert_tidy(Documents.sizes(lib, @longest_module))
      doc = "  @doc \"\"\"\n#{String.duplicate("  text\n", 9)}  \"\"\"\n"
      code = String.duplicate("  def f, do: 1\n", 9)
      long = planted("defmodule A do\n#{doc}#{code}end")
      assert ["planted.ex:1: 11 lines " <> _] = Documents.sizes([long], 11)
      assert Documents.sizes([long], 12) == []
    end

    test "every struct of Types is built somewhere" do
      lib = parsed(:lib)
      {[types], others} = Enum.split_with(lib, &(&1.path == @lib <> "types.ex"))
      assert_tidy(Documents.structs_built(types, others))
    end

    test "a struct that is only matched or named in a type is found" do
      types = planted("defmodule T do\ndefmodule S do\ndefstruct [:a]\nend\nend")

      matched =
        planted("""
        defmodule A do
          alias T.S
          @spec f(%S{}) :: %S{}
          def f(%S{a: a} = s), do: (%S{} = s; match?(%S{}, a))
        end
        """)

      built = planted("defmodule B do\nalias T.S\ndef f, do: %S{a: 1}\nend")

      assert Documents.structs_built(types, [matched]) == [
               "planted.ex:2: T.S is built nowhere in lib"
             ]

      assert Documents.structs_built(types, [matched, built]) == []
    end
  end

  @entries Options.entries()

  describe "options" do
    test "each is documented and its default is one that is accepted" do
      for entry <- @entries do
        assert_tidy(undocumented(entry, Options.schema(entry)))
        assert_tidy(refused_defaults(entry, Options.schema(entry), &Options.validate(entry, &1)))
      end
    end

    test "an option without a doc, a type or a default, and a refused default are found" do
      schema = [good: [type: :any, default: 1, doc: "what it does"], bad: [type: :any]]

      assert undocumented(:start, schema) == [
               ":start option :bad has no default",
               ":start option :bad has no doc"
             ]

      refuse = fn [{name, _default}] -> if name == :bad, do: {:error, "no"}, else: {:ok, []} end

      assert refused_defaults(:start, schema, refuse) == [
               ":start option :bad: its default nil is refused: no"
             ]
    end
  end

  # NAMES.md, the sections marked "now", as far as the first milestone brings them.
  @names %{
    ElixirScope.Distributed => [
      start: 0,
      start: 1,
      start_link: 1,
      child_spec: 1,
      stop: 0,
      stop: 1,
      record: 1,
      record: 2,
      record: 3,
      with_correlation: 2,
      correlation: 0,
      context: 0,
      with_context: 2,
      put_context: 1,
      events: 0,
      events: 1,
      query: 1,
      query: 2,
      stream: 0,
      stream: 1,
      timeline: 0,
      timeline: 1,
      nodes_of: 1,
      subscribe: 0,
      subscribe: 1,
      unsubscribe: 1,
      status: 0,
      status: 1
    ],
    ElixirScope.Distributed.NodeCoordinator => [
      start_link: 1,
      setup_cluster: 1,
      register_node: 1,
      unregister_node: 1,
      get_cluster_nodes: 0,
      force_event_sync: 0,
      query_distributed_events: 1,
      get_distributed_status: 0
    ],
    ElixirScope.Distributed.ClusterStateManager => [
      get_partition_status: 0,
      get_cluster_topology: 0,
      get_node_info: 1,
      subscribe_to_changes: 0,
      quorum: 0
    ],
    ElixirScope.Distributed.GlobalClock => [
      child_spec: 1,
      now: 0,
      compare_timestamps: 2,
      compare: 2,
      update: 1,
      offset: 1
    ],
    ElixirScope.Distributed.SingleNodeSimulator => [
      start_link: 0,
      start_link: 1,
      enable_simulation: 0,
      enable_simulation: 1,
      disable_simulation: 0,
      get_simulated_nodes: 0,
      simulate_node_failure: 1,
      simulate_node_recovery: 1,
      simulate_network_partition: 1,
      heal_network_partition: 0
    ],
    ElixirScope.Distributed.Debug.Services => [
      register_language_server_services: 1,
      register_debug_adapter_services: 1,
      find_service: 1,
      call: 4
    ],
    ElixirScope.Distributed.Debug.DependencyService => [
      start_link: 1,
      get_module_dependencies: 1,
      get_module_dependencies: 2,
      get_breakpoint_dependencies: 2,
      get_breakpoint_dependencies: 3,
      get_cached_dependency_graph: 0,
      direct: 1,
      reverse: 1,
      transitive: 1,
      transitive: 2,
      why: 2,
      cycles: 0,
      affected_by: 1
    ],
    ElixirScope.Distributed.Debug.TracerStream => [
      start_link: 1,
      get_trace: 0,
      subscribe_to_tracer_updates: 0,
      subscribe_to_tracer_updates: 1
    ],
    ElixirScope.Distributed.Debug.Interpreter => [
      start_link: 1,
      interpret_for_breakpoint: 3,
      get_interpretation_status: 0
    ],
    ElixirScope.Distributed.Debug.Breakpoints => [
      start_link: 1,
      handle_set_breakpoints_request: 3,
      set: 2,
      list: 0,
      clear: 1
    ],
    ElixirScope.Distributed.Debug.Session => [start: 1, stop: 1, status: 1],
    ElixirScope.Distributed.EventSynchronizer => [
      sync_with_node: 1,
      sync_with_node: 2,
      sync_with_cluster: 0,
      sync_with_cluster: 1,
      events_since: 2,
      apply_batch: 2
    ]
  }

  @callbacks [start_link: 1, send: 3, connect: 2, peers: 1]

  @structs %{
    Types.ClusterNodeInfo =>
      ~w(node status last_seen capabilities reason protocol incarnation offset)a,
    Types.EventSyncMessage => ~w(source_node events_batch since_global_clock)a,
    Types.GlobalClockUpdate => ~w(source_node)a
  }

  describe "the published names" do
    test "exist with their arity" do
      for {module, functions} <- @names, do: assert_tidy(missing(module, functions))
      assert missing(Enum, map: 2, mop: 2) == ["Enum.mop/2 is a published name and missing"]
      assert missing(NoSuchModule, f: 1) == ["NoSuchModule is a published module and missing"]
    end

    test "a transport has the callbacks of the design" do
      callbacks = ElixirScope.Distributed.Transport.behaviour_info(:callbacks)
      assert @callbacks -- callbacks == []
    end

    test "what crosses nodes has the fields of the design" do
      for {struct, fields} <- @structs do
        assert fields -- Map.keys(struct.__struct__()) == [], "fields of #{inspect(struct)}"
      end
    end
  end

  defp missing(module, functions) do
    if Code.ensure_loaded?(module) do
      for {name, arity} <- functions, not function_exported?(module, name, arity) do
        "#{inspect(module)}.#{name}/#{arity} is a published name and missing"
      end
    else
      ["#{inspect(module)} is a published module and missing"]
    end
  end

  defp undocumented(entry, schema) do
    for {name, option} <- schema,
        key <- [:type, :default, :doc],
        option[key] == nil,
        not (key == :default and Keyword.has_key?(option, :default)) do
      "#{inspect(entry)} option #{inspect(name)} has no #{key}"
    end
  end

  defp refused_defaults(entry, schema, validate) do
    for {name, option} <- schema, {:error, why} <- [validate.([{name, option[:default]}])] do
      "#{inspect(entry)} option #{inspect(name)}: its default #{inspect(option[:default])} is refused: #{why}"
    end
  end

  defp planted(source), do: parse("planted.ex", source)

  defp planted_stubs do
    planted("""
    defmodule ElixirScope.Distributed.Native do
      def clock_now(_scope), do: :erlang.nif_error(:x)
      def store_open(_settings), do: :erlang.nif_error(:x)
      def enabled(_a, _b, _c), do: :erlang.nif_error(:x)
    end
    """)
  end

  defp assert_tidy([]), do: :ok
  defp assert_tidy(violations), do: flunk(Enum.join(violations, "\n"))
end
