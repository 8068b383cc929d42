defmodule ElixirScope.Distributed.Debug.Lines.Files do
  @moduledoc false
  # Which modules have code from a file: those that are loaded, those of the folders that code
  # is loaded from, and last those of Erlang and Elixir themselves, as these are many.

  alias ElixirScope.Distributed.Debug.Lines.{Code, Paths}

  @doc "The modules with code from the file, with the path by which each of them calls it."
  @spec modules(String.t()) :: [{module, path :: String.t()}]
  def modules(file) do
    Enum.find_value([&loaded/0, &project/0, &system/0], [], fn beams ->
      found = beams.() |> named() |> matching(file)
      if found != [], do: found
    end)
  end

  defp matching(named, file) do
    paths = named |> Enum.map(&elem(&1, 1)) |> Enum.uniq() |> Paths.matching(file) |> MapSet.new()
    for {_module, path} = one <- named, path in paths, do: one
  end

  defp named(beams) do
    for beam <- beams,
        {:ok, module, paths} <- [Code.files(beam)],
        path <- paths,
        do: {module, path}
  end

  defp loaded,
    do: for({_module, [_ | _] = beam} <- :code.all_loaded(), not system?(beam), do: beam)

  defp project, do: :code.get_path() |> Enum.reject(&system?/1) |> Enum.flat_map(&in_folder/1)
  defp system, do: :code.get_path() |> Enum.filter(&system?/1) |> Enum.flat_map(&in_folder/1)

  defp system?(path), do: Enum.any?([:code.root_dir(), elixir()], &:lists.prefix(&1, path))
  defp elixir, do: :elixir |> :code.lib_dir() |> :filename.dirname()

  defp in_folder(folder),
    do: :filelib.wildcard(~c"*.beam", folder) |> Enum.map(&:filename.join(folder, &1))
end
