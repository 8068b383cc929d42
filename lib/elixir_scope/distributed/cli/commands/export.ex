defmodule ElixirScope.Distributed.CLI.Commands.Export do
  @moduledoc false
  # `mix scope.export`: events in a format of another tool, written where the command was typed.

  @behaviour ElixirScope.Distributed.CLI.Command

  alias ElixirScope.Distributed.CLI.{Failure, Job, Json, Options, Parser, Request}
  alias ElixirScope.Distributed.Export
  alias ElixirScope.Distributed.View.Footer

  @impl true
  def spec do
    %{
      summary: "Exports events of all nodes in a format that other tools read",
      about: """
      Which formats there are is said where --format names none of them. The export is made
      on the node that is asked, a part at a time, and written here; a file takes its
      name when it is whole. What is missing from it is said on standard error; with --json
      as an object on standard output, which needs --output for the export itself.
      """,
      arguments: {"", 0..0},
      options:
        Options.cluster() ++
          [:open, :format, :output, :force] ++ Options.filters() ++ [:limit, :require, :timeout],
      file: :output,
      examples: [
        {"--node web@10.0.0.2 --correlation r-17 | jq .kind", "JSON Lines, to another program"},
        {"--node web@10.0.0.2 --from -5m --format perfetto --output trace.pftrace",
         "for ui.perfetto.dev"},
        {"--open crash.scope --format csv --output crash.csv", "of a recording"}
      ]
    }
  end

  @impl true
  def check(%{options: %{json: true} = options}) when not is_map_key(options, :output),
    do: {:error, "--json says what was exported, and needs --output for the export itself"}

  def check(_fine), do: :ok

  @impl true
  def run(request) do
    format = format!(request.options.format)
    written = request.file |> Export.write(format, filters(request)) |> Failure.ok!()
    say(request, written)
    :fine
  end

  # As many as there are, unless a limit is given.
  defp filters(request), do: request |> Request.filters() |> Keyword.put_new(:limit, nil)

  defp format!(text) do
    formats = Export.formats()
    found = Enum.find(formats, &(to_string(&1) == text))
    found || raise(unknown(text, Enum.map(formats, &to_string/1)))
  end

  defp unknown(text, formats) do
    message =
      "there is no format #{text}#{Parser.nearest(text, formats)}; there are #{Enum.join(formats, ", ")}"

    Failure.new(:usage, message)
  end

  defp say(%{options: %{json: true}} = request, written),
    do:
      Job.line(
        request,
        written |> Map.from_struct() |> Map.delete(:into) |> Json.plain() |> Json.encode()
      )

  defp say(request, written),
    do: Job.say(request, Footer.text(Map.from_struct(written), written.events, request.width))
end
