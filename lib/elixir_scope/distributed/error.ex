defmodule ElixirScope.Distributed.Error do
  @moduledoc """
  An expected failure, as a value that can be matched.

  `reason` is an atom from a closed list per function; `details` holds what a
  person needs to act on it. It is an exception, so that scripts can raise it.

      iex> error = ElixirScope.Distributed.Error.new(:not_running, scope: :shop)
      iex> error.reason
      :not_running
      iex> Exception.message(error)
      "the scope :shop is not running on this node; start it with {ElixirScope.Distributed, name: :shop}"
  """

  alias ElixirScope.Distributed.{Debug, Inject}
  alias ElixirScope.Distributed.Error.Simulated

  defexception [:reason, details: %{}]

  @type t :: %__MODULE__{reason: atom, details: map}

  @doc "Builds an error of `reason` with `details` (a keyword list or a map)."
  @spec new(atom, Enumerable.t()) :: t
  def new(reason, details \\ []), do: %__MODULE__{reason: reason, details: Map.new(details)}

  # By an atom in the first place: clauses that differ in nested maps take the type checker of
  # Elixir 1.20 minutes.
  @impl true
  def message(%{reason: reason, details: details}),
    do:
      Inject.Reasons.text(reason, details) || Debug.Reasons.text(reason, details) ||
        text(reason, details)

  defp text(:not_running, %{scope: scope}) do
    "the scope #{inspect(scope)} is not running on this node; " <>
      "start it with {ElixirScope.Distributed, name: #{inspect(scope)}}"
  end

  defp text(:no_time, %{scope: scope, role: role, ms: ms}) do
    "#{inspect(role)} of the scope #{inspect(scope)} did not answer within #{ms} ms: this node is too busy; " <>
      "ask again, and see what keeps its schedulers"
  end

  defp text(:disabled, _details) do
    "config :elixir_scope_distributed, enabled: false: nothing can be started on this node"
  end

  defp text(:native_store, _details) do
    "the native store takes what is recorded and synchronised, and keeps it by the options of its " <>
      "scope: nothing is appended to it or taken out"
  end

  defp text(:library_not_loaded, details) do
    "#{details.file}.so cannot be loaded: #{details.reason}. Nothing is recorded on this node. " <>
      "`mix compile` in a checkout builds it; ELIXIR_SCOPE_NATIVE names one that was built elsewhere"
  end

  defp text(:bad_context, %{message: message}),
    do: "this is no context: #{message}"

  defp text(:context_too_large, %{limit: limit}),
    do: "a context holds at most #{limit} bytes: nothing was added"

  defp text(:no_correlation, _details),
    do:
      "there is no correlation to add to; begin one with ElixirScope.Distributed.with_correlation/2"

  defp text(:bad_pattern, %{column: column} = details),
    do: "#{inspect(details.pattern)}, column #{column}: #{details.expected}"

  defp text(:bad_pattern, details),
    do: "#{inspect(details.pattern)}: expected #{details.expected}"

  defp text(:no_match, %{what: what, suggestions: suggestions}),
    do: "there is #{what}" <> did_you_mean(suggestions)

  defp text(:banned, details),
    do: "#{details.what} is not traced, as #{details.why}: #{details.instead}"

  defp text(:runaway_return, %{function: {m, f, a}}) do
    "#{Exception.format_mfa(m, f, a)} calls itself last: each turn would wait for a return that " <>
      "never comes, until there is no memory left; trace it without returns"
  end

  defp text(:too_many_functions, details),
    do: "#{details.functions} functions, and at most #{details.limit} are traced: name fewer"

  defp text(:unsafe_kinds, %{erts: erts, kinds: kinds}) do
    "tracing #{inspect(kinds)} can bring down ERTS #{erts}: OTP 25.3 and later bear it"
  end

  defp text(:no_memory, %{erts: erts}) do
    "ERTS #{erts} does not count the memory of functions, or counts it wrong: OTP 26, 27.0 and " <>
      "from 27.3.4 on do"
  end

  defp text(:too_many_counted, details) do
    "#{details.functions} functions, and the memory of at most #{details.limit} is counted, as the " <>
      "VM stops for each to tell: name fewer"
  end

  defp text(:clock_too_far_ahead, %{ahead_ns: ahead, limit_ns: limit}) do
    "its clock is #{div(ahead, 1_000_000)} ms ahead of this node's, and at most " <>
      "#{div(limit, 1_000_000)} ms are followed: let a time server set both; see :max_clock_drift_ms"
  end

  defp text(:not_an_event, %{given: given}),
    do: "#{given} is no event, or has fields that none has"

  defp text(:filter_too_large, %{field: field}) do
    "`#{field}:` names more, or is longer, than other nodes are asked by: ask several times"
  end

  defp text(:not_in_profile, %{profile: profile, option: option}),
    do: "profile: #{inspect(profile)} does not take #{inspect(option)}"

  defp text(:bad_threshold, %{given: given, most: most}),
    do: "slower_than(#{inspect(given)}): milliseconds are wanted, a number from 1 to #{most}"

  defp text(:needs_only, %{option: option}) do
    "#{option}: bounds the calls that `only:` looks at to keep some of them: " <>
      "without it every call is kept, and events_per_s: bounds them"
  end

  defp text(:no_calls, %{option: option}),
    do: "#{option}: says which calls are kept, and no function is named: there are none"

  defp text(:no_state, %{module: module, why: why}),
    do: "#{inspect(module)} shows no state: #{why}"

  defp text(:too_wide, %{missing: :processes}) do
    "everything that every process does is too much for any node: name functions, or say which " <>
      "`processes:` are meant"
  end

  defp text(:nothing_wanted, _details) do
    "nothing is wanted: name functions, or say what of these processes: `messages: true`, or " <>
      "`kinds:` such as `[:process, :memory, :scheduling]`"
  end

  defp text(:no_functions, _details),
    do: "`memory: true` counts what functions take: name some"

  defp text(:too_many_conditions, %{function: {m, f, a}, limit: limit}) do
    "#{limit} traces ask for some calls of #{Exception.format_mfa(m, f, a)} already: end one of " <>
      "them, or trace every call"
  end

  defp text(:no_entry, _details) do
    "correlate: :each_call gives an id to each call, and no function is named: name those with which " <>
      "requests begin"
  end

  defp text(:system_tracer, %{tracer: tracer}) do
    "correlate: :each_call overwrites the labels of seq_trace, which another tool uses here (its system " <>
      "tracer is #{tracer}): end that first, or use with_correlation/2"
  end

  defp text(:not_allowed, %{what: what}),
    do: "this node does not allow #{inspect(what)}: see its options :allow and :serve"

  defp text(:malformed, _details),
    do: "what was asked cannot be read there: do both nodes run the same version of the library?"

  defp text(:no_answer, %{node: node}), do: "#{node} did not answer in time"

  defp text(:no_node, %{members: members}),
    do: "nodes: [] is nowhere; leave it out for all members, or name some of #{inspect(members)}"

  defp text(:stopped, %{id: id}),
    do: "trace #{id} was stopped before all nodes had begun it"

  defp text(:ended, %{id: id, reason: reason}),
    do: "trace #{id} ended here (#{inspect(reason)}) and does not begin again"

  defp text(:number_taken, %{id: id}),
    do: "another trace has the number #{id} here: begin yours again"

  defp text(:no_trace, %{id: id, silent: []}),
    do: "no node runs a trace #{inspect(id)}, or ended one lately"

  defp text(:no_trace, %{id: id, silent: silent}) do
    "no node that answered runs a trace #{inspect(id)}, or ended one lately; of " <>
      "#{Enum.map_join(silent, ", ", &to_string/1)} it is not known"
  end

  defp text(:bad_node, %{node: node}),
    do: "#{inspect(node)} is no name of a node; those are atoms like :\"orders@10.0.0.2\""

  defp text(:too_many_nodes, %{limit: limit} = details) when not is_map_key(details, :nodes),
    do: "a cluster has at most #{limit} registered nodes, this one included"

  defp text(:too_many_subscribers, %{limit: limit}),
    do: "#{limit} processes are told of changes of the cluster already"

  defp text(:too_many_subscriptions, %{limit: limit}),
    do: "#{limit} processes of this node follow the events already: end one with unsubscribe/1"

  defp text(:no_subscription, _details),
    do: "there is no such subscription on this node, or it has ended"

  defp text(:too_many_callers, %{limit: limit}),
    do:
      "#{limit} callers wait for the other members already: try again when some have their answer"

  defp text(:worker_failed, %{reason: reason}),
    do: "what should have done it failed: #{inspect(reason)}"

  defp text(:node_unavailable, %{nodes: nodes, members: members}),
    do: "#{inspect(nodes)} are no members; those are #{inspect(members)}"

  defp text(reason, %{recording: _what} = details),
    do: ElixirScope.Distributed.Recording.Failure.text(reason, details)

  defp text(reason, details), do: Simulated.text(reason, details) || unnamed(reason, details)

  # Who knows best what happened says it itself.
  defp unnamed(_reason, %{message: message}) when is_binary(message), do: message
  defp unnamed(reason, details) when details == %{}, do: inspect(reason)
  defp unnamed(reason, details), do: "#{inspect(reason)}: #{inspect(details)}"

  defp did_you_mean([]), do: ""
  defp did_you_mean(suggestions), do: "; did you mean #{Enum.join(suggestions, " or ")}?"
end
