defmodule ElixirScope.Distributed.Debug.Beams.Source do
  @moduledoc false
  # The bytes of a BEAM file and what is in them, bounded: nothing is loaded, no function of the module
  # is called, and no atom is made before there is room for it.

  alias ElixirScope.Distributed.Debug.Beams.{Atoms, Room}

  # The largest of Elixir and OTP has 1 MiB.
  @file_bytes 32 * 1024 * 1024

  @wanted [:exports, :locals, :imports, :attributes, :compile_info, :debug_info]

  @type reason :: :no_beam | :bad_beam | :too_large | :too_many_atoms

  @doc "The chunks of BEAM bytes, as `:beam_lib` names them, and the digest of the code."
  @spec chunks(binary) :: {:ok, map} | {:error, reason}
  def chunks(code) do
    with {:ok, code} <- plain(code),
         {:ok, atoms} <- Atoms.estimate(code),
         {:error, :too_many_atoms} <- Room.with(atoms, fn -> decoded(code) end),
         {:ok, atoms} <- Atoms.count(code),
         do: Room.with(atoms, fn -> decoded(code) end)
  rescue
    _broken -> {:error, :bad_beam}
  end

  # A file may be packed as a whole.
  defp plain(<<"FOR1", _::binary>> = code), do: {:ok, code}
  defp plain(<<31, 139, _::binary>> = packed), do: unpack(packed)
  defp plain(_other), do: {:error, :bad_beam}

  defp unpack(packed) do
    if unpacked_size(packed) > @file_bytes,
      do: {:error, :too_large},
      else: packed |> :zlib.gunzip() |> plain()
  end

  # As the end of what gzip writes has it; more than that is not unpacked by it either.
  defp unpacked_size(packed),
    do: packed |> binary_part(byte_size(packed), -4) |> :binary.decode_unsigned(:little)

  defp decoded(code) do
    with {:ok, {module, chunks}} <- :beam_lib.chunks(code, @wanted, [:allow_missing_chunks]),
         {:ok, {^module, md5}} <- :beam_lib.md5(code) do
      {:ok, chunks |> Map.new() |> Map.merge(%{module: module, md5: md5})}
    else
      _broken -> {:error, :bad_beam}
    end
  end

  @doc "The BEAM files in a folder."
  @spec beams(Path.t()) :: [Path.t()]
  def beams(folder), do: folder |> paths() |> Enum.filter(&(Path.extname(&1) == ".beam"))

  @doc "What is in a folder, whatever signs its name has."
  @spec paths(Path.t()) :: [Path.t()]
  def paths(folder) do
    case File.ls(folder) do
      {:ok, names} -> Enum.map(names, &Path.join(folder, &1))
      {:error, _none} -> []
    end
  end

  @doc "The digest of the code alone."
  @spec md5(binary) :: {:ok, binary} | {:error, reason}
  def md5(code) do
    with {:ok, code} <- plain(code),
         {:ok, {_module, md5}} <- Room.with(1, fn -> :beam_lib.md5(code) end) do
      {:ok, md5}
    else
      {:error, reason} when is_atom(reason) -> {:error, reason}
      _broken -> {:error, :bad_beam}
    end
  end

  @doc "The bytes of a file, or of a module's file, and which file that is."
  @spec find(module | Path.t() | binary) ::
          {:ok, binary, path :: String.t() | nil} | {:error, reason}
  def find(<<"FOR1", _::binary>> = code), do: sized(code, nil)
  def find(<<31, 139, _::binary>> = code), do: sized(code, nil)
  def find(path) when is_binary(path), do: path |> Path.expand() |> load()
  def find(module) when is_atom(module), do: with({:ok, path} <- path(module), do: load(path))

  @doc "The file of a module: the one it was loaded from, else the first on the code path."
  @spec path(module) :: {:ok, String.t()} | {:error, :no_beam}
  def path(module) do
    case :code.is_loaded(module) do
      {:file, [_ | _] = file} -> existing(file) || on_path(module)
      _preloaded_or_covered_or_without_a_file -> on_path(module)
    end
  end

  defp existing(file) do
    case :erl_prim_loader.read_file_info(file) do
      {:ok, _info} -> {:ok, List.to_string(file)}
      :error -> nil
    end
  end

  # What is preloaded has its file with the runtime system, which is not on the code path.
  defp on_path(module) do
    name = Atom.to_charlist(module) ++ ~c".beam"

    cond do
      bad_name?(name) -> {:error, :no_beam}
      is_list(found = :code.where_is_file(name)) -> {:ok, List.to_string(found)}
      true -> preloaded(:code.root_dir() ++ ~c"/lib/erts-" ++ :erlang.system_info(:version), name)
    end
  end

  defp preloaded(folder, name),
    do: existing(folder ++ ~c"/ebin/" ++ name) || {:error, :no_beam}

  # The code server logs an error for each folder in which a name cannot be looked up.
  defp bad_name?(name), do: length(name) > 255 or Enum.any?(name, &(&1 in [0, ?/]))

  defp load(path) do
    with {:ok, size} <- size(path),
         true <- size <= @file_bytes || {:error, :too_large},
         {:ok, code, _name} <- :erl_prim_loader.get_file(String.to_charlist(path)) do
      {:ok, code, path}
    else
      :error -> {:error, :no_beam}
      {:error, reason} -> {:error, reason}
    end
  end

  # What is no file is not read, as the loader logs that as an error.
  defp size(path) do
    case :erl_prim_loader.read_file_info(String.to_charlist(path)) do
      {:ok, info} when elem(info, 2) == :regular -> {:ok, elem(info, 1)}
      _none -> :error
    end
  end

  defp sized(code, path) when byte_size(code) <= @file_bytes, do: {:ok, code, path}
  defp sized(_code, _path), do: {:error, :too_large}
end
