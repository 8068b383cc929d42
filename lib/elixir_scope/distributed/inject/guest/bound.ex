defmodule ElixirScope.Distributed.Inject.Guest.Bound do
  @moduledoc false
  # A term within a budget, without what must not be seen. What is left out is said by
  # `%ElixirScope.Distributed.Opaque{}`, as in every event: the rest of a container as `:cut`.
  #
  # Nothing is done in proportion to what is left out: of a list of a million elements those are
  # looked at that are kept, and a map is read pair by pair.

  alias ElixirScope.Distributed.Inject.Guest.Secrets
  alias ElixirScope.Distributed.Opaque

  @hidden %Opaque{type: :redacted}
  @cut %Opaque{type: :cut}

  @int64 -0x8000000000000000..0x7FFFFFFFFFFFFFFF

  # What a word takes of the budget of bytes, whatever it is.
  @word 8

  @type room :: %{
          nodes: pos_integer,
          bytes: pos_integer,
          depth: pos_integer,
          binary: pos_integer
        }

  @doc "The term as far as there is room, and whether anything was left out for want of it."
  @spec term(term, room, Secrets.rules(), message? :: boolean) :: {term, cut? :: boolean}
  def term(term, room, rules, message?) do
    state = %{
      nodes: room.nodes,
      bytes: room.bytes,
      binary: room.binary,
      rules: rules,
      message?: message?,
      cut?: false
    }

    {kept, state} = walk(term, room.depth, state)
    {kept, state.cut?}
  end

  @doc "What stands where nothing may be seen."
  @spec hidden() :: Opaque.t()
  def hidden, do: @hidden

  defp walk(_term, _depth, %{nodes: nodes, bytes: bytes} = state) when nodes <= 0 or bytes <= 0,
    do: {@cut, %{state | cut?: true}}

  defp walk(term, depth, state), do: node(term, depth, %{state | nodes: state.nodes - 1})

  defp node(atom, _depth, state) when is_atom(atom), do: {atom, took(state, @word)}
  defp node(float, _depth, state) when is_float(float), do: {float, took(state, @word)}
  defp node(int, _depth, state) when int in @int64, do: {int, took(state, @word)}

  defp node(int, _depth, state) when is_integer(int),
    do: {%Opaque{type: :integer}, took(state, @word)}

  defp node(binary, _depth, state) when is_binary(binary), do: binary(binary, state)
  defp node([], _depth, state), do: {[], took(state, 1)}

  defp node(map, depth, state) when is_map(map) do
    cond do
      Secrets.type?(state.rules, :maps.get(:__struct__, map, nil)) -> {@hidden, state}
      depth == 0 -> below(:map, map_size(map), state)
      true -> pairs(:maps.next(:maps.iterator(map)), depth - 1, map_size(map), [], took(state, 1))
    end
  end

  defp node(tuple, 0, state) when is_tuple(tuple), do: below(:tuple, tuple_size(tuple), state)
  defp node(tuple, depth, state) when is_tuple(tuple), do: tuple(tuple, depth - 1, took(state, 1))
  defp node(list, 0, state) when is_list(list), do: below(:list, nil, state)
  defp node(list, depth, state) when is_list(list), do: list(list, depth - 1, [], took(state, 1))

  defp node(pid, _depth, state) when is_pid(pid) and node(pid) == node(),
    do: {pid, took(state, @word)}

  defp node(other, _depth, state), do: {rare(other, state.message?), took(state, @word)}

  # What messages are paired by is shown in messages.
  defp rare(term, true) when is_pid(term) or is_reference(term) or is_port(term), do: term
  defp rare(term, _message?) when is_pid(term), do: %Opaque{type: :pid}
  defp rare(term, _message?) when is_reference(term), do: %Opaque{type: :reference}
  defp rare(term, _message?) when is_port(term), do: %Opaque{type: :port}
  defp rare(term, _message?) when is_function(term), do: %Opaque{type: :fun}

  defp rare(term, _message?) when is_bitstring(term),
    do: %Opaque{type: :bitstring, size: bit_size(term)}

  defp rare(_term, _message?), do: %Opaque{type: :unknown}

  # A copy: a part of a large binary would keep the whole of it.
  defp binary(binary, state) do
    keep = min(state.binary, state.bytes)
    size = byte_size(binary)

    if size <= keep do
      {:binary.copy(binary), took(state, size + 1)}
    else
      kept = :binary.copy(:binary.part(binary, 0, keep))
      {%Opaque{type: :binary, size: size, kept: kept}, %{took(state, keep + 1) | cut?: true}}
    end
  end

  defp below(type, size, state), do: {%Opaque{type: type, size: size}, %{state | cut?: true}}

  defp pairs(:none, _depth, _size, kept, state), do: {:maps.from_list(kept), state}

  defp pairs(_more, _depth, size, kept, %{nodes: nodes, bytes: bytes} = state)
       when nodes <= 0 or bytes <= 0 do
    rest = {%Opaque{type: :cut, size: size - length(kept)}, @cut}
    {:maps.from_list([rest | kept]), %{state | cut?: true}}
  end

  defp pairs({key, value, more}, depth, size, kept, state) do
    {shown, state} = walk(key, depth, state)
    {value, state} = behind(Secrets.key?(state.rules, key), value, depth, state)
    pairs(:maps.next(more), depth, size, [{shown, value} | kept], state)
  end

  # A pair may be one of a keyword list or a header; a longer tuple a record.
  defp tuple({key, value}, depth, state) do
    hide? = Secrets.key?(state.rules, key) or Secrets.type?(state.rules, key)
    {key, state} = walk(key, depth, state)
    {value, state} = behind(hide?, value, depth, state)
    {{key, value}, state}
  end

  defp tuple({}, _depth, state), do: {{}, state}

  defp tuple(tuple, depth, state) do
    hide? = Secrets.type?(state.rules, :erlang.element(1, tuple))
    {first, state} = walk(:erlang.element(1, tuple), depth, state)
    elements(tuple, 2, hide?, depth, [first], state)
  end

  defp elements(tuple, at, _hide?, _depth, kept, state) when at > tuple_size(tuple),
    do: {:erlang.list_to_tuple(:lists.reverse(kept)), state}

  defp elements(_tuple, _at, _hide?, _depth, kept, %{nodes: nodes, bytes: bytes} = state)
       when nodes <= 0 or bytes <= 0,
       do: {:erlang.list_to_tuple(:lists.reverse([@cut | kept])), %{state | cut?: true}}

  defp elements(tuple, at, hide?, depth, kept, state) do
    {element, state} = behind(hide?, :erlang.element(at, tuple), depth, state)
    elements(tuple, at + 1, hide?, depth, [element | kept], state)
  end

  defp list([], _depth, kept, state), do: {:lists.reverse(kept), state}

  defp list(_more, _depth, kept, %{nodes: nodes, bytes: bytes} = state)
       when nodes <= 0 or bytes <= 0,
       do: {:lists.reverse([@cut | kept]), %{state | cut?: true}}

  defp list([head | tail], depth, kept, state) do
    {head, state} = walk(head, depth, state)
    list(tail, depth, [head | kept], state)
  end

  defp list(tail, depth, kept, state) do
    {tail, state} = walk(tail, depth, state)
    {:lists.reverse(kept, tail), state}
  end

  defp behind(true, _value, _depth, state),
    do: {@hidden, took(%{state | nodes: state.nodes - 1}, 1)}

  defp behind(false, value, depth, state), do: walk(value, depth, state)

  defp took(state, bytes), do: %{state | bytes: state.bytes - bytes}
end
