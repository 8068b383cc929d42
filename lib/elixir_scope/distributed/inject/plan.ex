defmodule ElixirScope.Distributed.Inject.Plan do
  @moduledoc """
  What would be done to a node, before it is done: `ElixirScope.Distributed.Inject.plan/3`.

  `lines/1` says it in words: which modules with their sizes, which processes, which functions and flags,
  and the budgets.
  """

  alias ElixirScope.Distributed.Capture.{Order, Pattern}
  alias ElixirScope.Distributed.Error
  alias ElixirScope.Distributed.Inject.{Closure, Functions, Guest, Processes, Refusals, Remote}
  alias ElixirScope.Distributed.Inject.{Steps, Survey}
  alias ElixirScope.Distributed.Options

  @enforce_keys [
    :at,
    :survey,
    :order,
    :functions,
    :processes,
    :steps,
    :modules,
    :loaded,
    :options
  ]
  defstruct @enforce_keys

  @typedoc """
  `modules` are sent, with their code; `loaded` are modules of Erlang's that the node has and will load
  for it; `steps` is what its VM is told.
  """
  @type t :: %__MODULE__{
          at: Remote.t(),
          survey: Survey.t(),
          order: Order.t(),
          functions: Functions.t(),
          processes: Processes.t(),
          steps: [tuple],
          modules: [{module, binary}],
          loaded: [module],
          options: keyword
        }

  # Flags are few; of functions and modules nobody reads more.
  @most_named 12

  @doc false
  @spec new(node, Pattern.written() | [], keyword) :: {:ok, t} | {:error, Error.t()}
  def new(node, written, options) do
    with {:ok, options} <- check(options),
         {:ok, order} <- order(written, options),
         :ok <- connected(node) do
      at = Remote.new(node, options[:timeout_ms])
      Remote.attempt(at, fn -> of(at, order, options) end)
    end
  end

  defp of(at, order, options) do
    survey = Survey.of(at, options[:health])

    with :ok <- Refusals.check(survey, own_otp()),
         {:ok, functions} <- Functions.resolve(at, order.patterns),
         {:ok, processes} <- Processes.resolve(at, order.options[:processes]) do
      modules = Closure.of(Guest.modules(), survey.elixir?)

      {:ok,
       %__MODULE__{
         at: at,
         survey: survey,
         order: order,
         functions: functions,
         processes: processes,
         steps: Steps.of(functions, processes, order),
         modules: modules,
         loaded: not_loaded(at, modules),
         options: options
       }}
    end
  end

  defp check(options) do
    case Options.validate(:inject, options) do
      {:ok, options} -> {:ok, options}
      {:error, message} -> {:error, Error.new(:bad_option, message: message)}
    end
  end

  defp order(written, options),
    do: Order.new(written, [correlate: false] ++ of_trace(options), {node(), self()})

  defp of_trace(options), do: Keyword.take(options, Options.Inject.of_trace())

  defp connected(node) do
    if is_atom(node) and node in Node.list(:connected),
      do: :ok,
      else: {:error, Error.new(:not_connected, node: node)}
  end

  # What these modules were compiled on, or an older one.
  defp own_otp, do: :otp_release |> :erlang.system_info() |> List.to_integer()

  defp not_loaded(at, modules) do
    called =
      for {_module, code} <- modules, called <- Closure.imports(code), uniq: true, do: called

    erlang = called -- Keyword.keys(modules)
    loaded = Remote.call(at, :lists, :map, [&:erlang.module_loaded/1, erlang])

    for {module, false} <- Enum.zip(erlang, loaded),
        Remote.call(at, :code, :which, [module]) != :non_existing,
        do: module
  end

  @doc """
  The plan in words, a line each.

      iex> is_function(&ElixirScope.Distributed.Inject.Plan.lines/1)
      true
  """
  @spec lines(t) :: [String.t()]
  def lines(plan) do
    [
      "On #{plan.at.node} (OTP #{plan.survey.otp}, #{if plan.survey.elixir?, do: "with", else: "without"} " <>
        "Elixir, without the library):",
      modules(plan),
      "  processes  a tracer, which the VM kills beyond #{bytes(Guest.Tracer.limits().heap_bytes)}, and " <>
        "#{inspect(Guest.Warden.name())}, which takes everything away again; no table, no file",
      functions(plan),
      "  of         #{of_whom(plan.processes)}",
      "  tracer     #{if plan.survey.sessions?, do: "a trace session of its own", else: "the one tracer of the VM, which nobody else has"}",
      "  flags      #{plan.steps |> flags() |> named()}",
      budgets(plan.order.budgets),
      "  health     ends when one is reached: #{thresholds(plan.survey.limits)}",
      "  copies     #{copies(plan.order)}",
      "  afterwards all of it is taken away, also when this program dies or the connection is cut"
    ]
    |> Enum.concat(loads(plan.loaded))
  end

  defp modules(%{modules: modules}) do
    size = Enum.reduce(modules, 0, fn {_module, code}, all -> all + byte_size(code) end)

    each =
      Enum.map_join(modules, ", ", fn {module, code} ->
        "#{inspect(module)} (#{number(byte_size(code))})"
      end)

    "  modules    #{length(modules)}, #{bytes(size)}, in memory only: #{each}"
  end

  defp functions(%{functions: %{targets: []}}), do: "  functions  none"

  defp functions(%{functions: %{targets: targets, refused: refused}}) do
    names = for %{mfa: {m, f, a}, pattern: p} <- targets, do: mfa(m, f, a) <> ending(p)

    without =
      if refused == [], do: "", else: "; without returns, as they are loops: #{loops(refused)}"

    "  functions  #{number(length(targets))}: #{named(names)}#{without}"
  end

  defp mfa(module, function, arity), do: Exception.format_mfa(module, function, arity)
  defp loops(refused), do: named(for {m, f, a} <- refused, do: mfa(m, f, a))

  defp ending(pattern),
    do:
      if(pattern.head == :_, do: "", else: ", some calls") <>
        if(pattern.return, do: " -> return", else: "")

  defp of_whom(processes) do
    [
      processes.all? && "all processes",
      processes.new? && "processes that are started from now on",
      processes.pids != [] &&
        "#{number(length(processes.pids))} processes: #{named(Enum.map(processes.pids, &inspect/1))}",
      processes.parents != [] && "what #{named(Enum.map(processes.parents, &inspect/1))} start"
    ]
    |> Enum.filter(& &1)
    |> Enum.join("; ")
  end

  defp flags(steps) do
    of_processes = for {:process, _target, flags} <- steps, flag <- flags, do: flag

    of_functions =
      for {:function, _mfa, [_ | _] = spec} <- steps, clause <- spec, do: followed(clause)

    (of_processes ++ Enum.concat(of_functions)) |> Enum.uniq() |> Enum.map(&inspect/1)
  end

  defp followed({_head, _guards, body}),
    do: for({:trace, [], flags} <- body, flag <- flags, do: flag)

  defp budgets(budgets) do
    "  ends after #{number(budgets.events)} events, #{bytes(budgets.bytes)}, #{number(budgets.duration_ms)} ms, " <>
      "#{number(budgets.lease_ms)} ms without hearing from here, or more than " <>
      "#{number(budgets.events_per_s)} events, #{budgets.cpu_percent} % of a scheduler in a second"
  end

  defp thresholds(limits),
    do:
      limits
      |> Enum.sort()
      |> Enum.map_join(", ", fn {name, limit} -> "#{name} #{written(limit)}" end)

  defp written(limit) when is_integer(limit), do: number(limit)
  defp written(limit), do: "#{limit}"

  # A process tracer is sent whole terms, whatever is kept of them.
  defp copies(%{options: options}) do
    case options[:capture] do
      :calls ->
        "no arguments; what is returned, sent and received is copied within the node and dropped"

      _some ->
        "arguments, returns and messages as a whole within the node; bounded and redacted there"
    end
  end

  defp loads([]), do: []

  defp loads(modules),
    do: [
      "  loads      of its own Erlang, where they stay: #{named(Enum.map(modules, &inspect/1))}"
    ]

  defp named(names) do
    case Enum.split(names, @most_named) do
      {names, []} -> Enum.join(names, ", ")
      {names, more} -> Enum.join(names, ", ") <> " and #{number(length(more))} more"
    end
  end

  defp bytes(bytes), do: number(bytes) <> " bytes"

  defp number(number) do
    number
    |> Integer.to_string()
    |> String.reverse()
    |> String.replace(~r/\d{3}(?=\d)/, "\\0,")
    |> String.reverse()
  end
end
