defmodule ElixirScope.Distributed.Debug.Int.Installed do
  @moduledoc false
  # Whether OTP's application debugger is there. Mix takes the folders of applications off the code path that a
  # project does not name; so one that is installed beside Erlang's others is put there again.

  @modules [:int, :dbg_iserver, :dbg_iload, :dbg_icmd]

  @doc "Whether it is, from now on on the code path."
  @spec there?() :: boolean
  def there?, do: loaded?() or (found?() and loaded?())

  defp loaded?, do: Enum.all?(@modules, &Code.ensure_loaded?/1)

  defp found? do
    case [:code.lib_dir(), "debugger-*", "ebin"] |> Path.join() |> Path.wildcard() do
      [] -> false
      folders -> :code.add_pathz(folders |> List.last() |> to_charlist()) == true
    end
  end
end
