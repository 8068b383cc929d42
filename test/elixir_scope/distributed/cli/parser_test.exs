defmodule ElixirScope.Distributed.CLI.ParserTest do
  use ExUnit.Case, async: true
  doctest ElixirScope.Distributed.CLI.Parser
  doctest ElixirScope.Distributed.CLI.When
  doctest ElixirScope.Distributed.CLI.Options

  alias ElixirScope.Distributed.CLI.{Commands, Options, Parser, When}

  @keys [:node, :kind, :from, :limit, :json, :color, :require, :pid, :duration]

  defp parse(line), do: line |> OptionParser.split() |> Parser.parse(@keys)
  defp options(line), do: line |> parse() |> elem(1) |> Map.get(:options)

  test "arguments and options come apart, with defaults" do
    assert {:ok, %{arguments: ["one", "two"], options: options}} =
             parse("one --json two --limit 7")

    assert options == %{json: true, limit: 7, require: :any}
  end

  test "what may stand several times is joined, each once, also behind commas" do
    assert options("--kind call,return --kind call")[:kind] == [:call, :return]
    assert options("--node a@b --node c@d,a@b")[:node] == ["a@b", "c@d"]
    many = Enum.map_join(1..65, ",", &"n#{&1}@h")
    assert {:error, "--node: expected at most 64 of them, got: " <> _} = parse("--node #{many}")
  end

  test "a time may begin with a minus sign" do
    assert options("--from -5m --json") == %{
             from: "-5m",
             json: true,
             limit: 10_000,
             require: :any
           }

    assert options("--from=-5m")[:from] == "-5m"
    # Behind two dashes all are arguments.
    assert {:ok, %{arguments: ["--from", "-5m"]}} = parse("-- --from -5m")
  end

  test "no colours can be asked for, too" do
    assert options("--color")[:color] == true
    assert options("--no-color")[:color] == false
  end

  test "what is not known is an error, with what may have been meant" do
    assert parse("--nod a@b") == {:error, "unknown option --nod, did you mean --node?"}
    assert parse("--xyz") == {:error, "unknown option --xyz"}

    assert parse("--durations 5s") ==
             {:error, "unknown option --durations, did you mean --duration?"}

    assert parse("-n a@b") == {:error, "unknown option -n"}
  end

  test "a cookie is refused, with the reason" do
    for line <- ["--cookie abc", "--cookie=abc", "--cookie"] do
      assert {:error, "no --cookie: a cookie on the command line can be read" <> _} = parse(line)
    end
  end

  test "values are checked" do
    for {line, expected} <- [
          {"--limit 0", "--limit: expected a positive number, got: \"0\""},
          {"--limit 1.5", "--limit: expected a positive number, got: \"1.5\""},
          {"--limit", "--limit needs a value"},
          {"--json=yes", "--json takes no value, and got \"yes\""},
          {"--require most", "--require: expected one of any, majority, all, got: \"most\""},
          {"--node 'a b@c'",
           "--node: expected the name of a node, such as web@10.0.0.2, got: \"a b@c\""},
          {"--pid=", "--pid: expected something, got: \"\""},
          {"--duration soon",
           "--duration: expected a length of time such as 500ms, 30s, 5m or 1h30m, got: \"soon\""}
        ] do
      assert parse(line) == {:error, expected}
    end
  end

  test "times are RFC 3339 or count from now, to the nanosecond" do
    assert When.time("2026-03-01T12:00:00.123456789+01:00", 0) == {:ok, 1_772_362_800_123_456_789}
    assert When.time("-1h30m", 0) == {:ok, -5_400_000_000_000}

    for wrong <- ["", "5m", "-", "-5", "yesterday", "2026-03-01", "2026-03-01T12:00:00"] do
      assert {:error, "a time such as" <> _} = When.time(wrong, 0)
    end
  end

  test "no text makes an atom" do
    for n <- 1..50 do
      Parser.parse(["--unheard-of-#{n}", "--kind", "never#{n}", "--node", "x#{n}@y"], @keys)

      for text <- ["unheard_of_#{n}", "unheard-of-#{n}", "never#{n}", "x#{n}@y"],
          do: assert_raise(ArgumentError, fn -> String.to_existing_atom(text) end)
    end
  end

  test "every option of the table is one of a command, and has what help needs" do
    used =
      for {_name, command} <- Commands.all(),
          key <- Commands.options(command),
          uniq: true,
          do: key

    assert Enum.sort(used) == Options.all() |> Keyword.keys() |> Enum.sort()

    for {key, spec} <- Options.all() do
      assert is_binary(spec[:doc]), "#{key} has no doc"
      flag? = spec[:type] in [:flag, :switch]
      assert flag? or is_binary(spec[:value]), "#{key} has no name for its value"
    end
  end

  # What a command takes it looks at: by its name in the command itself, or in what stands for it.
  test "no option is read and then ignored" do
    for {name, command} <- Commands.all() do
      sources = for module <- [command | helpers(command.spec().options)], do: source(module)
      text = Enum.join(sources)

      for key <- Commands.options(command),
          do:
            assert(
              text =~ ~r/\b#{key}:|:#{key}\b|\.#{key}\b/,
              "#{name} ignores #{Options.switch(key)}"
            )
    end
  end

  defp helpers(_options) do
    alias ElixirScope.Distributed.CLI

    [
      CLI.Following,
      CLI.Injecting,
      CLI.Session,
      CLI.Values,
      CLI.Request,
      CLI.Tracing,
      CLI.Summary,
      CLI.Kept,
      CLI
    ]
  end

  defp source(module), do: module.module_info(:compile)[:source] |> File.read!()
end
