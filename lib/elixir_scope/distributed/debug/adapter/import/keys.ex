defmodule ElixirScope.Distributed.Debug.Adapter.Import.Keys do
  @moduledoc false
  # Each key of ElixirLS's debug adapter, in its order: what it becomes and why. A key is a clause of `key/3`, which
  # is given its value, the new configuration so far and the old one.

  alias ElixirScope.Distributed.Debug.Adapter.Import.Task
  alias ElixirScope.Distributed.Debug.Adapter.Launch.{Schema, Type}

  # Those that make the task come last, and in the order in which they wrap it.
  @order ~w(type request name task taskArgs projectDir env remoteNode debugAutoInterpretAllModules) ++
           ~w(debugInterpretModulesPatterns excludeModules stackTraceMode breakOnDbg noDebug) ++
           ~w(debugExpressionTimeoutMs requireFiles startApps exitAfterTaskReturns)

  @type row :: {String.t(), String.t() | nil, String.t()}

  @doc "The keys of ElixirLS that are known here."
  @spec known() :: [String.t()]
  def known, do: @order

  @doc "The new configuration, with a row for each key of the old one and for what its defaults were."
  @spec convert(map) :: {map, [row]}
  def convert(old) do
    rest = Enum.sort(Map.keys(old) -- @order)
    given = Enum.filter(@order, &(Map.has_key?(old, &1) or implied?(&1, old))) ++ rest
    {new, rows} = Enum.reduce(given, {%{}, []}, &add(&1, &2, old))
    {new, Enum.reverse(rows)}
  end

  # What ElixirLS does without being told, and we do not.
  defp implied?("debugAutoInterpretAllModules", _old), do: true
  defp implied?(_key, _old), do: false

  defp add(key, {new, rows}, old) do
    {new, became, why} = key(key, old[key], new, old)
    {new, [{key, became, why} | rows]}
  end

  defp key("type", _type, new, _old),
    do: became(new, "type", "elixirScope", "the debugger's name")

  defp key(same, value, new, _old) when same in ~w(request name task taskArgs noDebug),
    do: keep(new, same, value)

  defp key("projectDir", folder, new, _old) when is_binary(folder) do
    case String.replace(folder, "${workspaceRoot}", "${workspaceFolder}") do
      ^folder -> keep(new, "projectDir", folder)
      other -> became(new, "projectDir", other, "the variable has this name today")
    end
  end

  defp key("env", %{}, new, %{"request" => "attach"}),
    do: dropped(new, "a node that runs has its environment already")

  defp key("env", %{"MIX_ENV" => mix_env} = env, new, _old) do
    rest = Map.delete(env, "MIX_ENV")
    new = Map.put(new, "mixEnv", mix_env)
    new = if rest == %{}, do: new, else: Map.put(new, "env", rest)
    {new, "env and mixEnv", "MIX_ENV has a key of its own"}
  end

  defp key("remoteNode", node, new, _old) do
    why =
      "its cookie is in SCOPE_COOKIE, or name cookieEnv or cookieFile; its scope has to allow :debug"

    became(new, "node", node, why)
  end

  defp key("debugAutoInterpretAllModules", false, new, _old),
    do: dropped(new, "it is off unless asked for: a breakpoint interprets what it needs")

  defp key("debugAutoInterpretAllModules", nil, new, _old),
    do:
      dropped(
        new,
        "ElixirLS does it without being told; here a breakpoint interprets what it needs"
      )

  defp key("debugAutoInterpretAllModules", _on, new, _old) do
    dropped(new, "a breakpoint interprets what it needs; add it again to step into everything")
  end

  defp key("debugInterpretModulesPatterns", patterns, new, _old) when is_list(patterns) do
    case Enum.split_with(patterns, &pattern?/1) do
      {[], _wrong} -> dropped(new, "none of them is a pattern of trace/2")
      {good, []} -> became(new, "interpretationPatterns", good, "the same patterns")
      {good, wrong} -> became(new, "interpretationPatterns", good, without(wrong))
    end
  end

  defp key("excludeModules", _modules, new, _old) do
    why = "nothing is interpreted that no breakpoint needs, and modules with NIFs never are"
    dropped(new, why)
  end

  defp key("stackTraceMode", _mode, new, _old),
    do: dropped(new, "the stack is shown as far as the debugger has it")

  defp key("breakOnDbg", false, new, _old), do: dropped(new, "dbg never stops a process here")

  defp key("breakOnDbg", _on, new, _old),
    do: dropped(new, "set a breakpoint on the line of dbg instead")

  defp key("debugExpressionTimeoutMs", _ms, new, _old),
    do: dropped(new, "how long an expression may take is the adapter's own bound")

  defp key("requireFiles", files, new, _old), do: Task.require_files(new, files)
  defp key("startApps", start?, new, _old), do: Task.start_apps(new, start?)
  defp key("exitAfterTaskReturns", exit?, new, _old), do: Task.exit_after(new, exit?)
  defp key(key, value, new, _old) when key in ["projectDir", "env"], do: keep(new, key, value)

  defp key(key, value, new, _old) do
    if key in Schema.clients() or known_here?(key),
      do: keep(new, key, value),
      else: dropped(new, "neither ElixirLS nor this adapter knows it")
  end

  defp known_here?(key), do: key not in @order and List.keymember?(Schema.keys(), key, 0)

  defp pattern?(pattern), do: match?({:ok, _text}, Type.cast(:pattern, pattern))

  defp without(wrong),
    do: "without what is no pattern of trace/2: #{Enum.map_join(wrong, ", ", &inspect/1)}"

  defp keep(new, key, value), do: {Map.put(new, key, value), key, ""}
  defp became(new, key, value, why), do: {Map.put(new, key, value), key, why}
  defp dropped(new, why), do: {new, nil, why}
end
