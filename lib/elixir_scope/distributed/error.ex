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

  defexception [:reason, details: %{}]

  @type t :: %__MODULE__{reason: atom, details: map}

  @doc "Builds an error of `reason` with `details` (a keyword list or a map)."
  @spec new(atom, Enumerable.t()) :: t
  def new(reason, details \\ []), do: %__MODULE__{reason: reason, details: Map.new(details)}

  @impl true
  def message(%{reason: :not_running, details: %{scope: scope}}) do
    "the scope #{inspect(scope)} is not running on this node; " <>
      "start it with {ElixirScope.Distributed, name: #{inspect(scope)}}"
  end

  def message(%{reason: :disabled}) do
    "config :elixir_scope_distributed, enabled: false: nothing can be started on this node"
  end

  def message(%{reason: :library_not_loaded, details: details}) do
    "#{details.file}.so cannot be loaded: #{details.reason}. Nothing is recorded on this node. " <>
      "`mix compile` in a checkout builds it; ELIXIR_SCOPE_NATIVE names one that was built elsewhere"
  end

  def message(%{reason: :bad_context, details: %{message: message}}),
    do: "this is no context: #{message}"

  def message(%{reason: :context_too_large, details: %{limit: limit}}),
    do: "a context holds at most #{limit} bytes: nothing was added"

  def message(%{reason: :no_correlation}),
    do:
      "there is no correlation to add to; begin one with ElixirScope.Distributed.with_correlation/2"

  def message(%{reason: :bad_pattern, details: %{column: column} = details}),
    do: "#{inspect(details.pattern)}, column #{column}: #{details.expected}"

  def message(%{reason: :bad_pattern, details: details}),
    do: "#{inspect(details.pattern)}: expected #{details.expected}"

  def message(%{reason: :no_match, details: %{what: what, suggestions: suggestions}}),
    do: "there is #{what}" <> did_you_mean(suggestions)

  def message(%{reason: :banned, details: details}),
    do: "#{details.what} is not traced, as #{details.why}: #{details.instead}"

  def message(%{reason: :runaway_return, details: %{function: {m, f, a}}}) do
    "#{Exception.format_mfa(m, f, a)} calls itself last: each turn would wait for a return that " <>
      "never comes, until there is no memory left; trace it without returns"
  end

  def message(%{reason: :too_many_functions, details: details}),
    do: "#{details.functions} functions, and at most #{details.limit} are traced: name fewer"

  def message(%{reason: :unsafe_kinds, details: %{erts: erts, kinds: kinds}}) do
    "tracing #{inspect(kinds)} can bring down ERTS #{erts}: OTP 25.3 and later bear it"
  end

  def message(%{reason: :no_memory, details: %{erts: erts}}) do
    "ERTS #{erts} does not count the memory of functions, or counts it wrong: OTP 26, 27.0 and " <>
      "from 27.3.4 on do"
  end

  def message(%{reason: :too_many_counted, details: details}) do
    "#{details.functions} functions, and the memory of at most #{details.limit} is counted, as the " <>
      "VM stops for each to tell: name fewer"
  end

  def message(%{reason: :clock_too_far_ahead, details: %{ahead_ns: ahead, limit_ns: limit}}) do
    "its clock is #{div(ahead, 1_000_000)} ms ahead of this node's, and at most " <>
      "#{div(limit, 1_000_000)} ms are followed: let a time server set both; see :max_clock_drift_ms"
  end

  def message(%{reason: :bad_option, details: %{message: message}}), do: message

  def message(%{reason: :not_in_profile, details: %{profile: profile, option: option}}),
    do: "profile: #{inspect(profile)} does not take #{inspect(option)}"

  def message(%{reason: :bad_threshold, details: %{given: given, most: most}}),
    do: "slower_than(#{inspect(given)}): milliseconds are wanted, a number from 1 to #{most}"

  def message(%{reason: :needs_only, details: %{option: option}}) do
    "#{option}: bounds the calls that `only:` looks at to keep some of them: " <>
      "without it every call is kept, and events_per_s: bounds them"
  end

  def message(%{reason: :no_calls, details: %{option: option}}),
    do: "#{option}: says which calls are kept, and no function is named: there are none"

  def message(%{reason: :no_state, details: %{module: module, why: why}}),
    do: "#{inspect(module)} shows no state: #{why}"

  def message(%{reason: :too_wide, details: %{missing: :processes}}) do
    "everything that every process does is too much for any node: name functions, or say which " <>
      "`processes:` are meant"
  end

  def message(%{reason: :nothing_wanted}) do
    "nothing is wanted: name functions, or say what of these processes: `messages: true`, or " <>
      "`kinds:` such as `[:process, :memory, :scheduling]`"
  end

  def message(%{reason: :no_functions}),
    do: "`memory: true` counts what functions take: name some"

  def message(%{reason: :too_many_conditions, details: %{function: {m, f, a}, limit: limit}}) do
    "#{limit} traces ask for some calls of #{Exception.format_mfa(m, f, a)} already: end one of " <>
      "them, or trace every call"
  end

  def message(%{reason: :other_tracer, details: %{processes: count}}) do
    "another tool traces #{count} processes, and this version of Erlang has one tracer for all: " <>
      "end that trace first, or use OTP 27"
  end

  def message(%{reason: :no_entry}) do
    "correlate: :each_call gives an id to each call, and no function is named: name those with which " <>
      "requests begin"
  end

  def message(%{reason: :system_tracer, details: %{tracer: tracer}}) do
    "correlate: :each_call overwrites the labels of seq_trace, which another tool uses here (its system " <>
      "tracer is #{tracer}): end that first, or use with_correlation/2"
  end

  def message(%{reason: :not_allowed, details: %{what: what}}),
    do: "this node does not allow #{inspect(what)}: see the option :allow"

  def message(%{reason: :no_answer, details: %{node: node}}), do: "#{node} did not answer in time"

  def message(%{reason: :no_node, details: %{members: members}}),
    do: "nodes: [] is nowhere; leave it out for all members, or name some of #{inspect(members)}"

  def message(%{reason: :stopped, details: %{id: id}}),
    do: "trace #{id} was stopped before all nodes had begun it"

  def message(%{reason: :ended, details: %{id: id, reason: reason}}),
    do: "trace #{id} ended here (#{inspect(reason)}) and does not begin again"

  def message(%{reason: :number_taken, details: %{id: id}}),
    do: "another trace has the number #{id} here: begin yours again"

  def message(%{reason: :no_trace, details: %{id: id, silent: []}}),
    do: "no node runs a trace #{inspect(id)}, or ended one lately"

  def message(%{reason: :no_trace, details: %{id: id, silent: silent}}) do
    "no node that answered runs a trace #{inspect(id)}, or ended one lately; of " <>
      "#{Enum.map_join(silent, ", ", &to_string/1)} it is not known"
  end

  def message(%{reason: :bad_node, details: %{node: node}}),
    do: "#{inspect(node)} is no name of a node; those are atoms like :\"orders@10.0.0.2\""

  def message(%{reason: :too_many_nodes, details: %{limit: limit}}),
    do: "a cluster has at most #{limit} registered nodes, this one included"

  def message(%{reason: :too_many_subscribers, details: %{limit: limit}}),
    do: "#{limit} processes are told of changes of the cluster already"

  def message(%{reason: :worker_failed, details: %{reason: reason}}),
    do: "what should have done it failed: #{inspect(reason)}"

  def message(%{reason: :node_unavailable, details: %{nodes: nodes, members: members}}),
    do: "#{inspect(nodes)} are no members; those are #{inspect(members)}"

  def message(%{reason: reason, details: details}) when details == %{}, do: inspect(reason)
  def message(%{reason: reason, details: details}), do: "#{inspect(reason)}: #{inspect(details)}"

  defp did_you_mean([]), do: ""
  defp did_you_mean(suggestions), do: "; did you mean #{Enum.join(suggestions, " or ")}?"
end
