defmodule ElixirScope.Distributed.Debug.Beams do
  @moduledoc """
  What modules need, out of their BEAM files: of the running system or of any folder, without compiling or loading
  anything.

      {:ok, orders} = ElixirScope.Distributed.Debug.Beams.read(MyApp.Orders)
      orders.functions   # with lines, and whom each of them calls

      {:ok, graph} =
        :loaded
        |> ElixirScope.Distributed.Debug.Beams.all(&ElixirScope.Distributed.Debug.Beams.listed/1)
        |> Enum.flat_map(fn result -> with {:ok, listed} <- result, do: [listed], else: (_ -> []) end)
        |> ElixirScope.Distributed.Debug.Graph.load()

  Elixir's modules and Erlang's are read alike. Macros are expanded in a BEAM file, so nothing in it tells what a
  module needed while it was compiled: its entries are

    * `:runtime` - calls, captured functions, and the modules that `apply`, `spawn` and their like are given
      as literals;
    * `:exports` - structs that are made or matched, behaviours, and the protocol of an implementation.

  What is decided at run time is in no file: see `ElixirScope.Distributed.Debug.Observed`. What the compiler knows
  besides: `ElixirScope.Distributed.Debug.CompileTracer`.

  ## Bounds

  A file, and its debug information unpacked, have at most 32 MiB each (`:too_large`); as terms that
  is ten times as much at most, for as long as the file is read. To read a file makes those atoms
  which its table of atoms and its terms (attributes, options of the compiler, debug information) hold, as loading it
  makes those of its table. How many these can be is judged by the sizes of the parts, and counted where that is too many,
  before one of them is made; where they would fill the VM's table beyond three quarters, the file is refused
  (`:too_many_atoms`). What other tools' debug information says is not run.
  """

  alias ElixirScope.Distributed.Debug.Beams.{Content, Module, Source}
  alias ElixirScope.Distributed.Debug.Graph

  # A module takes a hundred times less.
  @workers [ordered: false, timeout: 60_000, on_timeout: :kill_task, zip_input_on_exit: true]

  @type reason :: :no_beam | :bad_beam | :too_large | :too_many_atoms | :too_slow

  @doc """
  Reads the file of a module, a file that is named, or the bytes of one.

  Errors are `:no_beam` (there is no such file), `:bad_beam` (it is none, or broken), `:too_large` and
  `:too_many_atoms`. A file without debug information is no error: `debug_info?` is `false`.

      iex> {:ok, module} = ElixirScope.Distributed.Debug.Beams.read(Enum)
      iex> {module.language, module.debug_info?}
      {:elixir, true}
      iex> ElixirScope.Distributed.Debug.Beams.read(No.Such.Module)
      {:error, :no_beam}
  """
  @spec read(module | Path.t() | binary) :: {:ok, Module.t()} | {:error, reason}
  def read(what) when is_atom(what) or is_binary(what) do
    with {:ok, code, path} <- Source.find(what),
         {:ok, chunks} <- Source.chunks(code),
         {:ok, module} <- Content.module(chunks),
         do: {:ok, %{module | compiled_at: written(path)}}
  end

  @doc """
  What a module needs, as `ElixirScope.Distributed.Debug.Graph` takes it.

      {:ok, module} = ElixirScope.Distributed.Debug.Beams.read(Enum)
      ElixirScope.Distributed.Debug.Beams.entries(module)
  """
  @spec entries(Module.t()) :: [Graph.entry()]
  def entries(%Module{entries: entries}), do: entries

  @doc """
  The part of a module that a graph and its versions are made of.

      {:ok, module} = ElixirScope.Distributed.Debug.Beams.read(Enum)
      {Enum, _md5, _entries} = ElixirScope.Distributed.Debug.Beams.listed(module)
  """
  @spec listed(Module.t()) :: {module, md5 :: binary, [Graph.entry()]}
  def listed(%Module{} = module), do: {module.module, module.md5, module.entries}

  @doc """
  The digest of a module's code: of what is loaded, else of its file. Nothing else is read.

      iex> ElixirScope.Distributed.Debug.Beams.md5(Enum) == {:ok, Enum.module_info(:md5)}
      true
  """
  @spec md5(module | Path.t()) :: {:ok, binary} | {:error, reason}
  def md5(module) when is_atom(module) do
    {:ok, :erlang.get_module_info(module, :md5)}
  rescue
    ArgumentError -> with {:ok, path} <- Source.path(module), do: md5(path)
  end

  def md5(path) when is_binary(path) do
    with {:ok, code, _path} <- Source.find(path), do: Source.md5(code)
  end

  @doc """
  Reads many at once: modules, files and folders of files, or all that are `:loaded`. As they are taken, and in no
  order, there comes for each of them what `keep` makes of it (in the process that read it), or why there is none.

      ["_build/dev/lib/my_app/ebin"]
      |> ElixirScope.Distributed.Debug.Beams.all(&{&1.module, length(&1.functions)})
      |> Enum.to_list()
  """
  @spec all([module | Path.t()] | :loaded, (Module.t() -> kept)) ::
          Enumerable.t({:ok, kept} | {:error, {module | Path.t(), reason}})
        when kept: term
  def all(what, keep \\ & &1) do
    what
    |> which()
    |> Task.async_stream(&one(&1, keep), @workers)
    |> Stream.map(fn
      {:ok, result} -> result
      {:exit, {one, _late}} -> {:error, {one, :too_slow}}
    end)
  end

  defp one(what, keep) do
    case read(what) do
      {:ok, module} -> {:ok, keep.(module)}
      {:error, reason} -> {:error, {what, reason}}
    end
  end

  defp which(:loaded), do: for({module, _file} <- :code.all_loaded(), do: module)
  defp which(what), do: Stream.flat_map(what, &files/1)

  defp files(module) when is_atom(module), do: [module]

  defp files(path), do: if(File.dir?(path), do: Source.beams(path), else: [path])

  defp written(nil), do: nil

  defp written(path) do
    case File.stat(path, time: :posix) do
      {:ok, %{mtime: time}} -> DateTime.from_unix!(time)
      {:error, _in_an_archive} -> nil
    end
  end
end
