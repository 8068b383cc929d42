defmodule ElixirScope.Distributed.Inject.Closure do
  @moduledoc false
  # Which modules have to be sent so that some can run: those that they call, by the import tables of
  # their compiled code, and what these call. Erlang's own are there on every node, Elixir's only where
  # Elixir is; where it is not, those that are called come along.

  @type code :: {module, binary}

  @doc "The modules with their code, for a node with or without Elixir."
  @spec of([module], elixir? :: boolean) :: [code]
  def of(modules, elixir?), do: follow(modules, elixir?, %{}) |> Enum.sort()

  # Elixir 1.17 and later put it behind each `map.key`, for what is an atom and no map: there it
  # would call a function of that module. Of ours none does, and what fails there fails in any case.
  @never [{:elixir_erl_pass, :no_parens_remote, 2}]

  @doc "The modules that a module calls."
  @spec imports(binary) :: [module]
  def imports(code) do
    {:ok, {_module, [imports: imports]}} = :beam_lib.chunks(code, [:imports])
    for {module, _function, _arity} <- imports -- @never, uniq: true, do: module
  end

  @doc "The compiled code of a module without its source and docs."
  @spec code(module) :: binary
  def code(module) do
    {^module, code, _file} = :code.get_object_code(module)
    {:ok, {^module, stripped}} = :beam_lib.strip(code)
    plain(stripped)
  end

  # Not every loader takes what is packed.
  defp plain(<<0x1F, 0x8B, _::binary>> = packed), do: :zlib.gunzip(packed)
  defp plain(code), do: code

  # Invariant: what is in `found` was looked into.
  defp follow([], _elixir?, found), do: Map.to_list(found)

  defp follow([module | modules], elixir?, found) do
    if is_map_key(found, module) or there?(module, elixir?),
      do: follow(modules, elixir?, found),
      else: look_into(module, modules, elixir?, found)
  end

  defp look_into(module, modules, elixir?, found) do
    code = code(module)
    follow(imports(code) ++ modules, elixir?, Map.put(found, module, code))
  end

  defp there?(module, elixir?) do
    case whose(module) do
      :erlang -> true
      :elixir -> elixir?
      :other -> false
    end
  end

  # What is not even here is one of a newer Erlang's.
  defp whose(module) do
    file = to_string(:code.which(module))

    cond do
      file in ["preloaded", "non_existing"] or
          String.starts_with?(file, to_string(:code.lib_dir()) <> "/") ->
        :erlang

      String.starts_with?(file, elixir() <> "/") ->
        :elixir

      true ->
        :other
    end
  end

  # Elixir, EEx, Logger and so on: all that stands beside `:elixir`.
  defp elixir, do: :elixir |> :code.lib_dir() |> to_string() |> Path.dirname()
end
