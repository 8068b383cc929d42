defmodule ElixirScope.Distributed.Tidy.Boundaries do
  @moduledoc false
  # Who may call what: the native library, Erlang distribution, the application
  # environment, unsafe conversions, integrations, sleeping.

  import ElixirScope.Distributed.Tidy

  @native ElixirScope.Distributed.Native
  @integrations "ElixirScope.Distributed.Integrations"

  # What the virtual machine calls: `erl_tracer`.
  @types ~w(call send receive procs running_procs garbage_collection)a
  @machine_calls [enabled: 3, trace: 5] ++
                   for(
                     type <- @types,
                     {prefix, arity} <- [enabled: 3, trace: 5],
                     do: {:"#{prefix}_#{type}", arity}
                   )

  @doc "Each prefix of the native functions is called by exactly one module."
  def one_caller_per_prefix(files, prefixes) do
    calls =
      for {file, call} <- native_calls(files), prefix = prefix(call.function, prefixes) do
        {prefix, file, call}
      end

    callers = Enum.group_by(calls, &elem(&1, 0), &elem(&1, 2).in)
    Enum.flat_map(calls, &shared(&1, callers))
  end

  defp shared({prefix, file, call}, callers) do
    case Enum.uniq(callers[prefix]) -- [call.in] do
      [] ->
        []

      others ->
        message = "Native.#{call.function}: #{prefix} is also called by #{inspect(others)}"
        [violation(file, call.line, message <> "; one module owns a prefix")]
    end
  end

  defp native_calls(files) do
    for file <- files, call <- calls(file), call.module == @native, call.in != @native do
      {file, call}
    end
  end

  @doc "Every prefix that has stubs has a module that calls them."
  def no_unused_prefix(stubs, files, prefixes) do
    called = for {_file, call} <- native_calls(files), do: prefix(call.function, prefixes)

    for {prefix, {file, line, _name, _arity}} <- first_stubs(stubs, prefixes),
        prefix not in [nil | called] do
      violation(file, line, "nobody calls #{prefix}* of Native")
    end
  end

  defp first_stubs(stubs, prefixes) do
    stubs |> Enum.reverse() |> Map.new(fn stub -> {prefix(elem(stub, 2), prefixes), stub} end)
  end

  @doc "The stubs of the native functions: `{file, line, name, arity}`."
  def stubs(files, prefixes) do
    for file <- files,
        %{name: name, arity: arity, line: line} <- walk(file, &public/1),
        {name, arity} in @machine_calls or prefix(name, prefixes) do
      {file, line, name, arity}
    end
  end

  defp public({:def, meta, [head | _]}), do: [head(head, meta)]
  defp public(_node), do: []

  defp head({:when, _, [head | _guards]}, meta), do: head(head, meta)

  defp head({name, _, arguments}, meta),
    do: %{name: name, arity: length(arguments || []), line: meta[:line]}

  @doc "Each stub has a native function of its name and arity, and the other way round."
  def stubs_match_rust(stubs, rust) do
    defined = for {_path, _line, name, arity} <- rust, do: {name, arity}
    stubbed = for {_file, _line, name, arity} <- stubs, do: {Atom.to_string(name), arity}

    missing =
      for {file, line, name, arity} <- stubs, {Atom.to_string(name), arity} not in defined do
        violation(file, line, "#{name}/#{arity} has no native function of that name and arity")
      end

    unknown =
      for {path, line, name, arity} <- rust, {name, arity} not in stubbed do
        "#{path}:#{line}: #{name}/#{arity} has no stub in native.ex"
      end

    missing ++ unknown
  end

  @doc "The native functions that a Rust source defines: `{path, line, name, arity}`."
  def rust_functions(path, source) do
    attribute =
      ~r/#\[(?:rustler::)?nif(?:\(([^\]]*)\))?\]\s*(?:#\[[^\]]*\]\s*)*(?:pub(?:\([^)]*\))?\s+)?(?:unsafe\s+)?fn\s+(\w+)\s*(?:<[^>]*>)?\s*\(([^{]*?)\)\s*(?:->|\{|where)/s

    raw = ~r/register!\(\s*c"(\w+)"\s*\/\s*(\d+)/

    attributed(path, source, attribute) ++ registered(path, source, raw)
  end

  defp attributed(path, source, pattern) do
    for [{at, _} | groups] <- Regex.scan(pattern, source, return: :index) do
      [options, name, parameters] = Enum.map(groups, &slice(source, &1))
      {path, line_at(source, at), renamed(options) || name, arity(parameters)}
    end
  end

  defp registered(path, source, pattern) do
    for [{at, _}, name, arity] <- Regex.scan(pattern, source, return: :index) do
      {path, line_at(source, at), slice(source, name), String.to_integer(slice(source, arity))}
    end
  end

  defp slice(_source, {-1, 0}), do: ""
  defp slice(source, {at, length}), do: binary_part(source, at, length)
  defp line_at(source, at), do: source |> binary_part(0, at) |> String.split("\n") |> length()

  defp renamed(options) do
    with [_all, name] <- Regex.run(~r/name\s*=\s*"(\w+)"/, options), do: name
  end

  # The environment is the library's own argument and not one of the call.
  defp arity(parameters) do
    parameters
    |> String.replace(~r/<[^<>]*>/, "")
    |> String.replace(~r/\([^()]*\)/, "")
    |> String.split(",")
    |> Enum.map(&String.trim/1)
    |> Enum.reject(&(&1 == "" or &1 =~ ~r/:\s*(?:\w+::)*Env$/))
    |> length()
  end

  @distribution [:net_kernel, :erl_epmd, :auth, :net_kernel_sup, :erl_distribution]
  @node_functions ~w(start stop connect disconnect monitor set_cookie)a
  @erlang_functions ~w(monitor_node disconnect_node set_cookie setnode)a

  @doc "Distribution is started, changed or watched only in `allowed`."
  def distribution(files, allowed) do
    for file <- files, not among?(file, allowed), call <- calls(file), distributes?(call) do
      violation(
        file,
        call.line,
        "#{inspect(call.module)}.#{call.function}: only #{hd(allowed)} starts or watches distribution"
      )
    end
  end

  defp distributes?(%{module: module}) when module in @distribution, do: true
  defp distributes?(%{module: Node, function: function}), do: function in @node_functions
  defp distributes?(%{module: :erlang, function: function}), do: function in @erlang_functions
  defp distributes?(_call), do: false

  @conversions [
    {String, :to_atom},
    {List, :to_atom},
    {:erlang, :binary_to_atom},
    {:erlang, :list_to_atom}
  ]

  @doc "No atom and no unsafe term is made from bytes, outside `allowed`."
  def conversions(files, allowed) do
    for file <- files, not among?(file, allowed), call <- calls(file), unsafe?(call) do
      violation(
        file,
        call.line,
        "#{inspect(call.module)}.#{call.function} on bytes of unknown origin: use existing atoms, or :safe"
      )
    end
  end

  defp unsafe?(%{module: :erlang, function: :binary_to_term, arguments: [_bytes]}), do: true

  defp unsafe?(%{module: :erlang, function: :binary_to_term, arguments: [_bytes, options]}),
    do: not (is_list(options) and :safe in options)

  defp unsafe?(call), do: {call.module, call.function} in @conversions

  @environment ~w(get_env fetch_env fetch_env! get_all_env compile_env compile_env!)a

  @doc "The application environment is read only in `allowed`."
  def environment(files, allowed) do
    for file <- files,
        not among?(file, allowed),
        call <- calls(file),
        call.module in [Application, :application],
        call.function in @environment do
      violation(file, call.line, "only #{hd(allowed)} reads the application environment")
    end
  end

  @doc "Nothing outside `integrations/` refers to it."
  def integrations(files) do
    for file <- files,
        not String.contains?(file.path, "/integrations/"),
        %{line: line, module: module} <- mentions(file) do
      violation(file, line, "#{inspect(module)}: nothing outside integrations/ refers to it")
    end
  end

  defp mentions(file) do
    file |> walk(&if(integration?(&1), do: [%{module: &1}], else: [])) |> Enum.uniq()
  end

  defp integration?(module) when is_atom(module),
    do: String.starts_with?(inspect(module), @integrations)

  defp integration?(_node), do: false

  @doc "No test waits for time to pass."
  def sleeps(files) do
    for file <- files, %{line: line} <- walk(file, &sleep/1) do
      violation(file, line, "sleeping in a test: use eventually/2 or assert_receive")
    end
  end

  defp sleep({{:., meta, [module, :sleep]}, _, _}) when module in [Process, :timer],
    do: [%{line: meta[:line]}]

  defp sleep({:receive, meta, [blocks]}) do
    if blocks[:after] && empty?(blocks[:do]), do: [%{line: meta[:line]}], else: []
  end

  defp sleep(_node), do: []

  defp empty?(block), do: match?({:__block__, _meta, []}, block) or block == nil

  defp prefix(name, prefixes) do
    Enum.find(prefixes, &String.starts_with?(Atom.to_string(name), &1))
  end
end
