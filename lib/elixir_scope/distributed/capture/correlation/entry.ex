defmodule ElixirScope.Distributed.Capture.Correlation.Entry do
  @moduledoc false
  # The ids that `trace(…, correlate: :each_call)` gives to calls: `{node, incarnation, pid, k}`,
  # the k-th such call of that node, made by that process. Inside and between nodes
  # such an id is 16 bytes in which the process has no room. Where another node knows the
  # process alone, by a label that is its pid, the id is `{node, nil, pid, nil}`: any call of it.
  # native/scope_nif/src/entry.rs makes the same bytes.

  @type call :: {node, incarnation :: pos_integer, pid | nil, k :: non_neg_integer}
  @type any_call :: {node, nil, pid, nil}
  @type key :: <<_::128>>

  @hash 0x811C9DC5
  @prime 0x01000193

  # The external format of a pid: https://www.erlang.org/doc/apps/erts/erl_ext_dist.html
  @pid 88

  defguardp is_call(incarnation, k)
            when incarnation in 1..0xFFFFFFFFFFFFF and k in 0..0xFFFFFFFFFFF

  @doc "The key of an id of that form, `nil` for anything else."
  @spec key(term) :: key | nil
  def key({node, incarnation, pid, k})
      when is_atom(node) and is_call(incarnation, k) and (pid == nil or node(pid) == node),
      do: <<incarnation::52, hash(node)::32, k::44>>

  def key({node, nil, pid, nil}) when is_pid(pid) and node(pid) == node,
    do: <<hash(node)::32, numbers(pid)::binary>>

  def key(_other), do: nil

  @doc "What a node's name comes to: the 32 bits of FNV-1a."
  @spec hash(node) :: non_neg_integer
  def hash(node) do
    for <<byte <- Atom.to_string(node)>>, reduce: @hash do
      hash -> Bitwise.band(Bitwise.bxor(hash, byte) * @prime, 0xFFFFFFFF)
    end
  end

  @typedoc "Nodes by what their names come to."
  @type names :: %{non_neg_integer => node}

  @doc "These nodes, to be found again in keys."
  @spec names([node]) :: names
  def names(nodes), do: Map.new(nodes, &{hash(&1), &1})

  @doc "The id of a key, as far as it says it, if it is that of a call on one of these nodes."
  @spec read(term, names) :: {:call, call} | {:any_call, any_call} | nil
  def read(<<incarnation::52, hash::32, k::44>> = key, names) do
    case names do
      %{^hash => node} when incarnation > 0 -> {:call, {node, incarnation, nil, k}}
      _unknown -> any_call(key, names)
    end
  end

  def read(_other, _names), do: nil

  @doc "The id of a call by a process that is known."
  @spec of(key, pid) :: call
  def of(<<incarnation::52, _hash::32, k::44>>, pid), do: {node(pid), incarnation, pid, k}

  @doc "Any call of a process."
  @spec any(pid) :: any_call
  def any(pid), do: {node(pid), nil, pid, nil}

  defp any_call(<<hash::32, numbers::binary-12>>, names) do
    with %{^hash => node} <- names, pid when is_pid(pid) <- pid(node, numbers) do
      {:any_call, any(pid)}
    else
      _nobody -> nil
    end
  end

  # Number, serial and creation, of 32 bits each.
  defp numbers(pid) do
    encoded = :erlang.term_to_binary(pid, minor_version: 2)
    binary_part(encoded, byte_size(encoded), -12)
  end

  defp pid(node, numbers) do
    <<131, atom::binary>> = :erlang.term_to_binary(node, minor_version: 2)
    :erlang.binary_to_term(<<131, @pid>> <> atom <> numbers, [:safe])
  rescue
    # Bytes that no pid has.
    ArgumentError -> nil
  end
end
