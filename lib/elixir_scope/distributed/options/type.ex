defmodule ElixirScope.Distributed.Options.Type do
  @moduledoc false
  # What an option may hold: one place that checks a value and says in words what
  # was expected, so that the schema, its errors and its documentation agree.

  alias ElixirScope.Distributed.Capture.{Health, Only, Redact, Sources}
  alias ElixirScope.Distributed.Query.Cursor
  alias ElixirScope.Distributed.TimeTravel.Moment

  @type t :: atom | {:list, t} | {:or, [t]} | {:in, [term]} | {:implementation, module}

  @words %{
    nil: "nil",
    any: "any term",
    atom: "an atom",
    boolean: "a boolean",
    pid: "a pid",
    reference: "a reference",
    string: "a string",
    pos_integer: "a positive integer",
    non_neg_integer: "a non-negative integer",
    mfa: "a {module, function, arity}",
    functions: "a list of function names, alone or with an arity",
    timestamp: "a timestamp",
    moment: "a timestamp, a DateTime, nanoseconds since 1970, or an event or its id",
    event: "an event or its id",
    cursor: "an event or the cursor of a result",
    processes: "a pid, a name, :all, :new, {:supervised_by, name}, or a list of these",
    only: "what ElixirScope.Distributed.slower_than/1 returns",
    sync: ":auto, :full, :on_demand, {:collectors, n} or {:collectors, nodes}",
    thresholds: "a keyword list of #{Enum.map_join(Health.names(), ", ", &inspect/1)} (numbers)",
    capture:
      "a list of :logger, :telemetry (with lists of atoms), :vitals, alone or with their options",
    redact:
      "a keyword list of :keys, :types, :modules (lists of names), :functions (a list of " <>
        "{module, name} or {module, name, arity}) and :defaults (a boolean)"
  }

  @doc "Says whether `value` is of the type, else in words what was expected."
  @spec check(t, term) :: :ok | {:error, String.t()}
  def check(type, value) do
    if valid?(type, value), do: :ok, else: {:error, describe(type)}
  end

  @doc "The type in words."
  @spec describe(t) :: String.t()
  def describe({:list, type}), do: "a list, each #{describe(type)}"
  def describe({:or, types}), do: Enum.map_join(types, " or ", &describe/1)
  def describe({:in, values}), do: "one of #{Enum.map_join(values, ", ", &inspect/1)}"

  def describe({:implementation, behaviour}),
    do: "a module that implements #{inspect(behaviour)} or a {module, options}"

  def describe(type), do: Map.fetch!(@words, type)

  defp valid?(:any, _value), do: true
  defp valid?(nil, value), do: value == nil
  defp valid?(:atom, value), do: is_atom(value) and value != nil
  defp valid?(:boolean, value), do: is_boolean(value)
  defp valid?(:pid, value), do: is_pid(value)
  defp valid?(:reference, value), do: is_reference(value)
  defp valid?(:string, value), do: is_binary(value)
  defp valid?(:pos_integer, value), do: is_integer(value) and value > 0
  defp valid?(:non_neg_integer, value), do: is_integer(value) and value >= 0
  defp valid?(:mfa, {m, f, a}), do: is_atom(m) and is_atom(f) and (a == :_ or a in 0..255)
  defp valid?(:functions, names), do: is_list(names) and Enum.all?(names, &function?/1)
  defp valid?(:timestamp, {l, p, n}), do: is_integer(l) and is_integer(p) and is_atom(n)
  defp valid?(:timestamp, value), do: is_integer(value) or is_struct(value, DateTime)
  defp valid?(:cursor, value), do: Cursor.valid?(value)
  defp valid?(:moment, value), do: Moment.valid?(value)
  defp valid?(:event, value), do: Moment.id?(value)
  defp valid?(:redact, value), do: Redact.valid?(value)
  defp valid?(:processes, [_ | _] = several), do: Enum.all?(several, &valid?(:processes, &1))
  defp valid?(:processes, {:supervised_by, one}), do: valid?(:atom, one) or is_pid(one)
  defp valid?(:processes, one), do: valid?(:atom, one) or is_pid(one)
  defp valid?(:only, value), do: Only.valid?(value)
  defp valid?(:sync, {:collectors, [_ | _] = nodes}), do: Enum.all?(nodes, &valid?(:atom, &1))
  defp valid?(:sync, {:collectors, n}), do: is_integer(n) and n in 1..1_000
  defp valid?(:sync, mode), do: mode in [:auto, :full, :on_demand]
  defp valid?(:thresholds, value), do: Health.valid?(value)
  defp valid?(:capture, value), do: Sources.valid?(value)
  defp valid?({:list, type}, value), do: is_list(value) and Enum.all?(value, &valid?(type, &1))
  defp valid?({:or, types}, value), do: Enum.any?(types, &valid?(&1, value))
  defp valid?({:in, values}, value), do: value in values
  defp valid?({:implementation, _} = type, value), do: why(type, value) == ""
  defp valid?(_type, _value), do: false

  @doc "What a value lacks that should implement a behaviour; nothing of any other type."
  @spec why(t, term) :: String.t()
  def why({:implementation, behaviour}, {module, options}) do
    if Keyword.keyword?(options),
      do: why({:implementation, behaviour}, module),
      else: ", whose options are no keyword list"
  end

  def why({:implementation, behaviour}, module)
      when is_atom(module) and module not in [nil, true, false] do
    case Code.ensure_loaded(module) do
      {:module, _} -> lacks(behaviour.behaviour_info(:callbacks) -- found(module, behaviour))
      {:error, _reason} -> ", which is no module that can be loaded"
    end
  end

  def why({:implementation, _behaviour}, _value), do: ", which is no module"
  def why(_type, _value), do: ""

  # Structural: what counts is that the callbacks are there.
  defp found(module, behaviour),
    do: module.module_info(:exports) ++ behaviour.behaviour_info(:optional_callbacks)

  defp lacks([]), do: ""

  defp lacks(callbacks) do
    list = Enum.map_join(Enum.sort(callbacks), ", ", fn {name, arity} -> "#{name}/#{arity}" end)
    ", which lacks #{list}"
  end

  defp function?({name, arity}), do: is_atom(name) and arity in 0..255
  defp function?(name), do: is_atom(name)
end
