defmodule ElixirScope.Distributed.Debug.Known do
  @moduledoc false
  # What was read of modules, kept by what their files are: who asks about a module reads its
  # file when it is another one than it was, and then no more. All of it in the caller.
  #
  # A file is told from what it was by its path, size, time and number. Times are in seconds: a
  # file that was read in the second in which it was written may be written again in that second,
  # so what is kept of it counts only if it was read later.

  alias ElixirScope.Distributed.Debug.{Beams, Lines}
  alias ElixirScope.Distributed.Error
  alias ElixirScope.Distributed.Debug.Known.{Keeper, Stamp}

  @type summary :: %{
          module: module,
          path: String.t(),
          md5: binary,
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

  @doc "What its file says of a module."
  @spec module(module) :: {:ok, summary} | {:error, reason}
  def module(module) do
    with {:ok, path} <- Beams.Source.path(module), do: at(module, path)
  end

  defp at(module, path) do
    case {Stamp.of(path), Keeper.get({:module, module})} do
      {{:ok, stamp}, {%{path: ^path} = known, kept}} ->
        if Stamp.same?(kept, stamp), do: {:ok, known}, else: read(path, stamp)

      {{:ok, stamp}, _nothing_or_of_another_file} ->
        read(path, stamp)

      {:error, _none} ->
        {:error, :no_beam}
    end
  end

  defp read(path, stamp) do
    with {:ok, beam, _expanded} <- Beams.Source.find(path),
         {:ok, module} <- Beams.read(beam),
         known = summary(module, path),
         :ok <- Keeper.put(module.module, [{:module, {known, stamp}} | rows(module, beam)]),
         do: {:ok, known}
  end

  defp summary(module, path) do
    module
    |> Map.take([:module, :md5, :debug_info?, :language, :behaviours, :protocol?, :impl])
    |> Map.merge(%{path: path, source: module.file, compiled_at: Stamp.written(path)})
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
