defmodule ElixirScope.Distributed.Cluster.Inventory do
  @moduledoc false
  # Which code this VM has loaded: of each application its version, and of each of its
  # modules that is loaded the MD5 by which the compiler knows it.
  #
  # What is sent of it is bounded; what was cut is said.

  @most_apps 256
  @most_modules 2_048

  @type modules :: [{module, md5 :: binary}]
  @typedoc "An application in short: the number stands for its loaded modules."
  @type brief :: {app :: atom, version :: String.t(), non_neg_integer}
  @typedoc "An application with its modules; `nil` for one that is not there."
  @type full :: {app :: atom, version :: String.t() | nil, modules, cut? :: boolean}

  @doc "How many applications are told of at most."
  @spec most_apps() :: pos_integer
  def most_apps, do: @most_apps

  @doc "How many modules of all of them are."
  @spec most_modules() :: pos_integer
  def most_modules, do: @most_modules

  @doc "Every loaded application in short, sorted."
  @spec brief() :: [brief]
  def brief do
    for {app, _description, version} <- Enum.sort(:application.loaded_applications()),
        do: {app, to_string(version), number(modules(app))}
  end

  @doc "What stands for all of it: equal on two nodes that run the same code."
  @spec digest([brief]) :: binary
  def digest(apps),
    do:
      :erlang.md5(
        for {app, version, number} <- apps, do: [Atom.to_string(app), version, <<number::32>>]
      )

  @doc "These applications with their loaded modules, as far as they fit."
  @spec full([atom]) :: [full]
  def full(apps) do
    {full, _left} = apps |> Enum.take(@most_apps) |> Enum.map_reduce(@most_modules, &describe/2)
    full
  end

  @doc "The loaded modules of an application, sorted."
  @spec modules(atom) :: modules
  def modules(app) do
    for module <- named(app), :erlang.module_loaded(module), md5 = md5(module), do: {module, md5}
  end

  @doc "Its version, `nil` if it is not loaded."
  @spec version(atom) :: String.t() | nil
  def version(app) do
    case :application.get_key(app, :vsn) do
      {:ok, version} -> to_string(version)
      :undefined -> nil
    end
  end

  defp describe(app, left) do
    modules = modules(app)

    {{app, version(app), Enum.take(modules, left), length(modules) > left},
     max(left - length(modules), 0)}
  end

  defp named(app) do
    case :application.get_key(app, :modules) do
      {:ok, modules} -> Enum.sort(modules)
      :undefined -> []
    end
  end

  # It may be purged in this moment.
  defp md5(module) do
    :erlang.get_module_info(module, :md5)
  rescue
    ArgumentError -> nil
  end

  defp number(modules) do
    text = for {module, md5} <- modules, do: [Atom.to_string(module), md5]
    text |> :erlang.md5() |> binary_part(0, 4) |> :binary.decode_unsigned()
  end
end
