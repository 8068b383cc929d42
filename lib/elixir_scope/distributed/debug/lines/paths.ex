defmodule ElixirScope.Distributed.Debug.Lines.Paths do
  @moduledoc false
  # Whether two paths mean one file. A release was built elsewhere, and a macro tells the file of
  # its lines from where that was compiled: so where no path is the same, trailing parts decide.
  # Pure.

  @least_parts 2

  @doc """
  Those of the paths that the file may be. Of the absolute ones it is the very same, else those that
  share most trailing parts with it, at least #{@least_parts}; and then also those that are not
  absolute and are a trailing part of it. All parts of a path that is not absolute are shared.
  """
  @spec matching([String.t()], String.t()) :: [String.t()]
  def matching(paths, file) do
    {absolute, relative} = Enum.split_with(paths, &(Path.type(&1) == :absolute))
    sharing(relative, parts(file)) ++ closest(absolute, file)
  end

  @doc "Whether a path ends with another one, part by part."
  @spec part?(String.t(), String.t()) :: boolean
  def part?(path, part), do: path == part or String.ends_with?(path, "/" <> part)

  defp sharing(paths, wanted), do: Enum.filter(paths, &shared(parts(&1), wanted))

  defp closest(paths, file) do
    if file in paths, do: [file], else: most(paths, parts(file))
  end

  defp most(paths, wanted) do
    ranked = for path <- paths, shared = shared(parts(path), wanted), do: {shared, path}
    {most, _path} = Enum.max(ranked, fn -> {0, nil} end)
    for {^most, path} <- ranked, do: path
  end

  # From the end; `nil` where too few are.
  defp shared(one, other) do
    count = one |> Enum.zip(other) |> Enum.take_while(fn {a, b} -> a == b end) |> length()
    if count >= Enum.min([needed(one), needed(other)]), do: count
  end

  defp needed(parts), do: if(List.last(parts) == "/", do: @least_parts, else: length(parts))

  defp parts(path), do: path |> Path.split() |> Enum.reverse() |> Enum.reject(&(&1 in [".", ""]))
end
