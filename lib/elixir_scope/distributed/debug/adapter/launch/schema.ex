defmodule ElixirScope.Distributed.Debug.Adapter.Launch.Schema do
  @moduledoc false
  # Every key of a launch configuration, once: what is accepted, what is documented and what the schema
  # of an editor's extension holds are printed from here. Names are those of JSON: text, never atoms.

  alias ElixirScope.Distributed.Debug.Adapter.Launch.Type

  # The clients' own, which some of them send along. They are no business of an adapter.
  @clients ~w(name preLaunchTask postDebugTask internalConsoleOptions presentation serverReadyAction
              suppressMultipleSessionWarning debugServer linux osx windows console program cwd args command port host
              __restart __sessionId __configurationTarget __configurationName)

  @distributed [
    {"enabled",
     type: :boolean,
     default: true,
     doc:
       "a node of its own knows the code (the language node) and is asked over distribution; `false` starts none, " <>
         "and the questions are answered by this node, or by the editor where `coordinationMode` says so"},
    {"nodeNaming",
     type: :naming,
     default: "auto",
     doc:
       "how the nodes that a session starts are called: `auto`, or a template of letters, digits, `_` and `-` with " <>
         "`{role}`, `{project}`, `{id}` (of the session) and `{pid}`; `auto` is `scope-{role}-{project}-{id}`"},
    {"rpcTimeout",
     type: {:integer, 1, 600_000},
     default: 5_000,
     doc: "milliseconds within which the language node, or the editor, has to answer a question"},
    {"enableTracerStreaming",
     type: :boolean,
     default: true,
     doc:
       "the adapter follows the changes of the language node's graph, so that its own cache is never stale; " <>
         "`false` asks every time"},
    {"dependencyCacheSize",
     type: {:integer, 1, 1_000_000},
     default: 1_000,
     doc: "answers about dependencies that the adapter keeps"},
    {"fallbackToExtensionCoordination",
     type: :boolean,
     default: true,
     doc:
       "with `coordinationMode: auto` the editor is asked when the language node does not answer"}
  ]

  @keys [
    {"type", type: :string, default: "elixirScope", doc: "the kind of debugger, for the editor"},
    {"request",
     type: {:in, ["launch", "attach"]},
     default: "launch",
     doc: "whether a program is started, or one that runs is looked into"},
    {"task",
     type: :string,
     default: "run",
     for: :launch,
     doc: "the Mix task to run in a node of its own; `test` runs tests"},
    {"taskArgs",
     type: {:list, :string},
     default: [],
     for: :launch,
     doc: "its arguments, or those of the release's script (then `start` where none are named)"},
    {"release",
     type: {:or, [:string, nil]},
     default: nil,
     for: :launch,
     doc:
       "instead of `task`: the folder of a release, or its script in `bin`, that is started; it need not contain " <>
         "this library"},
    {"projectDir",
     type: :folder,
     default: ".",
     doc:
       "the folder of the project: where tasks run, and what the files of breakpoints are relative to"},
    {"env",
     type: :env,
     default: %{},
     for: :launch,
     doc: "environment variables of the program; `null` takes one away"},
    {"mixEnv",
     type: {:or, [:string, nil]},
     default: nil,
     for: :launch,
     doc: "`MIX_ENV` of the program; without it `test` for tests and Mix's own default otherwise"},
    {"bootTimeout",
     type: {:integer, 1, 3_600_000},
     default: 120_000,
     for: :launch,
     doc: "milliseconds within which the nodes have to be up; the project is compiled in them"},
    {"node",
     type: {:or, [:node, nil]},
     default: nil,
     for: :attach,
     doc: "`name@host` of the node to attach to; its scope has to allow `:debug`"},
    {"cluster",
     type: :boolean,
     default: false,
     for: :attach,
     doc:
       "breakpoints are set on every node that `node` is connected to, and its scope knows, as well"},
    {"cookieEnv",
     type: {:or, [:string, nil]},
     default: nil,
     doc:
       "the environment variable that holds the cookie; without this, `SCOPE_COOKIE`, `RELEASE_COOKIE` and then " <>
         "Erlang's file are looked at"},
    {"cookieFile",
     type: {:or, [:string, nil]},
     default: nil,
     doc: "a file that holds nothing but the cookie, such as `releases/COOKIE` of a release"},
    {"cookie",
     type: {:or, [:string, nil]},
     default: nil,
     doc:
       "the cookie itself; refused unless `cookieInClear` says that it shall stand in a file for everybody to read"},
    {"cookieInClear", type: :boolean, default: false, doc: "accept `cookie`"},
    {"languageNode",
     type: {:or, [:node, {:in, ["start", "none"]}, nil]},
     default: nil,
     doc:
       "the node that knows the code: `start` one for this session, `none`, or `name@host` of one that runs, which several " <>
         "sessions can share; without it `start`, or `none` if `distributedDebugging.enabled` is `false`"},
    {"scope",
     type: {:or, [:scope, nil]},
     default: nil,
     doc:
       "the scope on the debugged nodes whose options `:allow` count; without it the default one"},
    {"leaseMs",
     type: {:integer, 1_000, 3_600_000},
     default: 10_000,
     doc: "how long what was interpreted, set and stopped outlives an adapter that is gone"},
    {"noDebug",
     type: :boolean,
     default: false,
     doc: "run without breakpoints, as editors ask for with \"run without debugging\""},
    {"debugAutoInterpretAllModules",
     type: :boolean,
     default: false,
     doc:
       "interpret all modules of the project at the beginning, as other adapters do; slow, and only for what " <>
         "`interpretationPatterns` cannot name"},
    {"interpretationPatterns",
     type: {:list, :pattern},
     default: [],
     doc:
       "what is interpreted at the beginning, beside what breakpoints need: modules and functions by the grammar of " <>
         "`trace/2`, such as `MyApp.*`"},
    {"coordinationMode",
     type: {:in, ["beam-rpc", "extension", "auto"]},
     default: "auto",
     doc:
       "who says which modules a breakpoint needs: the language node (`beam-rpc`), the editor (`extension`), or the first " <>
         "of language node, editor and this node that answers (`auto`)"},
    {"distributedDebugging",
     type: {:object, @distributed}, default: %{}, doc: "the session across nodes"}
  ]

  @type key :: {String.t(), keyword}

  @doc "The keys, in the order in which they are documented."
  @spec keys() :: [key]
  def keys, do: @keys

  @doc "Keys that are the client's own, and taken without a word."
  @spec clients() :: [String.t()]
  def clients, do: @clients

  @doc "Every key with its whole path, in the order of the schema."
  @spec paths() :: [{String.t(), keyword}]
  def paths, do: paths(@keys, "")

  defp paths(keys, before) do
    Enum.flat_map(keys, fn {name, spec} ->
      [{before <> name, spec} | inner(spec[:type], before <> name <> ".")]
    end)
  end

  defp inner({:object, keys}, before), do: paths(keys, before)
  defp inner(_type, _before), do: []

  @doc "The keys as a table in Markdown."
  @spec docs() :: String.t()
  def docs do
    rows = for {path, spec} <- paths(), do: [row(path, spec), "\n"]

    IO.iodata_to_binary([
      "| key | of | holds | default | effect |\n|---|---|---|---|---|\n" | rows
    ])
  end

  defp row(path, spec) do
    "| `#{path}` | #{spec[:for] || "both"} | #{Type.describe(spec[:type])} | #{default(spec)} | #{spec[:doc]} |"
  end

  defp default(spec) do
    case spec do
      [{:type, {:object, _keys}} | _] -> ""
      _spec -> "`#{written(spec[:default])}`"
    end
  end

  defp written(nil), do: "null"

  defp written(value),
    do: value |> ElixirScope.Distributed.CLI.Json.encode() |> IO.iodata_to_binary()
end
