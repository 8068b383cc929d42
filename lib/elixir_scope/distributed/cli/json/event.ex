defmodule ElixirScope.Distributed.CLI.Json.Event do
  @moduledoc false
  # An event as a JSON value, by the rules that `ElixirScope.Distributed.Export` documents for JSON
  # Lines: what is printed as it comes reads like what is exported later. A test compares the two.

  alias ElixirScope.Distributed.{Event, Opaque}
  alias ElixirScope.Distributed.CLI.Json

  @second 1_000_000_000

  @doc "The event as what `CLI.Json` encodes."
  @spec value(Event.t()) :: Json.value()
  def value(event) do
    {logical, ns, _node} = event.at

    {:object,
     id: id(event.id),
     at: {:object, ns: Integer.to_string(ns), logical: logical, time: time(ns)},
     mono_ns: event.mono_ns && Integer.to_string(event.mono_ns),
     node: event.node,
     pid: event.pid && pid(event.pid),
     kind: event.kind,
     subject: subject(event.subject, here(event)),
     correlation_id: term(event.correlation_id, here(event)),
     data: term(event.data, here(event)),
     meta: meta(event.meta)}
  end

  # As the VM was called that recorded it: a virtual node is not.
  defp here(%{pid: pid}) when is_pid(pid), do: node(pid)
  defp here(%{node: node}), do: node

  # Said by the reader itself: nobody's event.
  defp id(nil), do: nil

  defp id({{node, incarnation}, seq}),
    do: {:object, node: node, incarnation: incarnation, seq: seq}

  @doc """
  A stamp's nanoseconds as RFC 3339.

      iex> ElixirScope.Distributed.CLI.Json.Event.time(1_000_000_001)
      "1970-01-01T00:00:01.000000001Z"
  """
  @spec time(integer) :: String.t()
  def time(ns) do
    whole = ns |> Integer.floor_div(@second) |> DateTime.from_unix!() |> DateTime.to_iso8601()
    decimals = ns |> Integer.mod(@second) |> Integer.to_string() |> String.pad_leading(9, "0")
    String.trim_trailing(whole, "Z") <> "." <> decimals <> "Z"
  end

  defp subject({module, function, arity}, _node)
       when is_atom(module) and is_atom(function) and is_integer(arity),
       do: {:object, module: module, function: function, arity: arity}

  defp subject(other, node), do: term(other, node)

  defp meta(meta) do
    known = [
      truncated?: if(meta[:truncated?], do: true),
      attribution: meta[:attribution],
      confidence: meta[:confidence],
      entry: if(meta[:entry], do: true),
      pairing: meta[:pairing],
      pair: pair(meta[:pair])
    ]

    {:object, for({_name, value} = pair <- known, value != nil, do: pair)}
  end

  defp pair(nil), do: nil
  defp pair(ids) when is_list(ids), do: Enum.map(ids, &id/1)
  defp pair(id), do: id(id)

  @doc "A term that an event of `node` holds."
  @spec term(term, node) :: Json.value()
  def term(%Opaque{} = opaque, node), do: {:object, "$opaque": {:object, opaque(opaque, node)}}
  def term(atom, _node) when is_atom(atom), do: atom
  def term(number, _node) when is_number(number), do: number
  def term(pid, node) when is_pid(pid) and node(pid) == node, do: pid(pid)
  def term(pid, _node) when is_pid(pid), do: external(:"$pid", pid)
  def term(ref, _node) when is_reference(ref), do: external(:"$reference", ref)
  def term(port, _node) when is_port(port), do: external(:"$port", port)
  def term(map, node) when is_map(map), do: map(map, node)

  def term(tuple, node) when is_tuple(tuple),
    do: {:object, "$tuple": tuple |> Tuple.to_list() |> Enum.map(&term(&1, node))}

  def term(list, node) when is_list(list), do: list(list, [], node)

  def term(binary, _node) when is_binary(binary),
    do: if(String.valid?(binary), do: binary, else: {:object, "$binary": Base.encode64(binary)})

  def term(_other, _node), do: {:object, "$opaque": {:object, type: :unknown}}

  defp opaque(%{type: type, size: size, kept: kept}, node) do
    fields = [type: type, size: size, kept: kept && term(kept, node)]
    for {_name, value} = field <- fields, value != nil, do: field
  end

  defp external(name, term),
    do: {:object, [{name, term |> :erlang.term_to_binary() |> Base.encode64()}]}

  defp list([], done, _node), do: Enum.reverse(done)
  defp list([item | rest], done, node), do: list(rest, [term(item, node) | done], node)

  defp list(tail, done, node),
    do: {:object, "$improper": Enum.reverse([term(tail, node) | done])}

  defp map(map, node) do
    # What stands for pairs that were cut is a pair with itself. Structs are maps as any.
    sorted = map |> Map.to_list() |> Enum.sort()
    {cut, pairs} = Enum.split_with(sorted, &match?({%Opaque{type: :cut}, _}, &1))

    if cut == [] and names?(Enum.map(pairs, &elem(&1, 0))),
      do: {:object, for({key, value} <- pairs, do: {key, term(value, node)})},
      else: {:object, "$map": pairs(pairs, node) ++ for({mark, _} <- cut, do: term(mark, node))}
  end

  defp pairs(pairs, node),
    do: for({key, value} <- pairs, do: [term(key, node), term(value, node)])

  # Each is text of its own, and not ours.
  defp names?(keys),
    do: Enum.all?(keys, &name?/1) and keys |> Enum.uniq_by(&name/1) |> length() == length(keys)

  defp name(key) when is_atom(key), do: Atom.to_string(key)
  defp name(key), do: key

  defp name?(key) when is_atom(key), do: name?(Atom.to_string(key))
  defp name?("$" <> _ours), do: false
  defp name?(key), do: is_binary(key) and String.valid?(key)

  @doc """
  A pid as text that means the same on every node.

      iex> ElixirScope.Distributed.CLI.Json.Event.pid(:erlang.list_to_pid(~c"<0.5.0>")) == "<\#{node()}.5.0>"
      true
  """
  @spec pid(pid) :: String.t()
  def pid(pid) do
    [_here, rest] = pid |> :erlang.pid_to_list() |> to_string() |> String.split(".", parts: 2)
    "<#{node(pid)}.#{rest}"
  end
end
