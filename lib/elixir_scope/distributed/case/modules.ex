defmodule ElixirScope.Distributed.Case.Modules do
  @moduledoc false
  # A test module lives in memory only, so another node cannot load it, and a
  # function written in a test could not run there. Its code is kept when it is
  # compiled and handed to a node before the first such function runs.

  @type call :: (module, atom, [term] -> term)

  @doc "Keeps the code of a module that has no file."
  @spec keep(Macro.Env.t(), binary) :: :ok
  def keep(env, code), do: :persistent_term.put({__MODULE__, env.module}, {env.file, code})

  @doc "Sees to it that the module of `fun` is there where `call` leads."
  @spec hand_over(fun, call) :: :ok
  def hand_over(fun, call) do
    {:module, module} = :erlang.fun_info(fun, :module)

    case :persistent_term.get({__MODULE__, module}, nil) do
      nil -> :ok
      kept -> load(module, kept, call)
    end
  end

  defp load(module, {file, code}, call) do
    unless call.(:erlang, :module_loaded, [module]) do
      {:module, ^module} = call.(:code, :load_binary, [module, to_charlist(file), code])
    end

    :ok
  end
end
