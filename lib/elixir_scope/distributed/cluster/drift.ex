defmodule ElixirScope.Distributed.Cluster.Drift do
  @moduledoc false
  # Where two nodes run different code: which applications differ, by their version or by the
  # modules that both have loaded.

  alias ElixirScope.Distributed.Cluster.Inventory

  # So many modules of an application are named; the others are counted.
  @named 50

  @type drift :: %{
          (app :: atom) => %{
            ours: String.t() | nil,
            theirs: String.t() | nil,
            modules: [module],
            more: non_neg_integer,
            cut?: boolean
          }
        }

  @doc """
  The applications of which two nodes may have different code; those of another version first,
  as there is not room for everything.

      iex> Drift.suspects([{:shop, "1.0", 7}, {:kernel, "9", 1}], [{:shop, "1.0", 8}, {:kernel, "9", 1}])
      [:shop]
  """
  @spec suspects([Inventory.brief()], [Inventory.brief()]) :: [atom]
  def suspects(ours, theirs) do
    versions = Map.new(theirs, fn {app, version, _number} -> {app, version} end)

    same =
      for {app, version, _number} <- ours, versions[app] == version, into: %{}, do: {app, true}

    for({app, _version, _number} <- (ours -- theirs) ++ (theirs -- ours), uniq: true, do: app)
    |> Enum.sort_by(&{is_map_key(same, &1), &1})
  end

  @doc """
  What differs, from both sides of the same applications. A module that only one of them has
  loaded is no difference: most are loaded when they are first called.
  """
  @spec compare([Inventory.full()], [Inventory.full()]) :: drift
  def compare(ours, theirs) do
    ours = Map.new(ours, fn {app, _, _, _} = full -> {app, full} end)

    for {app, _, _, _} = full <- theirs,
        difference = difference(Map.get(ours, app, {app, nil, [], false}), full),
        into: %{},
        do: {app, difference}
  end

  defp difference({_, ours, modules, cut?}, {_, theirs, other_modules, other_cut?}) do
    differ = different(modules, Map.new(other_modules))

    if ours != theirs or differ != [] do
      {named, more} = Enum.split(differ, @named)
      %{ours: ours, theirs: theirs, modules: named, more: length(more), cut?: cut? or other_cut?}
    end
  end

  defp different(modules, others) do
    for {module, md5} <- modules, is_map_key(others, module), others[module] != md5, do: module
  end
end
