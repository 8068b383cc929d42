defmodule ElixirScope.Distributed.Debug.Adapter.Launch.Sense do
  @moduledoc false
  # What the keys of a launch configuration say together: what excludes one another or is needed, what has
  # no effect beside another, and what a key that is not there means.

  alias ElixirScope.Distributed.Debug.Adapter.Launch.{Schema, Type}

  @cookies ~w(cookie cookieEnv cookieFile)

  @doc "Whether they agree, else where and why not. `given` is what was written, `values` has the defaults."
  @spec agree(map, map) :: :ok | {:error, Type.failure()}
  def agree(given, values) do
    cond do
      given["release"] && given["task"] ->
        {:error, {["release"], "there is a `task` as well: one of them is started"}}

      values["request"] == "attach" and values["node"] == nil ->
        {:error, {["node"], "attach needs the node to attach to, as `name@host`"}}

      values["coordinationMode"] == "beam-rpc" and language(values) == :none ->
        {:error, {["coordinationMode"], "`beam-rpc` asks the language node, and none is wanted"}}

      values["cookie"] && not values["cookieInClear"] ->
        {:error, {["cookie"], clear()}}

      true ->
        one_cookie(Enum.filter(@cookies, &values[&1]))
    end
  end

  defp one_cookie([first, second | _]), do: {:error, {[second], "there is a `#{first}` as well"}}
  defp one_cookie(_at_most_one), do: :ok

  defp clear do
    "who reads this file can run code on the nodes: name `cookieEnv` or `cookieFile`, or set " <>
      "`cookieInClear` if that is meant"
  end

  @doc "What has no effect, and what was perhaps meant."
  @spec remarks(map, map) :: [String.t()]
  def remarks(given, values),
    do: idle(given, values) ++ idle_cookie(given, values) ++ foreign(values)

  defp idle(given, %{"request" => request}) do
    for {name, spec} <- Schema.keys(),
        given[name] != nil,
        spec[:for] && Atom.to_string(spec[:for]) != request do
      "`#{name}` belongs to #{spec[:for]} and has no effect here, as `request` is #{request}"
    end
  end

  defp idle_cookie(given, values) do
    request = if values["request"] == "attach", do: :attach, else: :launch

    for name <- @cookies, given[name] != nil, own_cookie?(request, language(values)) do
      "`#{name}` has no effect here: the nodes that a session starts have a cookie of their own"
    end
  end

  defp foreign(%{"type" => "elixirScope"}), do: []

  defp foreign(%{"type" => "mix_task"}),
    do: ["`type` is that of ElixirLS: `mix scope.dap --import` says what its keys become"]

  defp foreign(%{"type" => type}),
    do: ["`type` is #{inspect(type, printable_limit: 80)}, and `elixirScope` is meant here"]

  @doc "Whether all nodes are started by the session, which gives them a cookie."
  @spec own_cookie?(:launch | :attach, :start | :none | node) :: boolean
  def own_cookie?(request, language), do: request == :launch and language in [:start, :none]

  @doc "Who is the language node."
  @spec language(map) :: :start | :none | node
  def language(%{"distributedDebugging" => distributed} = values),
    do: language(values["languageNode"], distributed["enabled"])

  defp language(nil, true), do: :start
  defp language(nil, false), do: :none
  defp language("start", _enabled), do: :start
  defp language("none", _enabled), do: :none
  defp language(node, _enabled), do: node
end
