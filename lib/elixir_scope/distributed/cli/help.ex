defmodule ElixirScope.Distributed.CLI.Help do
  @moduledoc false
  # What a command says of itself, made from its `spec/0` and the tables of options and exit codes: for
  # the terminal, and as the documentation of its mix task.

  alias ElixirScope.Distributed.CLI.{Commands, Exit, Options}

  @width 80
  @indent 6

  @doc "What `--help` prints of a command."
  @spec text(String.t()) :: String.t()
  def text(name) do
    {:ok, command} = Commands.fetch(name)
    spec = command.spec()

    Enum.join(
      [
        spec.summary <> ".",
        "Usage: " <> usage(name, spec),
        String.trim(spec.about),
        "Options:\n\n" <> Enum.map_join(Commands.options(command), "\n", &option/1),
        "Examples:\n\n" <> Enum.map_join(spec.examples, "\n", &example(name, &1)),
        "Exit codes:\n\n" <> Enum.map_join(Exit.all(), "\n", &exit_code/1)
      ],
      "\n\n"
    )
  end

  @doc "What there is, where no command is named."
  @spec overview() :: String.t()
  def overview do
    lines = for {name, command} <- Commands.all(), do: row(name, command.spec().summary, 10)
    "Commands:\n\n" <> Enum.join(lines, "\n") <> "\n\nEach says more with --help."
  end

  @doc "The documentation of a command's mix task."
  @spec markdown(String.t()) :: String.t()
  def markdown(name) do
    {:ok, command} = Commands.fetch(name)
    spec = command.spec()

    options =
      Enum.map_join(
        Commands.options(command),
        "\n",
        &("  * `" <> written(&1) <> "` - " <> doc(&1))
      )

    examples = Enum.map_join(spec.examples, "\n", &example(name, &1))

    codes =
      Enum.map_join(Exit.all(), "\n", fn {_name, {code, what}} -> "  * `#{code}` - #{what}" end)

    "#{spec.summary}.\n\n    #{usage(name, spec)}\n\n#{about(spec.about)}\n\n## Options\n\n#{options}\n\n" <>
      "## Examples\n\n#{examples}\n\n## Exit codes\n\n#{codes}\n"
  end

  # Names of functions and patterns are shown as they are typed.
  defp about(text), do: text |> String.trim() |> String.replace("*", "\\*")

  defp usage(name, %{arguments: {"", _count}}), do: "mix scope.#{name} [options]"

  defp usage(name, %{arguments: {arguments, _count}}),
    do: "mix scope.#{name} #{arguments} [options]"

  defp option(key), do: "  #{written(key)}\n" <> wrap(doc(key))

  defp written(key) do
    case Options.fetch!(key) do
      [{:type, :switch} | _] -> Options.switch(key) <> ", --no-#{key}"
      spec -> String.trim("#{Options.switch(key)} #{spec[:value]}")
    end
  end

  defp doc(key) do
    spec = Options.fetch!(key)

    spec[:doc] <>
      values(spec[:type]) <> default(spec[:default]) <> if(spec[:many], do: "; several", else: "")
  end

  # Of kinds there are too many to be named each time.
  defp values({:in, values}) when length(values) < 6, do: " (#{Enum.join(values, ", ")})"
  defp values(_type), do: ""

  defp default(nil), do: ""
  defp default(default), do: "; #{default} by itself"

  defp example(name, {arguments, what}),
    do: "    # #{what}\n    mix scope.#{name} #{arguments}\n"

  defp exit_code({_name, {code, what}}), do: row(Integer.to_string(code), what, 5)

  defp row(name, text, width), do: "  " <> String.pad_trailing(name, width) <> text

  defp wrap(text) do
    text
    |> String.split()
    |> Enum.reduce([""], &put/2)
    |> Enum.reverse()
    |> Enum.map_join("\n", &(String.duplicate(" ", @indent) <> &1))
  end

  defp put(word, [""]), do: [word]

  defp put(word, [line | rest]) do
    if @indent + String.length(line) + String.length(word) < @width,
      do: [line <> " " <> word | rest],
      else: [word, line | rest]
  end
end
