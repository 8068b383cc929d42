defmodule ElixirScope.Distributed.Export.Target do
  @moduledoc false
  # Where an export goes: a path, a device, something collectable, or memory. A file is written beside its
  # place under a name of its own, and takes that place when it is whole: who looks sees the old file or
  # the new one, and what was begun and failed is taken away. It belongs to the process that opened it.

  alias ElixirScope.Distributed.Error
  alias ElixirScope.Distributed.Export.Failure

  @enforce_keys [:kind, :state]
  defstruct [:kind, :state, bytes: 0]

  @type t :: %__MODULE__{
          kind: :file | :device | :into | :memory,
          state: term,
          bytes: non_neg_integer
        }

  @typedoc "What can be written to: `:memory` gives the export as iodata."
  @type place :: Path.t() | IO.device() | Collectable.t() | :memory

  @doc "Opens a place."
  @spec open(place) :: {:ok, t} | {:error, Error.t()}
  def open(:memory), do: {:ok, %__MODULE__{kind: :memory, state: []}}
  def open(path) when is_binary(path), do: open_file(path)

  def open(device) when is_pid(device) or is_atom(device),
    do: {:ok, %__MODULE__{kind: :device, state: device}}

  def open(other) do
    if Collectable.impl_for(other),
      do: {:ok, %__MODULE__{kind: :into, state: Collectable.into(other)}},
      else: {:error, Failure.bad_target(other)}
  end

  # Nobody else has that name: where one is there, it is not ours to write over.
  defp open_file(path) do
    draft = "#{path}.part-#{System.unique_integer([:positive])}-#{System.pid()}"

    with false <- File.dir?(path),
         {:ok, file} <- File.open(draft, [:write, :exclusive, :raw, :binary]) do
      {:ok, %__MODULE__{kind: :file, state: {file, draft, path}}}
    else
      true -> {:error, Failure.not_writable(path, :eisdir)}
      {:error, reason} -> {:error, Failure.not_writable(path, reason)}
    end
  end

  @doc "Writes the next part."
  @spec put(t, iodata) :: {:ok, t} | {:error, Error.t()}
  def put(target, []), do: {:ok, target}
  def put(target, ""), do: {:ok, target}

  def put(target, data) do
    with {:ok, state} <- write(target.kind, target.state, data),
         do: {:ok, %{target | state: state, bytes: target.bytes + IO.iodata_length(data)}}
  end

  defp write(:memory, parts, data), do: {:ok, [parts | data]}

  defp write(:file, {file, _draft, path} = state, data) do
    case :file.write(file, data) do
      :ok -> {:ok, state}
      {:error, reason} -> {:error, Failure.not_writable(path, reason)}
    end
  end

  defp write(:device, device, data) do
    case :file.write(device, data) do
      :ok -> {:ok, device}
      {:error, reason} -> {:error, Failure.not_writable(inspect(device), reason)}
    end
  rescue
    error in [ArgumentError, ErlangError] ->
      {:error, Failure.not_writable(inspect(device), Exception.message(error))}
  end

  defp write(:into, {acc, collect}, data),
    do: {:ok, {collect.(acc, {:cont, IO.iodata_to_binary(data)}), collect}}

  @doc "Nothing more is to come; what it became."
  @spec close(t) :: {:ok, term} | {:error, Error.t()}
  def close(%{kind: :memory, state: parts}), do: {:ok, parts}
  def close(%{kind: :device}), do: {:ok, :ok}
  def close(%{kind: :into, state: {acc, collect}}), do: {:ok, collect.(acc, :done)}

  def close(%{kind: :file, state: {file, draft, path}}) do
    with :ok <- :file.sync(file),
         :ok <- File.close(file),
         :ok <- File.rename(draft, path) do
      {:ok, :ok}
    else
      {:error, reason} ->
        File.rm(draft)
        {:error, Failure.not_writable(path, reason)}
    end
  end

  @doc """
  Runs what writes to a target and closes it. Where it answers with an error, or is left in any other
  way, nothing is left of the target.
  """
  @spec guarded(t, (t -> result)) :: result when result: {%{events: term}, term}
  def guarded(target, fun) do
    result = fun.(target)
    with {%{events: failure}, _} when elem(failure, 0) == :error <- result, do: abandon(target)
    result
  catch
    class, reason ->
      abandon(target)
      :erlang.raise(class, reason, __STACKTRACE__)
  end

  defp abandon(%{kind: :file, state: {file, draft, _path}}) do
    _closed = File.close(file)
    _removed = File.rm(draft)
    :ok
  end

  defp abandon(%{kind: :into, state: {acc, collect}}) do
    collect.(acc, :halt)
    :ok
  end

  defp abandon(_memory_or_device), do: :ok
end
