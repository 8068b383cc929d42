defmodule ElixirScope.Distributed.OtherOtp do
  @moduledoc false
  # Nodes of another Erlang and Elixir: SCOPE_OTHER_OTP is the command that a command
  # is put behind to run there, as in SCOPE_OTHER_OTP="scripts/otp native 29 --".
  # It must be a newer one: what this run compiled has to be understood there.

  @doc "The options of `start_nodes/2` that start a node there."
  def options do
    [command | arguments] = prefix()
    exec = {System.find_executable(command) || Path.expand(command), arguments ++ ["erl"]}
    [exec: exec, code_paths: code_paths(), boot_ms: 60_000]
  end

  @doc "Whether there is another one."
  def there?, do: prefix() != []

  # Its own Elixir, and of this run what is no Elixir.
  defp code_paths,
    do: String.split(there("IO.puts(Enum.join(:code.get_path(), \":\"))"), ":") ++ ours()

  defp ours do
    elixir = :elixir |> :code.lib_dir() |> Path.expand() |> Path.dirname()
    otp = to_string(:code.lib_dir())

    for path <- Enum.map(:code.get_path(), &Path.expand/1),
        not String.starts_with?(path, [elixir, otp]),
        do: path
  end

  defp there(code) do
    [command | arguments] = prefix() ++ ["elixir", "-e", code]
    {output, 0} = System.cmd(command, arguments)
    String.trim(output)
  end

  defp prefix, do: "SCOPE_OTHER_OTP" |> System.get_env("") |> String.split()
end
