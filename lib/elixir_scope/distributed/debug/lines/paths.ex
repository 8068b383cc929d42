defmodule ElixirScope.Distributed.Debug.Lines.Paths do
  @moduledoc false
  # Whether two paths mean one file. A release was built elsewhere, and a macro tells the file of
  # its lines from where that was compiled: so where no path is the same, trailing parts decide.
  # Pure.

  @least_parts 2

  @doc """
  Those of the paths that the file may be: the very same ones, else those that share most
  trailing parts with it. All parts of a path that is not absolute have to be shared; of two absolute
  ones, #{@least_parts}.
  """
  @spec matching([String.t()], String.t()) :: [String.t()]
  def matching(paths, file) do
    if file in paths, do: [file], else: closest(paths, parts(file))
  end

  defp closest(paths, wanted) do
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
