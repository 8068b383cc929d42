defmodule ElixirScope.Distributed.CLI.Kept do
  @moduledoc false
  # Files on the side of who typed a command: what is to be written there, and recordings that are asked.

  alias ElixirScope.Distributed.CLI.{Command, Exit, Failure, Parser}

  alias ElixirScope.Distributed, as: Library

  @app :elixir_scope_distributed

  @type file :: %{device: pid, draft: Path.t() | nil, path: Path.t() | nil}

  # Written in pieces of this size at least, or after as many milliseconds.
  @delayed {:delayed_write, 256 * 1024, 500}

  @doc "Opens a recording for as long as a function asks it by the name of its scope."
  @spec opened(Path.t(), (atom -> result)) :: result when result: term
  def opened(path, fun) do
    library()
    scope = path |> Library.open() |> named(path) |> Failure.ok!()

    try do
      fun.(scope)
    after
      Library.close(scope)
    end
  end

  @doc "The library runs in this VM; where it did not, without a scope, as a tool's VM has none."
  @spec library() :: :ok
  def library do
    unless running?(), do: Application.put_env(@app, :autostart, false)
    {:ok, _started} = Application.ensure_all_started(@app)
    :ok
  end

  defp named({:error, error}, path) when is_exception(error),
    do: {:error, "#{path}: #{Exception.message(error)}"}

  defp named(opened, _path), do: opened

  defp running?, do: List.keymember?(Application.started_applications(), @app, 0)

  @doc "Opens the file that a command writes, beside its place; standard output where none is named."
  @spec file!(Command.spec(), Parser.parsed()) :: file | nil
  def file!(%{file: :first}, %{arguments: [path | _]} = parsed), do: open!(path, parsed.options)
  def file!(%{file: :output}, %{options: %{output: path} = options}), do: open!(path, options)
  def file!(%{file: :output}, _parsed), do: standard()
  def file!(_none, _parsed), do: nil

  # Bytes are written as they are.
  defp standard do
    :ok = :io.setopts(:standard_io, encoding: :latin1)
    %{device: Process.group_leader(), draft: nil, path: nil}
  end

  defp open!(path, options) do
    if File.exists?(path) and not Map.get(options, :force, false),
      do: raise(Failure.new(:usage, "#{path} is there already; --force writes over it"))

    draft = "#{path}.part-#{System.pid()}"

    # What was recorded may be nobody else's business.
    case File.open(draft, [:write, :exclusive, :binary, @delayed]) do
      {:ok, device} -> %{device: device, draft: private(draft), path: path}
      {:error, reason} -> raise Failure.new(:usage, "#{path}: #{:file.format_error(reason)}")
    end
  end

  defp private(draft) do
    File.chmod!(draft, 0o600)
    draft
  end

  @doc "It takes its place, or is taken away."
  @spec done(file | nil, Exit.name()) :: :ok
  def done(nil, _name), do: :ok
  def done(%{path: nil}, _name), do: :io.setopts(:standard_io, encoding: :unicode)

  def done(%{device: device, draft: draft, path: path}, name) do
    with :ok <- File.close(device),
         true <- name in [:fine, :partial],
         :ok <- File.rename(draft, path) do
      :ok
    else
      false ->
        File.rm(draft)
        :ok

      {:error, reason} ->
        File.rm(draft)
        raise Failure.new(:failed, "#{path}: #{:file.format_error(reason)}")
    end
  end
end
