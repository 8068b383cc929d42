defmodule ElixirScope.Distributed.Debug.Operations do
  alias ElixirScope.Distributed.Debug.{
    Adapter,
    DependencyService,
    Interpreter,
    Owners,
    Breakpoints
  }

  alias ElixirScope.Distributed.Debug.{ModuleInformation, Stopped, TracerStream, Workspace}

  # Operation, needs, whether asking twice is as asking once, what it takes, the function that does it,
  # and what it is.

  # -- language side: dependencies --

  @dependency_analysis [
    {:module_dependencies, :query, true, [:module, :options],
     {DependencyService.Served, :module_dependencies}, "what a module depends on, and who on it"},
    {:breakpoint_dependencies, :query, true, [:file, :line, :options],
     {DependencyService.Served, :breakpoint_dependencies},
     "what has to be interpreted for a breakpoint at a line"},
    {:direct, :query, true, [:module], {DependencyService.Served, :direct},
     "what a module needs itself"},
    {:reverse, :query, true, [:module], {DependencyService.Served, :reverse},
     "who needs it itself"},
    {:transitive, :query, true, [:module, :options], {DependencyService.Served, :transitive},
     "what it needs, however far away"},
    {:why, :query, true, [:module, :module], {DependencyService.Served, :why},
     "a shortest way from the one to the other"},
    {:cycles, :query, true, [], {DependencyService.Served, :cycles},
     "modules that need each other"},
    {:affected_by, :query, true, [:module], {DependencyService.Served, :affected_by},
     "what a change of the module comes to"}
  ]

  @tracer_data_access [
    {:get_trace, :query, true, [], {TracerStream.Served, :get_trace},
     "the references between modules as they are, with their version"},
    {:subscribe, :query, true, [:pid, :version], {TracerStream.Served, :subscribe},
     "tells a process of every change from a version on"},
    {:unsubscribe, :query, true, [:pid], {TracerStream.Served, :unsubscribe}, "ends that"}
  ]

  # -- language side: modules and workspace --

  @module_information [
    {:module, :query, true, [:module], {ModuleInformation, :module},
     "source, md5, functions with their lines and behaviours of a module"},
    {:at, :query, true, [:file, :line], {ModuleInformation, :at}, "which function holds a line"},
    {:modules_of, :query, true, [:file], {ModuleInformation, :modules_of},
     "which modules a file defines"}
  ]

  @workspace_analysis [
    {:graph, :query, true, [], {Workspace, :graph}, "the whole graph, as bytes"},
    {:cycles, :query, true, [], {Workspace, :cycles}, "modules that need each other"},
    {:affected, :query, true, [:modules], {Workspace, :affected},
     "what a change of the modules comes to"},
    {:why, :query, true, [:module, :module], {Workspace, :why},
     "a shortest way from the one to the other"}
  ]

  # -- target side: interpretation and breakpoints --

  @interpretation_management [
    {:interpret, :debug, true, [:owner, :patterns, :options], {Interpreter.Served, :interpret},
     "interprets modules"},
    {:restore, :debug, true, [:owner, :patterns_or_all], {Interpreter.Served, :restore},
     "takes the compiled code again"},
    {:status, :debug, true, [], {Interpreter.Served, :status},
     "what is interpreted, and for whom"}
  ]

  @breakpoint_coordination [
    {:hold, :debug, true, [:owner, :lease_ms], {Owners.Served, :hold},
     "a debugger comes, with a lease"},
    {:renew, :debug, true, [:owner], {Owners.Served, :renew}, "is still there"},
    {:release, :debug, true, [:owner], {Owners.Served, :release},
     "goes, and all it wanted with it"},
    {:set, :debug, false, [:owner, :where, :options], {Breakpoints.Target, :set},
     "sets a breakpoint"},
    {:clear, :debug, true, [:owner, :ids], {Breakpoints.Target, :clear},
     "takes breakpoints away"},
    {:list, :debug, true, [], {Breakpoints.Target, :list}, "which there are"}
  ]

  # -- target side: processes --

  @process_monitoring [
    {:attach, :debug, true, [:owner, :options], {Stopped.Served, :attach},
     "wants to hear what stops"},
    {:detach, :debug, true, [:owner], {Stopped.Served, :detach}, "no longer wants to"},
    {:stopped, :debug, true, [], {Stopped.Served, :stopped}, "which processes stand"},
    {:processes, :debug, true, [:options], {Stopped.Served, :processes}, "which there are"},
    {:stack, :debug, true, [:pid, :options], {Stopped.Served, :stack},
     "frames of one that stands"},
    {:bindings, :debug, true, [:pid, :frame, :options], {Stopped.Served, :bindings},
     "variables of a frame"},
    {:value, :debug, true, [:pid, :frame, :path, :options], {Stopped.Served, :value},
     "a page of a large term"},
    {:evaluate, :debug, false, [:pid, :frame, :text, :options], {Stopped.Served, :evaluate},
     "evaluates an expression in a frame"},
    {:step, :debug, false, [:owner, :pid, :how], {Stopped.Served, :step}, "goes a step"},
    {:continue, :debug, false, [:pid], {Stopped.Served, :continue}, "lets it go on"},
    {:pause, :debug, true, [:owner, :pid], {Stopped.Served, :pause}, "stops it"},
    {:exceptions, :debug, true, [:owner, :filters], {Stopped.Served, :exceptions},
     "at which exceptions processes stop"}
  ]

  # -- target side: what an adapter asks besides --

  @adapters [
    {:members, :debug, true, [], {Adapter.Target, :members}, "which nodes its cluster has"},
    {:project, :debug, true, [], {Adapter.Target, :project}, "which modules its project has"},
    {:source, :debug, true, [:module], {Adapter.Target, :source},
     "the text of the file that a module was compiled from"},
    {:trace_from_here, :debug, false, [:pid, :owner, :patterns, :options],
     {Adapter.FromHere, :begin}, "lets one that stands go on, and traces what follows"},
    {:stop_trace_from_here, :debug, true, [:pid], {Adapter.FromHere, :stop}, "ends that"},
    {:terminate, :debug, true, [], {Adapter.Target, :terminate}, "ends the node, in order"}
  ]

  @language [
    dependency_analysis: @dependency_analysis,
    tracer_data_access: @tracer_data_access,
    module_information: @module_information,
    workspace_analysis: @workspace_analysis
  ]

  @target [
    interpretation_management: @interpretation_management,
    breakpoint_coordination: @breakpoint_coordination,
    process_monitoring: @process_monitoring ++ @adapters
  ]

  @moduledoc """
  What a node can ask of another one's services: this table, and nothing else. Whatever is none of
  these, or whose arguments are not of the types that stand here, is
  `{:error, :not_a_service_operation}`, counted, and noted in the log once a minute at most. No
  operation takes a module, a function and arguments to be called.

  What an operation *needs* is a capability that the scope of the node that is asked grants by its own
  options `allow:` and `serve:`; it is looked at with every request. One that is *idempotent* can be
  asked twice, and is, where no answer came.

  | service | operation | needs | idempotent | takes | what it does |
  |---|---|---|---|---|---|
  #{for {service, rows} <- @language ++ @target, {operation, needs, again?, takes, _function, doc} <- rows do
    "| `#{service}` | `#{operation}` | #{inspect(needs)} | #{if again?, do: "yes", else: "no"} | #{Enum.map_join(takes, ", ", &"`#{&1}`")} | #{doc} |\n"
  end}

  ## Types

  #{Enum.map_join(ElixirScope.Distributed.Debug.Operations.Argument.words(), "\n", fn {type, words} -> "  * `#{type}` - #{words}" end)}

      iex> {:ok, row} = ElixirScope.Distributed.Debug.Operations.find(:process_monitoring, :evaluate)
      iex> {row.needs, row.idempotent?, row.takes}
      {:debug, false, [:pid, :frame, :text, :options]}
  """

  alias ElixirScope.Distributed.Debug.Operations.Argument

  @typedoc "One operation: who does it, what it needs and takes."
  @type t :: %{
          service: atom,
          operation: atom,
          needs: :query | :debug,
          idempotent?: boolean,
          takes: [Argument.name()],
          function: {module, atom},
          doc: String.t()
        }

  @table for {service, rows} <- @language ++ @target,
             {operation, needs, again?, takes, function, doc} <- rows,
             do: %{
               service: service,
               operation: operation,
               needs: needs,
               idempotent?: again?,
               takes: takes,
               function: function,
               doc: doc
             }

  @by_name Map.new(@table, &{{&1.service, &1.operation}, &1})
  @sides %{language: Keyword.keys(@language), target: Keyword.keys(@target)}

  @doc """
  Every operation.

      iex> Enum.count(ElixirScope.Distributed.Debug.Operations.all(), &(&1.service == :workspace_analysis))
      4
  """
  @spec all() :: [t]
  def all, do: @table

  @doc """
  The services of a side.

      iex> ElixirScope.Distributed.Debug.Operations.services(:target)
      [:interpretation_management, :breakpoint_coordination, :process_monitoring]
  """
  @spec services(:language | :target) :: [atom]
  def services(side), do: Map.fetch!(@sides, side)

  @doc """
  The operation of that name.

      iex> ElixirScope.Distributed.Debug.Operations.find(:workspace_analysis, :remove)
      {:error, :not_a_service_operation}
  """
  @spec find(term, term) :: {:ok, t} | {:error, :not_a_service_operation}
  def find(service, operation) do
    with :error <- Map.fetch(@by_name, {service, operation}),
         do: {:error, :not_a_service_operation}
  end

  @doc """
  The same, if the arguments are of its types.

      iex> {:ok, row} = ElixirScope.Distributed.Debug.Operations.check(:module_information, :module, [Enum])
      iex> row.needs
      :query
      iex> ElixirScope.Distributed.Debug.Operations.check(:module_information, :module, [{Enum, :map, []}])
      {:error, :not_a_service_operation}
  """
  @spec check(term, term, term) :: {:ok, t} | {:error, :not_a_service_operation}
  def check(service, operation, arguments) do
    with {:ok, row} <- find(service, operation) do
      if taken?(row.takes, arguments), do: {:ok, row}, else: {:error, :not_a_service_operation}
    end
  end

  # As many as there are types, and no further.
  defp taken?([], []), do: true
  defp taken?([type | types], [one | rest]), do: Argument.check(type, one) and taken?(types, rest)
  defp taken?(_types, _arguments), do: false

  @doc false
  # Whether a term could be the name of an operation's service, for who has only that.
  @spec service?(term) :: boolean
  def service?(service), do: service in @sides.language or service in @sides.target
end
