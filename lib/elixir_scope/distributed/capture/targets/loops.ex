defmodule ElixirScope.Distributed.Capture.Targets.Loops do
  @moduledoc false
  # Functions whose last act is to call themselves, directly or through others of their
  # module. Whoever wants to see them return makes the VM keep a frame for each turn, so that
  # a server's loop grows until there is no memory left. The debug information of the file
  # says which they are; without it nothing is known, and the count of open calls that ends
  # a trace has to do.

  alias ElixirScope.Distributed.Capture.Targets
  alias ElixirScope.Distributed.Capture.Targets.{Modules, TailCalls}
  alias ElixirScope.Distributed.Error

  # Reading costs time, from 0.03 to 0.7 s for a mebibyte: what is longer than this is not read.
  @module_bytes 1024 * 1024
  @all_bytes 16 * 1024 * 1024

  @doc """
  Refuses loops that were named and whose returns are wanted. Those that only came with
  their module are recorded without returns, and named.
  """
  @spec refuse([Targets.target()]) ::
          {:ok, [Targets.target()], refused :: [mfa]} | {:error, Error.t()}
  def refuse(targets) do
    loops = among(targets)

    case Enum.find(targets, &(&1.mfa in loops and named?(&1))) do
      nil -> {:ok, without_returns(targets, loops), Enum.sort(loops)}
      target -> {:error, Error.new(:runaway_return, function: target.mfa)}
    end
  end

  @doc "The same targets, but the loops among them without returns."
  @spec without_returns([Targets.target()]) :: [Targets.target()]
  def without_returns(targets), do: without_returns(targets, among(targets))

  @doc "The loops of a module, where its debug information says which they are."
  @spec of(module) :: {:ok, [{atom, arity}]} | :unknown
  def of(module) do
    with {:ok, code} <- Modules.code(module), do: of_code(module, code, @module_bytes)
  end

  defp among(targets) do
    {named, others} = targets |> Enum.filter(&returns?/1) |> Enum.split_with(&named?/1)
    wanted = for target <- named ++ others, do: target.mfa
    modules = for {module, _function, _arity} <- wanted, uniq: true, do: module
    {loops, _left} = Enum.flat_map_reduce(modules, @all_bytes, &read/2)
    MapSet.intersection(MapSet.new(loops), MapSet.new(wanted))
  end

  defp read(module, left) do
    with {:ok, code} <- Modules.code(module),
         {:ok, loops} <- of_code(module, code, min(left, @module_bytes)) do
      {for({function, arity} <- loops, do: {module, function, arity}), left - byte_size(code)}
    else
      :unknown -> {[], left}
    end
  end

  defp of_code(module, code, limit) when byte_size(code) <= limit do
    with {:ok, {^module, [debug_info: {:debug_info_v1, backend, data}]}} <-
           :beam_lib.chunks(code, [:debug_info]),
         {:ok, forms} <- forms(backend, module, data) do
      {:ok, TailCalls.loops(module, forms)}
    else
      _none -> :unknown
    end
  end

  defp of_code(_module, _code, _limit), do: :unknown

  # What another compiler left is not run.
  defp forms(backend, module, data) when backend in [:elixir_erl, :erl_abstract_code],
    do: backend.debug_info(:erlang_v1, module, data, [])

  defp forms(_other, _module, _data), do: :unknown

  defp returns?(target), do: Enum.any?([target.pattern | target.also], & &1.return)

  defp named?(target) do
    Enum.any?([target.pattern | target.also], &(&1.return and &1.function != :_))
  end

  defp without_returns(targets, loops) do
    Enum.map(targets, fn target ->
      if target.mfa in loops, do: calls_only(target), else: target
    end)
  end

  defp calls_only(target) do
    calls_only = &%{&1 | return: false}
    %{target | pattern: calls_only.(target.pattern), also: Enum.map(target.also, calls_only)}
  end
end
