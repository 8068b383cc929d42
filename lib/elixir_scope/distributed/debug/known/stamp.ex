defmodule ElixirScope.Distributed.Debug.Known.Stamp do
  @moduledoc false
  # What tells a file from what it was, and a source from what was compiled.

  @type t :: {mtime :: integer, size :: integer, inode :: integer, seen :: integer}

  @doc "As it is now."
  @spec of(Path.t()) :: {:ok, t} | :error
  def of(path) do
    # Before the file: what is written while it is looked at counts as written after it.
    now = System.os_time(:second)

    case :file.read_file_info(path, [:raw, time: :posix]) do
      {:ok, info} -> {:ok, stamp(File.Stat.from_record(info), now)}
      {:error, _reason} -> :error
    end
  end

  defp stamp(%{mtime: mtime, size: size, inode: inode}, now), do: {mtime, size, inode, now}

  @doc "Whether what was read at the one is what the other is of."
  @spec same?(t, t) :: boolean
  def same?({mtime, size, inode, seen}, {mtime, size, inode, _now}), do: seen > mtime
  def same?(_one, _other), do: false

  @doc "When the file was written."
  @spec written(Path.t()) :: DateTime.t() | nil
  def written(path) do
    case of(path) do
      {:ok, {mtime, _size, _inode, _seen}} -> DateTime.from_unix!(mtime)
      :error -> nil
    end
  end

  @doc "The digest of a source, if it was not changed after what was compiled from it was written."
  @spec digest(Path.t() | nil, Path.t()) :: binary | nil
  def digest(nil, _beam), do: nil
  def digest(source, beam), do: if(newer?(source, beam) == false, do: digest(source))

  @doc "Whether the source is another one than was compiled; nobody knows where there is none."
  @spec stale?(Path.t() | nil, digest :: binary | nil, Path.t()) :: boolean
  def stale?(nil, _digest, _beam), do: false
  def stale?(source, digest, beam), do: newer?(source, beam) == true and digest(source) != digest

  defp newer?(source, beam) do
    with {:ok, source} <- of(source), {:ok, beam} <- of(beam), do: elem(source, 0) > elem(beam, 0)
  end

  defp digest(source) do
    case File.read(source) do
      {:ok, text} -> :erlang.md5(text)
      {:error, _reason} -> nil
    end
  end
end
