defmodule ElixirScope.Distributed.Debug.Beams.Content do
  @moduledoc false
  # What the chunks of a BEAM file say of its module. Pure.

  alias ElixirScope.Distributed.Debug.Beams.{Forms, Module}
  alias ElixirScope.Distributed.Debug.Graph

  # What another compiler left is not run.
  @backends [:elixir_erl, :erl_abstract_code]

  @doc "The module; none of terms that no compiler writes."
  @spec module(map) :: {:ok, Module.t()} | {:error, :bad_beam}
  def module(chunks) do
    {:ok, needs(chunks, base(chunks))}
  rescue
    _broken -> {:error, :bad_beam}
  end

  defp base(chunks) do
    {attributes, exports} = {listed(chunks.attributes), listed(chunks.exports)}

    %Module{
      module: chunks.module,
      md5: chunks.md5,
      file: file(listed(chunks.compile_info)),
      language: if({:__info__, 1} in exports, do: :elixir, else: :erlang),
      behaviours: behaviours(attributes),
      protocol?: Keyword.has_key?(attributes, :__protocol__),
      impl: impl(attributes[:__impl__])
    }
  end

  # Debug information that is written otherwise, by another version of a compiler, tells nothing.
  defp needs(chunks, module) do
    case forms(chunks) do
      {:ok, forms} -> with_forms(module, forms, listed(chunks.exports))
      :none -> without_forms(module, chunks)
    end
  rescue
    _unknown_form -> without_forms(module, chunks)
  catch
    _kind, _unknown_form -> without_forms(module, chunks)
  end

  defp with_forms(module, forms, exports) do
    read = forms |> Forms.functions(module.module, exports) |> Enum.map(&named(&1, module.file))
    structs = for {_function, structs} <- read, {struct, _line} <- structs, do: struct
    functions = for {function, _structs} <- read, do: function
    declared = declared(module, forms)

    %{
      module
      | functions: functions,
        structs: structs |> Enum.uniq() |> Enum.sort(),
        entries: entries(module.module, Enum.flat_map(read, &needed/1) ++ declared),
        debug_info?: true
    }
  end

  defp without_forms(module, chunks) do
    called = for {needed, _name, _arity} <- listed(chunks.imports), do: {needed, :runtime, nil}
    functions = functions(listed(chunks.exports), :def) ++ functions(listed(chunks.locals), :defp)

    %{
      module
      | functions: functions,
        entries: entries(module.module, called ++ declared(module, []))
    }
  end

  defp listed(chunk) when is_list(chunk), do: chunk
  defp listed(_missing), do: []

  defp forms(%{debug_info: {:debug_info_v1, backend, data}, module: module})
       when backend in @backends do
    case backend.debug_info(:erlang_v1, module, data, []) do
      {:ok, forms} -> {:ok, forms}
      _none -> :none
    end
  end

  defp forms(_none), do: :none

  # The name that the source has in the forms may leave out the folder in which it was compiled.
  defp named({function, structs}, source) do
    if source != nil and String.ends_with?(source, function.file || ""),
      do: {%{function | file: source}, structs},
      else: {function, structs}
  end

  defp needed({function, structs}) do
    calls = for {{needed, _, _}, line} <- function.calls, do: {needed, :runtime, line}
    structs = for {needed, line} <- structs, do: {needed, :exports, line}
    for {needed, kind, line} <- calls ++ structs, do: {needed, kind, place(function.file, line)}
  end

  defp declared(module, forms) do
    lines = for {:attribute, at, sort, of} <- forms, sort in [:behaviour, :behavior], do: {of, at}
    for of <- module.behaviours, do: {of, :exports, place(module.file, line(lines[of]))}
  end

  defp line(nil), do: 0
  defp line(at), do: Forms.line(at)

  defp place(file, line) when is_binary(file) and line > 0, do: {file, line}
  defp place(_file, _line), do: nil

  @doc "What a module needs, each kind once, with all places."
  @spec entries(module, [{module, Graph.kind(), Graph.place() | nil}]) :: [Graph.entry()]
  def entries(module, needed) do
    needed
    |> Enum.reject(fn {of, _kind, _place} -> of == module end)
    |> Enum.group_by(fn {of, kind, _place} -> {of, kind} end, &elem(&1, 2))
    |> Enum.map(fn {{of, kind}, places} -> {of, kind, sorted(places)} end)
  end

  defp sorted(places), do: places |> Enum.reject(&is_nil/1) |> Enum.uniq() |> Enum.sort()

  defp functions(named, kind) do
    for {name, arity} <- named do
      %{
        name: name,
        arity: arity,
        kind: if(kind == :def, do: Forms.kind(name), else: kind),
        file: nil,
        first_line: 0,
        last_line: 0,
        clauses: [],
        lines: [],
        calls: []
      }
    end
  end

  defp behaviours(attributes) do
    for {sort, list} <- attributes,
        sort in [:behaviour, :behavior],
        of <- listed(list),
        uniq: true,
        do: of
  end

  defp impl([{_, _} | _] = impl), do: %{protocol: impl[:protocol], for: impl[:for]}
  defp impl(_none), do: nil

  defp file(options) do
    case options[:source] do
      [_ | _] = source -> List.to_string(source)
      _none -> nil
    end
  end
end
