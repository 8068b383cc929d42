defmodule ElixirScope.Distributed.Debug.Interpreter.Choice do
  @moduledoc false
  # Which modules can be interpreted, and what of each the interpreter needs. All is taken from the file
  # of what runs: neither its source nor a reload is needed, so releases are as good as projects.

  alias ElixirScope.Distributed.Capture.Pattern
  alias ElixirScope.Distributed.Capture.Targets.Modules
  alias ElixirScope.Distributed.Debug.Int.{Points, Rows}
  alias ElixirScope.Distributed.Debug.Interpreter.Reasons

  @base ~w(kernel stdlib erts compiler debugger wx elixir)a

  @typedoc "`rows` is what the interpreter has of a module, `points` where it can be stopped."
  @type prepared :: %{
          module: module,
          md5: binary,
          source: String.t(),
          rows: Rows.t(),
          points: [Points.point()],
          clauses: %{{atom, arity} => [{integer, integer}]}
        }

  @doc "The modules that patterns name, in order and once."
  @spec modules([Pattern.t()]) :: [module]
  def modules(patterns), do: patterns |> Enum.flat_map(&named/1) |> Enum.uniq()

  defp named(%{module: {:app, app}}), do: Modules.of_application(app)

  defp named(%{module: {:glob, glob}}),
    do: Modules.all() |> Enum.filter(&Pattern.glob_matches?(glob, &1)) |> Enum.sort()

  defp named(%{module: module}), do: [module]

  @doc "What is needed to interpret a module, or why it is not."
  @spec prepare(module) :: {:ok, prepared} | {:error, Reasons.t()}
  def prepare(module) do
    with :ok <- allowed(module),
         :ok <- loaded(module),
         :ok <- no_nif(module),
         {:ok, beam} <- beam(module),
         {:ok, exports, code} <- debug_info(beam),
         {:ok, md5} <- md5(beam, module),
         {:ok, rows} <- Rows.make(module, source(module), exports, code, md5) do
      {:ok, prepared(module, md5, rows)}
    end
  end

  defp prepared(module, md5, rows) do
    functions = Rows.functions(rows)

    %{
      module: module,
      md5: md5,
      source: source(module),
      rows: rows,
      points: Points.of(functions),
      clauses: Points.clauses(functions)
    }
  end

  defp md5(beam, module) do
    {:ok, {^module, md5}} = :beam_lib.md5(beam)
    {:ok, md5}
  end

  defp allowed(module) do
    cond do
      Modules.ours?(module) -> {:error, :library}
      base?(module) -> {:error, :kernel}
      :code.is_sticky(module) -> {:error, :sticky}
      true -> :ok
    end
  end

  defp base?(module),
    do:
      :code.which(module) == :preloaded or
        Enum.any?(@base, &(module in Modules.of_application(&1)))

  defp loaded(module) do
    case :code.ensure_loaded(module) do
      {:module, ^module} -> :ok
      {:error, _reason} -> {:error, :no_module}
    end
  end

  # One that has yet to load its library says so by what it calls.
  defp no_nif(module),
    do: if(Modules.info(module, :nifs) in [nil, []], do: :ok, else: {:error, :nif})

  defp beam(module) do
    case :code.which(module) do
      file when is_list(file) and file != [] -> same(module, :erl_prim_loader.get_file(file))
      :cover_compiled -> {:error, :cover}
      _of_no_file -> {:error, :no_beam}
    end
  end

  defp same(module, {:ok, beam, _path}) do
    if :beam_lib.md5(beam) == {:ok, {module, Modules.info(module, :md5)}},
      do: {:ok, beam},
      else: {:error, :other_version}
  end

  defp same(_module, :error), do: {:error, :no_beam}

  defp debug_info(beam) do
    case :beam_lib.chunks(beam, [:abstract_code, :exports, :imports]) do
      {:ok, {_module, [abstract_code: code, exports: exports, imports: imports]}} ->
        if {:erlang, :load_nif, 2} in imports, do: {:error, :nif}, else: readable(exports, code)

      _unreadable ->
        {:error, :bad_debug_info}
    end
  end

  defp readable(exports, {:raw_abstract_v1, _forms} = code), do: {:ok, exports, code}
  defp readable(_exports, :no_abstract_code), do: {:error, :no_debug_info}
  defp readable(_exports, _other), do: {:error, :bad_debug_info}

  defp source(module) do
    case Modules.info(module, :compile)[:source] do
      source when is_list(source) -> List.to_string(source)
      _none -> Atom.to_string(module)
    end
  end
end
