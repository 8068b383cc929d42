defmodule ElixirScope.Distributed.Capture.Targets.Modules do
  @moduledoc false
  # Which modules and functions there are on this node, found out without loading one and
  # without calling any function of theirs.

  @longest_name 255

  @type functions :: [{atom, arity}]

  @doc "Whether calls of a module can be traced now."
  @spec loaded?(module) :: boolean
  def loaded?(module), do: :erlang.module_loaded(module)

  @doc "Every module that is loaded, or is one of an application that is."
  @spec all() :: [module]
  def all do
    applications = for {app, _, _} <- :application.loaded_applications(), do: of_application(app)
    [:erlang.loaded() | applications] |> Enum.concat() |> Enum.uniq()
  end

  @doc "The modules of an application that is loaded; none of another."
  @spec of_application(atom) :: [module]
  def of_application(app) do
    case :application.get_key(app, :modules) do
      {:ok, modules} -> modules
      :undefined -> []
    end
  end

  @doc "Whether a module is one of this library."
  @spec ours?(module) :: boolean
  def ours?(module), do: module in of_application(:elixir_scope_distributed)

  @doc """
  The functions of a module, exported and local.

  Of one that is not loaded they are read from its file, and are `:unknown` where that was
  stripped of the names of its local functions.
  """
  @spec functions(module) :: {:loaded, functions} | {:waiting, functions | :unknown} | :none
  def functions(module) do
    if loaded?(module), do: {:loaded, loaded_functions(module)}, else: of_path(module)
  end

  @doc "The functions of a module that is loaded; none of another."
  @spec loaded_functions(module) :: functions
  def loaded_functions(module), do: info(module, :functions) || []

  @doc "The file's bytes of a module that is loaded, if they are what is loaded."
  @spec code(module) :: {:ok, binary} | :unknown
  def code(module) do
    with {:file, file} when is_list(file) and file != [] <- :code.is_loaded(module),
         {:ok, code, _name} <- :erl_prim_loader.get_file(file),
         {:ok, {^module, md5}} <- :beam_lib.md5(code),
         true <- md5 == info(module, :md5) do
      {:ok, code}
    else
      _other_or_none -> :unknown
    end
  end

  @doc "What the VM knows about a loaded module, `nil` of one that has just gone."
  @spec info(module, atom) :: term
  def info(module, item) do
    :erlang.get_module_info(module, item)
  rescue
    ArgumentError -> nil
  end

  defp of_path(module) do
    case file(Atom.to_string(module) <> ".beam") do
      :non_existing -> if module in all(), do: {:waiting, :unknown}, else: :none
      file -> {:waiting, file |> :erl_prim_loader.get_file() |> of_file()}
    end
  end

  # The code server logs an error for each folder in which a name cannot be looked up.
  defp file(name) do
    if byte_size(name) <= @longest_name and not String.contains?(name, [<<0>>, "/"]),
      do: :code.where_is_file(String.to_charlist(name)),
      else: :non_existing
  end

  defp of_file({:ok, code, _name}) do
    case :beam_lib.chunks(code, [:exports, :locals], [:allow_missing_chunks]) do
      {:ok, {_, [exports: exports, locals: locals]}} when is_list(locals) -> exports ++ locals
      _stripped -> :unknown
    end
  end

  defp of_file(:error), do: :unknown
end
