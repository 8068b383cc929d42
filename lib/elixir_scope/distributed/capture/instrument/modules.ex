defmodule ElixirScope.Distributed.Capture.Instrument.Modules do
  @moduledoc false
  # The compile tracer that offers every module with a function to `Definitions`, so that modules
  # are instrumented which say nothing. What it waits for is the first `def`: the module is open
  # then, nothing of it is compiled, and every Elixir tells of it.

  alias ElixirScope.Distributed.Capture.Instrument.Definitions

  @settings __MODULE__

  @doc "From now on, modules that are compiled are offered."
  @spec start(map) :: :ok
  def start(settings) do
    :persistent_term.put(@settings, settings)
    Code.put_compiler_option(:tracers, [__MODULE__ | others()])
  end

  @doc "Ends that."
  @spec stop() :: :ok
  def stop do
    Code.put_compiler_option(:tracers, others())
    _there? = :persistent_term.erase(@settings)
    :ok
  end

  @doc false
  # The callback of the compiler.
  def trace({:imported_macro, _meta, Kernel, kind, _arity}, %{module: module, function: nil})
      when kind in [:def, :defp] and module != nil do
    case :persistent_term.get(@settings, nil) do
      nil -> :ok
      settings -> Definitions.offer(module, settings)
    end
  end

  def trace(_event, _env), do: :ok

  defp others, do: List.delete(Code.get_compiler_option(:tracers), __MODULE__)
end
