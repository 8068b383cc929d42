defmodule ElixirScope.Distributed.Debug.Adapter.Words do
  @moduledoc false
  # What went wrong, in words for who looks at an editor.

  @words %{
    not_stopped: "this process is not stopped",
    timeout: "it did not answer in time; see distributedDebugging.rpcTimeout",
    unknown_file: "no module that is loaded there was compiled from this file",
    unknown_line: "the file has no such line",
    no_code_on_line: "there is no code on this line",
    no_debug_info: "the module was compiled without debug info, so that its lines are not known",
    stale_source: "the file was changed since it was compiled",
    no_debugger:
      "Erlang's debugger is not installed where the program runs: on Debian that is the package erlang-debugger",
    service_not_found: "nobody answers for that: the node is gone, or does not allow `:debug`",
    not_a_service_operation:
      "the other node does not know this operation: do both run the same version?"
  }

  @doc """
  The words.

      iex> alias ElixirScope.Distributed.Debug.Adapter.Words
      iex> Words.reason(:no_code_on_line)
      "there is no code on this line"
      iex> Words.reason({:no_code_on_line, nearest: 12})
      "there is no code on this line (nearest: 12)"
  """
  @spec reason(term) :: String.t()
  def reason(error) when is_exception(error), do: Exception.message(error)
  def reason(text) when is_binary(text), do: text
  def reason(atom) when is_atom(atom), do: Map.get(@words, atom) || said(atom)

  def reason({atom, details}) when is_atom(atom) and is_map_key(@words, atom),
    do: "#{@words[atom]} (#{details(details)})"

  def reason({:crashed, reason}), do: "it failed: " <> Exception.format_exit(reason)
  def reason(other), do: inspect(other, limit: 20, printable_limit: 400)

  defp said(atom), do: atom |> Atom.to_string() |> String.replace("_", " ")

  defp details([{_key, _value} | _] = list),
    do: Enum.map_join(list, ", ", fn {key, value} -> "#{key}: #{inspect(value)}" end)

  defp details(map) when is_map(map), do: map |> Map.to_list() |> details()
  defp details(other), do: reason(other)
end
