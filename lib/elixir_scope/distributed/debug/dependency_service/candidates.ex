defmodule ElixirScope.Distributed.Debug.DependencyService.Candidates do
  @moduledoc false
  # Which modules a debugger may interpret, and why not the others. By their files: on the node where
  # they run, who interprets them looks again.

  alias ElixirScope.Distributed.Debug.Known
  alias ElixirScope.Distributed.Debug.DependencyService.Result

  # In their folders OTP's modules are sticky, and interpreting them would stop the VM itself.
  @sticky ~w(stdlib compiler)
  @kernel ~w(kernel erts)

  @doc "Those that may be, and the others with the reason; one that is `wanted` may be a library's."
  @spec split([module], [module]) :: {[module], [{module, Result.reason()}]}
  def split(modules, wanted) do
    {good, bad} =
      modules
      |> Enum.uniq()
      |> Enum.map(&{&1, refusal(&1, &1 in wanted)})
      |> Enum.split_with(fn {_module, refusal} -> refusal == nil end)

    {good |> Enum.map(&elem(&1, 0)) |> Enum.sort(), Enum.sort(bad)}
  end

  @doc "Why a module is not interpreted."
  @spec refusal(module, wanted? :: boolean) :: Result.reason() | nil
  def refusal(module, wanted?) do
    cond do
      this_library?(module) -> :this_library
      module in :erlang.pre_loaded() -> :kernel
      application = Known.system(module) -> of_system(application, module, wanted?)
      true -> of_file(Known.kept(module))
    end
  end

  defp this_library?(module),
    do: String.starts_with?(Atom.to_string(module), "Elixir.ElixirScope.")

  defp of_system(application, _module, _wanted?) when application in @kernel, do: :kernel
  defp of_system(application, _module, _wanted?) when application in @sticky, do: :sticky
  defp of_system(_application, module, true), do: of_file(Known.kept(module))
  defp of_system(_application, _module, false), do: :standard_library

  defp of_file({:error, _reason}), do: :no_beam
  defp of_file({:ok, %{nif?: true}}), do: :nif
  defp of_file({:ok, %{debug_info?: false}}), do: :no_debug_info
  defp of_file({:ok, _known}), do: nil
end
