defmodule ElixirScope.Distributed.OtherOtp do
  @moduledoc false
  # Nodes of another Erlang and Elixir: SCOPE_OTHER_OTP is the command that a command
  # is put behind to run there, as in SCOPE_OTHER_OTP="scripts/otp native 29 --"; of several, with
  # a semicolon between them. They must be newer ones: what this run compiled has to be
  # understood there.

  @doc "The options of `start_nodes/2` that start a node there; of several, in the first."
  def options, do: hd(all())

  @doc "The options for each of them."
  def all, do: Enum.map(prefixes(), &options_of/1)

  @doc "Whether there is another one."
  def there?, do: prefixes() != []

  defp options_of([command | arguments] = prefix) do
    [
      exec: {program(command), arguments ++ ["erl"]},
      code_paths: code_paths(prefix),
      boot_ms: 60_000
    ]
  end

  # Its own Elixir, and of this run what is no Elixir.
  defp code_paths(prefix) do
    own = there(prefix, "IO.puts(Enum.join(:code.get_path(), \":\"))")
    String.split(own, ":") ++ ours()
  end

  defp ours do
    elixir = :elixir |> :code.lib_dir() |> Path.expand() |> Path.dirname()
    otp = to_string(:code.lib_dir())

    for path <- Enum.map(:code.get_path(), &Path.expand/1),
        not String.starts_with?(path, [elixir, otp]),
        do: path
  end

  defp there([command | arguments], code) do
    {output, 0} = System.cmd(program(command), arguments ++ ["elixir", "-e", code])
    String.trim(output)
  end

  # Also one that is named from the project's folder on.
  defp program(command), do: System.find_executable(command) || Path.expand(command)

  defp prefixes do
    commands = "SCOPE_OTHER_OTP" |> System.get_env("") |> String.split(";")
    for command <- commands, words = String.split(command), words != [], do: words
  end
end
