defmodule ElixirScope.Distributed.Cluster.Wire do
  @moduledoc false
  # What members say to each other about membership, as it is read: nothing that comes from
  # elsewhere is believed to have a shape. Every list is bounded, every number has a range,
  # and what is not named here is dropped.

  alias ElixirScope.Distributed.Cluster.{Inventory, Outlook, Reason, Register, Roll}
  alias ElixirScope.Distributed.Types.ClusterMessage

  @greeting [:protocol, :incarnation, :capabilities, :sent_at, :digest, :register]

  @fields %{
    hello: @greeting,
    welcome: @greeting,
    refused: [:protocol, :sent_at],
    register: [:sent_at, :register],
    bye: [:sent_at],
    view: [:sent_at, :view],
    apps: [:sent_at, :digest, :apps],
    modules: [:sent_at, :modules]
  }

  @most_capabilities 16
  @most_apps Inventory.most_apps()
  @most_modules Inventory.most_modules()
  @longest_version 64
  @longest_ns 0xFFFFFFFFFFFFFFFF

  @doc "A message of `from`, checked, or why it is none."
  @spec read(node, term) :: {:ok, ClusterMessage.t()} | {:error, atom}
  def read(from, %{__struct__: ClusterMessage, source_node: from, kind: kind} = message)
      when is_map_key(@fields, kind) do
    case Enum.find(@fields[kind], &(not valid?(&1, Map.get(message, stored(&1))))) do
      nil -> {:ok, build(message, @fields[kind])}
      field -> {:error, field}
    end
  end

  def read(_from, %{__struct__: ClusterMessage, source_node: _}), do: {:error, :kind}
  def read(_from, _other), do: {:error, :form}

  defp build(message, fields) do
    struct!(
      %ClusterMessage{source_node: message.source_node, kind: message.kind},
      message |> Map.take(Enum.map(fields, &stored/1)) |> Map.put(:reason, reason(message))
    )
  end

  # Both ways to tell of code stand in one field.
  defp stored(field) when field in [:apps, :modules], do: :code
  defp stored(field), do: field

  defp reason(%{kind: :refused} = message), do: Reason.known(Map.get(message, :reason))
  defp reason(_message), do: nil

  defp valid?(:protocol, {first, last}),
    do: is_integer(first) and last in 1..0xFFFF and first in 1..last//1

  defp valid?(:incarnation, value), do: number?(value)
  defp valid?(:capabilities, list), do: each?(list, @most_capabilities, &is_atom/1)
  # Who stops may have no clock any more.
  defp valid?(:sent_at, stamp), do: stamp == nil or stamp?(stamp)

  defp valid?(:digest, digest),
    do: digest == nil or (is_binary(digest) and byte_size(digest) == 16)

  defp valid?(:register, list), do: each?(list, Register.limit(), &decision?/1)

  defp valid?(:view, %{number: number, seen: seen, ask: ask, body: body}),
    do: number?(number) and number?(seen) and is_boolean(ask) and (body == nil or body?(body))

  defp valid?(:apps, list), do: each?(list, @most_apps, &brief?/1)
  defp valid?(:modules, list), do: each?(list, @most_apps, &full?/1) and few?(list)
  defp valid?(_field, _value), do: false

  defp brief?({app, version, number}), do: is_atom(app) and version?(version) and number?(number)
  defp brief?(_other), do: false

  defp full?({app, version, modules, cut?}) do
    is_atom(app) and (version == nil or version?(version)) and is_boolean(cut?) and
      each?(modules, @most_modules, &module?/1)
  end

  defp full?(_other), do: false

  defp module?({name, md5}), do: is_atom(name) and is_binary(md5) and byte_size(md5) == 16
  defp module?(_other), do: false

  defp few?(list),
    do: Enum.sum(for {_, _, modules, _} <- list, do: length(modules)) <= @most_modules

  defp version?(version), do: is_binary(version) and byte_size(version) <= @longest_version

  defp body?(%{hears: hears, misses: misses, deaf: deaf, flaps: flaps, register: register}) do
    nodes?(hears) and nodes?(misses) and pairs?(deaf) and pairs?(flaps) and number?(register)
  end

  defp body?(_other), do: false

  defp nodes?(list), do: each?(list, Roll.limit(), &is_atom/1)
  defp pairs?(list), do: each?(list, Outlook.most_pairs(), &pair?/1)

  defp pair?({one, other}), do: is_atom(one) and is_atom(other)
  defp pair?(_other), do: false

  defp decision?({node, {what, stamp}}),
    do: is_atom(node) and what in [:in, :out] and stamp?(stamp)

  defp decision?(_other), do: false

  defp stamp?({logical, physical_ns, node}),
    do: logical in 0..255 and number?(physical_ns) and is_atom(node)

  defp stamp?(_other), do: false

  defp number?(value), do: is_integer(value) and value >= 0 and value <= @longest_ns

  # Also of a list that is not one to its end, and without counting more than may be.
  defp each?([], _left, _check), do: true

  defp each?([one | rest], left, check) when left > 0,
    do: check.(one) and each?(rest, left - 1, check)

  defp each?(_other, _left, _check), do: false
end
