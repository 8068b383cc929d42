defmodule ElixirScope.Distributed.Debug.Folders do
  @moduledoc false
  # Where the code of this VM is on disk: that of the project and what it depends on, and that of
  # Erlang and Elixir themselves, which is most of it and changes never.

  @doc "The files of modules of the project, in the order of the code path, and loaded from elsewhere."
  @spec project() :: [charlist]
  def project, do: Enum.uniq(on_path(&(not system?(&1))) ++ loaded())

  @doc "Those of Erlang and Elixir."
  @spec system() :: [charlist]
  def system, do: on_path(&system?/1)

  @doc "The folders of the code path that are not theirs."
  @spec of_project() :: [charlist]
  def of_project, do: Enum.reject(:code.get_path(), &system?/1)

  @doc "The folders of Mix that these are in: `_build/dev` of `_build/dev/lib/shop/ebin`."
  @spec builds() :: [Path.t()]
  def builds do
    for folder <- of_project(),
        [_app, lib, build] = above(folder),
        Path.basename(lib) == "lib",
        uniq: true,
        do: build
  end

  defp above(folder) do
    folder |> to_string() |> Path.expand() |> Stream.iterate(&Path.dirname/1) |> Enum.slice(1, 3)
  end

  @doc "Whether a path is of Erlang or Elixir."
  @spec system?(charlist | String.t()) :: boolean
  def system?(path) do
    path = Path.expand(path)
    Enum.any?(system_roots(), &String.starts_with?(path, &1))
  end

  @doc "The application of Erlang's or Elixir's that has the module, by the folders' names."
  @spec application(module) :: String.t() | nil
  def application(module) do
    name = Atom.to_charlist(module) ++ ~c".beam"

    Enum.find_value(:code.get_path(), fn folder ->
      if system?(folder) and has?(folder, name), do: named(folder)
    end)
  end

  defp has?(folder, name),
    do: match?({:ok, _info}, :file.read_file_info(:filename.join(folder, name), [:raw]))

  # .../lib/stdlib-4.2/ebin
  defp named(folder),
    do: folder |> Path.dirname() |> Path.basename() |> String.replace(~r/-.*/, "")

  # They stay where they are as long as the VM runs, and are asked for by every module that is read.
  defp system_roots do
    with nil <- :persistent_term.get(__MODULE__, nil) do
      roots = roots()
      :persistent_term.put(__MODULE__, roots)
      roots
    end
  end

  defp roots do
    elixir = :elixir |> :code.lib_dir() |> to_string() |> Path.dirname()
    for root <- [to_string(:code.root_dir()), elixir], do: Path.expand(root) <> "/"
  end

  defp on_path(wanted?), do: :code.get_path() |> Enum.filter(wanted?) |> Enum.flat_map(&files/1)

  defp loaded do
    files =
      for {_module, [_ | _] = file} <- :code.all_loaded(),
          :filename.extension(file) == ~c".beam",
          do: file

    # Hundreds of modules are in a few folders, and each of these is looked at once.
    by_folder = Enum.group_by(files, &:filename.dirname/1)
    for {folder, files} <- by_folder, not system?(folder), file <- files, do: file
  end

  defp files(folder) do
    case :erl_prim_loader.list_dir(folder) do
      {:ok, names} -> for name <- names, beam?(name), do: :filename.join(folder, name)
      :error -> []
    end
  end

  defp beam?(name), do: :filename.extension(name) == ~c".beam"
end
