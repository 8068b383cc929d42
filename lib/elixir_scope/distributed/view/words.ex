defmodule ElixirScope.Distributed.View.Words do
  @moduledoc false
  # An event in words, the same in all views. Nothing here is safe to print before it was fitted to
  # its columns (`View.Text`). Pure.

  alias ElixirScope.Distributed.Opaque
  alias ElixirScope.Distributed.View.Footer
  alias Inspect.Algebra

  # A term takes at least two columns for each of its parts.
  @least_columns 2

  @messages [:send, :receive]

  @doc "What happened, without what it was about in detail."
  @spec what(map) :: String.t()
  def what(%{kind: :mark, subject: subject}), do: name(subject)
  def what(%{kind: :gap, data: data}), do: "gap: " <> lost(data)
  def what(%{kind: :send, subject: to} = event), do: "send to " <> peer(to, event)
  def what(%{kind: :receive}), do: "receive"

  def what(%{kind: kind, subject: {m, f, a}}) when is_atom(m) and is_atom(f) and is_integer(a),
    do: "#{kind} #{Exception.format_mfa(m, f, a)}"

  def what(%{kind: kind, subject: nil}), do: to_string(kind)
  def what(%{kind: kind, subject: subject} = event), do: "#{kind} #{peer(subject, event)}"

  # Pids of virtual nodes are all of the node that simulates them.
  defp peer(pid, %{pid: own, node: node}) when is_pid(pid) do
    home = if is_pid(own), do: node(own), else: node
    process(node(pid), pid, home)
  end

  defp peer(other, _event), do: name(other)

  defp name(atom) when is_atom(atom),
    do: atom |> Atom.to_string() |> String.replace_prefix("Elixir.", "")

  defp name({name, node}) when is_atom(name) and is_atom(node), do: "#{name(name)} on #{node}"

  # Its message, too, begins with it.
  defp name(alias) when is_reference(alias), do: "an alias"
  defp name(other), do: term(other, 100)

  @doc "What it was about, in no more work than so many columns are worth."
  @spec data(map, pos_integer) :: String.t()
  def data(%{kind: :gap}, _columns), do: ""
  def data(%{data: nil}, _columns), do: ""

  def data(%{data: data, meta: meta, kind: kind}, columns),
    do: written(kind, data, columns) <> if(meta[:truncated?], do: " …", else: "")

  # Whoever asked stands in the lane, and in the event.
  defp written(kind, {:"$gen_call", {_from, _tag}, request}, columns) when kind in @messages,
    do: "call " <> term(request, columns)

  defp written(kind, {:"$gen_cast", request}, columns) when kind in @messages,
    do: "cast " <> term(request, columns)

  defp written(kind, {[:alias | ref], reply}, columns)
       when kind in @messages and is_reference(ref),
       do: "reply " <> term(reply, columns)

  defp written(kind, {ref, reply}, columns) when kind in @messages and is_reference(ref),
    do: "reply " <> term(reply, columns)

  defp written(kind, {:DOWN, ref, _type, who, why}, columns)
       when kind in @messages and is_reference(ref),
       do: "DOWN #{term(who, columns)} #{term(why, columns)}"

  defp written(_kind, data, columns), do: term(data, columns)

  @doc "A term on one line."
  @spec term(term, pos_integer) :: String.t()
  def term(term, columns) do
    limit = max(div(columns, @least_columns), 1)
    options = [limit: limit, printable_limit: columns, width: :infinity, charlists: :as_lists]
    # The same on every version of Erlang.
    more = [inspect_fun: &shown/2, custom_options: [sort_maps: true]]
    inspect(term, options ++ more)
  end

  # What could not be kept whole takes no more room than it is worth.
  defp shown(%Opaque{type: :cut}, _options), do: "…"

  defp shown(%Opaque{kept: kept}, options) when is_binary(kept),
    do: Algebra.concat(Algebra.to_doc(kept, options), "…")

  defp shown(%Opaque{type: type, size: nil}, _options) when is_atom(type), do: "##{type}"

  defp shown(%Opaque{type: type, size: size}, _options) when is_atom(type) and is_integer(size),
    do: "##{type}(#{size})"

  # The first number is that of the node for whoever looks: the same for all are the others.
  defp shown(pid, _options) when is_pid(pid), do: "#PID" <> home(:erlang.pid_to_list(pid))

  defp shown(ref, _options) when is_reference(ref) do
    ~c"#Ref" ++ numbers = :erlang.ref_to_list(ref)
    "#Reference" <> home(numbers)
  end

  defp shown(other, options), do: Inspect.inspect(other, options)

  defp home(numbers), do: numbers |> to_string() |> String.replace(~r/<\d+/, "<0")

  @doc "A process as its own node calls it, with the node's name where that is not the one given."
  @spec process(node, pid | String.t() | nil, node | nil) :: String.t()
  def process(node, pid, at \\ nil)
  def process(node, nil, _at), do: to_string(node)
  def process(node, pid, node), do: local(pid)
  def process(node, pid, _at), do: "#{node} #{local(pid)}"

  # Of a node whose name is not known as one, the core can only say how the pid is written.
  defp local(pid) when is_binary(pid), do: pid

  defp local(pid) do
    [_node | rest] = pid |> :erlang.pid_to_list() |> to_string() |> String.split(".")
    Enum.join(["<0" | rest], ".")
  end

  @doc "What was lost, and why, as the data of a `:gap` event says it."
  @spec lost(term) :: String.t()
  def lost(count) when is_integer(count), do: "#{events(count)} lost, a ring was full"

  def lost(%{thinned: thinned, refused: refused} = data) do
    [{thinned, "left out by thinning"}, {refused, "over a budget"}]
    |> Enum.filter(fn {count, _why} -> count > 0 end)
    |> Enum.map_join(", ", fn {count, why} -> "#{events(count)} #{why}" end)
    |> Kernel.<>(of_trace(data))
  end

  def lost(%{expired: count, restarted: _}), do: "#{events(count)} gone with a restart"
  def lost(%{expired: count}), do: "#{events(count)} expired"
  def lost(%{restarted: _}), do: "the node began anew"
  def lost(%{dropped: count}), do: "#{events(count)} lost on the way"
  def lost(%{missing: reason}), do: "does not answer (#{Footer.word(reason)})"
  def lost(other), do: term(other, 40)

  defp of_trace(%{of: %{trace: id}}), do: " of trace #{inspect(id)}"
  defp of_trace(_unknown), do: ""

  defp events(count) when is_integer(count) and count >= 0, do: Footer.count(count, "event")
  defp events(other), do: "#{term(other, 20)} events"

  @doc "A stretch of time, with three digits behind the point."
  @spec ms(integer) :: String.t()
  def ms(ns), do: "#{:erlang.float_to_binary(ns / 1_000_000, decimals: 3)} ms"

  @doc "A stretch of time in the unit that fits it."
  @spec duration(non_neg_integer) :: String.t()
  def duration(ns) when ns < 1_000, do: "#{ns} ns"
  def duration(ns) when ns < 1_000_000, do: "#{Float.round(ns / 1_000, 1)} µs"
  def duration(ns) when ns < 1_000_000_000, do: "#{Float.round(ns / 1_000_000, 1)} ms"
  def duration(ns), do: "#{Float.round(ns / 1_000_000_000, 1)} s"
end
