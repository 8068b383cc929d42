defmodule ElixirScope.Distributed.Debug.Known do
  @moduledoc false
  # What was read of modules, kept by what their files are: who asks about a module reads its
  # file when it is another one than it was, and then no more. All of it in the caller.
  #
  # The md5 of a module is of its code: it is the same where only lines moved. `lines` is of the rest.
  #
  # A file is told from what it was by its path, size, time and number. Times are in seconds: a
  # file that was read in the second in which it was written may be written again in that second,
  # so what is kept of it counts only if it was read later.

  alias ElixirScope.Distributed.Debug.{Beams, Folders, Lines}
  alias ElixirScope.Distributed.Error
  alias ElixirScope.Distributed.Debug.Known.{Keeper, Stamp}

  @type summary :: %{
          module: module,
          path: String.t(),
          md5: binary,
          lines: binary,
          source: String.t() | nil,
          digest: binary | nil,
          debug_info?: boolean,
          language: :elixir | :erlang,
          behaviours: [module],
          protocol?: boolean,
          impl: %{protocol: module, for: module} | nil,
          nif?: boolean,
          compiled_at: DateTime.t() | nil
        }
  @type reason :: Beams.reason() | :no_debug_info | Error.t()

  @doc "What its file says of a module. Those of Erlang and Elixir are looked at once."
  @spec module(module) :: {:ok, summary} | {:error, reason}
  def module(module) do
    case Keeper.get({:module, module}) do
      {known, :system} -> {:ok, known}
      {%{path: path} = known, stamp} -> still(module, known, stamp, Stamp.of(path))
      nil -> found(module)
    end
  end

  defp still(module, known, stamp, {:ok, now}),
    do: if(Stamp.same?(stamp, now), do: {:ok, known}, else: found(module))

  defp still(module, _known, _stamp, :error), do: found(module)

  defp found(module) do
    with {:ok, path} <- Beams.Source.path(module), {:ok, stamp} <- stamp(path) do
      read(path, stamp)
    end
  end

  defp stamp(path) do
    with :error <- if(Folders.system?(path), do: {:ok, :system}, else: Stamp.of(path)),
         do: {:error, :no_beam}
  end

  @doc "What is kept of a module, or else its file says: for who looks later whether it still holds."
  @spec kept(module) :: {:ok, summary} | {:error, reason}
  def kept(module) do
    case Keeper.get({:module, module}) do
      {known, _stamp} -> {:ok, known}
      nil -> found(module)
    end
  end

  @doc """
  The application of a module of Erlang or Elixir, found without reading its file; `nil` of another
  module. A protocol of theirs is theirs, though a project has a file of its own for it.
  """
  @spec system(module) :: String.t() | nil
  def system(module) do
    case Keeper.get({module, :system}) do
      nil -> noted(module, Folders.application(module))
      {:application, name} -> name
    end
  end

  defp noted(module, application) do
    Keeper.note(module, {:system, {:application, application}})
    application
  end

  defp read(path, stamp) do
    with {:ok, beam, _expanded} <- Beams.Source.find(path),
         {:ok, module} <- Beams.read(beam),
         known = module |> summary(path, Lines.Code.digest(beam)) |> seen_before(),
         :ok <- Keeper.put(module.module, [{:module, {known, stamp}} | rows(module, beam)]),
         do: {:ok, known}
  end

  # What its source was is known from when that was still the older one.
  defp seen_before(%{md5: md5, lines: lines} = known) do
    case Keeper.get({:module, known.module}) do
      {%{md5: ^md5, lines: ^lines, digest: digest}, _stamp} when digest != nil ->
        %{known | digest: digest}

      _nothing_or_another_version ->
        known
    end
  end

  defp summary(module, path, lines) do
    module
    |> Map.take([:module, :md5, :debug_info?, :language, :behaviours, :protocol?, :impl])
    |> Map.merge(%{
      path: path,
      lines: lines,
      source: module.file,
      compiled_at: Stamp.written(path)
    })
    |> Map.merge(%{nif?: nif?(module), digest: Stamp.digest(module.file, path)})
  end

  # Whoever loads native code does it by this function.
  defp nif?(%{functions: functions}) do
    Enum.any?(functions, fn %{calls: calls} ->
      Enum.any?(calls, &match?({{:erlang, :load_nif, 2}, _line}, &1))
    end)
  end

  defp rows(%{debug_info?: false}, _beam), do: []

  defp rows(module, beam) do
    calls =
      for one <- module.functions,
          do: {{:calls, one.name, one.arity}, one.calls |> Enum.map(&elem(&1, 0)) |> Enum.uniq()}

    [{:functions, module.functions}, {:lines, lines(module, beam)} | calls]
  end

  defp lines(module, beam) do
    case Lines.Code.forms(beam) do
      {:ok, forms} -> Lines.Table.of(forms, module.file || "")
      {:error, _reason} -> []
    end
  end

  @doc "Its functions, with their lines and calls."
  @spec functions(module) :: {:ok, [Beams.Module.fun()]} | {:error, reason}
  def functions(module), do: part(module, :functions)

  @doc "Which of its functions has code on which line."
  @spec lines(module) :: {:ok, Lines.Table.functions()} | {:error, reason}
  def lines(module), do: part(module, :lines)

  @doc "Which functions the compiled code of a module that was just read has on a line of a file."
  @spec holders(summary, String.t(), pos_integer) :: [{atom, arity}]
  def holders(known, file, line) do
    holders = Keeper.get({known.module, :holders}) || disassembled(known)

    for {{name, ^line}, functions} <- holders,
        Lines.Paths.part?(file, name),
        one <- functions,
        do: one
  end

  defp disassembled(%{module: module, path: path}) do
    with {:ok, beam, _path} <- Beams.Source.find(path) do
      holders = Lines.Code.holders(beam)
      Keeper.note(module, {:holders, holders})
      holders
    else
      {:error, _reason} -> %{}
    end
  end

  @doc "Whom a function of a module that was just read calls."
  @spec calls(module, atom, arity) :: [Beams.Module.callee()]
  def calls(module, name, arity), do: Keeper.get({module, {:calls, name, arity}}) || []

  defp part(module, part) do
    with {:ok, %{debug_info?: true}} <- module(module),
         value when value != nil <- Keeper.get({module, part}) do
      {:ok, value}
    else
      {:ok, %{debug_info?: false}} -> {:error, :no_debug_info}
      {:error, reason} -> {:error, reason}
      nil -> {:error, :no_beam}
    end
  end
end
