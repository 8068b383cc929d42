defmodule ElixirScope.Distributed.Debug.Lines.Files do
  @moduledoc false
  # Which modules have code from a file.

  alias ElixirScope.Distributed.Debug.Beams
  alias ElixirScope.Distributed.Debug.Lines.{Code, Index, Paths}

  @doc """
  The modules with code from the file, with the path by which each of them calls it; those whose source
  it is come first.
  """
  @spec modules(String.t()) :: {:ok, [{module, path :: String.t()}]} | {:error, term}
  def modules(file) do
    with :ok <- Index.current() do
      case matching(file) do
        [] -> again(file)
        found -> if Enum.all?(found, &still?/1), do: {:ok, bare(found)}, else: again(file)
      end
    end
  end

  @doc "The same, after every file was looked at."
  @spec again(String.t()) :: {:ok, [{module, path :: String.t()}]}
  def again(file) do
    :ok = Index.refresh()
    {:ok, file |> matching() |> bare()}
  end

  # The source of a module of the project is none of Erlang's or Elixir's.
  defp matching(file) do
    found = named(file)

    if Enum.any?(found, fn {_module, _path, _beam, own?} -> own? end) do
      found
    else
      :ok = Index.system()
      named(file)
    end
  end

  defp named(file) do
    named = Index.named(file)
    paths = named |> Enum.map(&elem(&1, 1)) |> Enum.uniq() |> Paths.matching(file) |> other?(file)
    Enum.filter(named, fn {_module, path, _beam, _own?} -> path in paths end)
  end

  # Where both are here, they are the same file or two.
  defp other?(paths, file), do: Enum.reject(paths, &(&1 != file and two?(&1, file)))

  defp two?(path, file) do
    with {:ok, one} <- File.stat(path), {:ok, other} <- File.stat(to_string(file)) do
      {one.inode, one.major_device} != {other.inode, other.major_device}
    else
      _not_here -> false
    end
  end

  # What is found first on the code path, and has it still.
  defp still?({module, path, beam, _own?}) do
    with {:ok, found} <- Beams.Source.path(module),
         true <- same?(found, beam),
         {:ok, ^module, paths} <- Code.files(beam) do
      path in paths
    else
      _else -> false
    end
  end

  defp bare(found) do
    found
    |> Enum.filter(fn {module, _path, beam, _own?} -> first?(module, beam) end)
    |> Enum.map(fn {module, path, _beam, _own?} -> {module, path} end)
    |> Enum.uniq()
    |> Enum.sort()
  end

  # Of two files with the same module one is loaded.
  defp first?(module, beam) do
    case Beams.Source.path(module) do
      {:ok, found} -> same?(found, beam)
      {:error, _reason} -> false
    end
  end

  # A folder may be on the code path by another name than its modules were loaded by.
  defp same?(found, beam), do: found == List.to_string(beam) or not two?(found, beam)
end
