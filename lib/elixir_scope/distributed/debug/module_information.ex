defmodule ElixirScope.Distributed.Debug.ModuleInformation do
  @moduledoc """
  What a node that knows the code says of a module: the service `:module_information`.

      {:ok, cart} = ModuleInformation.module(Shop.Cart)
      {cart.source, cart.md5, cart.behaviours}
  """

  alias ElixirScope.Distributed.Debug.{Known, Lines}
  alias ElixirScope.Distributed.Error

  @type information :: %{
          module: module,
          node: node,
          source: String.t() | nil,
          beam: String.t(),
          md5: binary,
          compiled_at: DateTime.t() | nil,
          language: :elixir | :erlang,
          behaviours: [module],
          protocol?: boolean,
          impl: %{protocol: module, for: module} | nil,
          debug_info?: boolean,
          loaded_md5: binary | nil,
          functions: [map]
        }

  @doc """
  A module, by its file on this node. `functions` have their lines where it has debug information; `loaded_md5` is another
  than `md5` where an older or newer version runs.

      {:ok, cart} = ModuleInformation.module(Shop.Cart)
      hd(cart.functions)
      #=> %{name: :add, arity: 2, kind: :def, first_line: 10, last_line: 14, file: "lib/shop/cart.ex"}
  """
  @spec module(module) :: {:ok, information} | {:error, Error.t()}
  def module(module) do
    with {:ok, known} <- Known.module(module) do
      shown = [:module, :source, :md5, :compiled_at, :language, :behaviours, :protocol?, :impl]
      own = %{node: node(), beam: known.path, functions: functions(module)}
      own = Map.put(own, :loaded_md5, loaded(module))
      {:ok, known |> Map.take([:debug_info? | shown]) |> Map.merge(own)}
    else
      {:error, reason} when is_atom(reason) -> {:error, Error.new(reason, module: module)}
      {:error, error} -> {:error, error}
    end
  end

  defp functions(module) do
    case Known.functions(module) do
      {:ok, functions} -> Enum.map(functions, &shown/1)
      {:error, _reason} -> []
    end
  end

  defp shown(function),
    do: Map.take(function, [:name, :arity, :kind, :file, :first_line, :last_line])

  defp loaded(module) do
    :erlang.get_module_info(module, :md5)
  rescue
    ArgumentError -> nil
  end

  @doc """
  Which function has code on a line: see `ElixirScope.Distributed.Debug.Lines.at/2`.

      {:ok, place} = ModuleInformation.at("lib/shop/cart.ex", 12)
  """
  @spec at(String.t(), pos_integer) :: {:ok, Lines.place()} | {:error, Error.t()}
  defdelegate at(file, line), to: Lines

  @doc """
  Which modules have code from a file.

      {:ok, [Shop.Cart]} = ModuleInformation.modules_of("lib/shop/cart.ex")
  """
  @spec modules_of(String.t()) :: {:ok, [module]} | {:error, Error.t()}
  defdelegate modules_of(file), to: Lines, as: :in_file
end
