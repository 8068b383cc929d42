defmodule ElixirScope.Distributed.Cluster.Wire do
  @moduledoc false
  # What members say to each other about membership, as it is read: nothing that comes from
  # elsewhere is believed to have a shape. Every list is bounded, every number has a range.

  import ElixirScope.Distributed.Operations.Shape, except: [check: 2]

  alias ElixirScope.Distributed.Cluster.{Inventory, Outlook, Reason, Register, Roll}

  @most_capabilities 16
  @most_apps Inventory.most_apps()
  @most_modules Inventory.most_modules()
  @longest_version 64
  @body [:hears, :misses, :deaf, :flaps, :register]

  @doc "The value of a field, checked."
  @spec check(atom, term) :: {:ok, term} | :error
  def check(:reason, reason), do: {:ok, Reason.known(reason)}
  def check(:view, view), do: if(view?(view), do: {:ok, known(view)}, else: :error)
  def check(type, value), do: passed(valid?(type, value), value)

  defp valid?(:protocol, {first, last}),
    do: is_integer(first) and last in 1..0xFFFF and first in 1..last//1

  defp valid?(:incarnation, value), do: number?(value)
  defp valid?(:capabilities, list), do: each?(list, @most_capabilities, &is_atom/1)

  defp valid?(:digest, digest),
    do: digest == nil or (is_binary(digest) and byte_size(digest) == 16)

  defp valid?(:register, list), do: each?(list, Register.limit(), &decision?/1)

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

  defp view?(%{number: number, seen: seen, ask: ask, body: body}),
    do: number?(number) and number?(seen) and is_boolean(ask) and (body == nil or body?(body))

  defp view?(_other), do: false

  # What a later version says besides is not taken along.
  defp known(view) do
    body = view.body && Map.take(view.body, @body)
    view |> Map.take([:number, :seen, :ask]) |> Map.put(:body, body)
  end

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
end
