defmodule ElixirScope.Distributed.CLI.Commands.Record do
  @moduledoc false
  # `mix scope.record`: what the cluster has, or what comes in a while, as a recording in a file where
  # the command was typed. It is written on the node that is asked, and carried here when it is whole.

  @behaviour ElixirScope.Distributed.CLI.Command

  alias ElixirScope.Distributed, as: Library

  alias ElixirScope.Distributed.CLI.{
    Failure,
    Job,
    Json,
    Options,
    Request,
    Summary,
    Tracing,
    Values
  }

  alias ElixirScope.Distributed.View.Footer

  # Of a recording that is carried over.
  @piece 256 * 1024

  # How long a scope may take to store what was recorded until a moment ago.
  @settle_ms 200

  @impl true
  def spec do
    %{
      summary: "Saves a recording of all nodes as one file",
      about: """
      What the cluster has of the events that match; with --for what it records from now on,
      for so long. With patterns, functions are traced meanwhile, as by mix scope.trace.
      Ctrl-C ends the time early, and saves.

      The file is asked with --open by other tasks, and opened on any machine by
      ElixirScope.Distributed.open/1. It can be read by its owner alone.
      """,
      arguments: {"FILE [PATTERN…]", 1..256},
      options:
        Options.cluster() ++
          [:for, :force] ++
          Options.filters() ++ [:require, :timeout] ++ (Tracing.options() -- [:duration]),
      interrupt: :stop,
      file: :first,
      examples: [
        {"now.scope --node web@10.0.0.2", "all that is there"},
        {"r-17.scope --node web@10.0.0.2 --correlation r-17",
         "one request, to be sent to somebody"},
        {"orders.scope 'MyApp.Orders.*' --messages --for 30s --node web@10.0.0.2",
         "what happens in half a minute"}
      ]
    }
  end

  @impl true
  def check(%{arguments: [_file, _pattern | _], options: options})
      when not is_map_key(options, :for),
      do: {:error, "patterns are traced for a time: say how long, as in --for 30s"}

  def check(%{options: %{for: _ms, from: _time}}),
    do: {:error, "--for is from now on: leave out --from"}

  def check(_fine), do: :ok

  @impl true
  def run(%{arguments: [_file | patterns], options: options} = request) do
    began = Values.now()
    from = if options[:for], do: [from: began], else: []
    watch(request, patterns, options[:for])
    request |> saved(from) |> told(request)
  end

  defp watch(_request, _patterns, nil), do: :ok

  defp watch(request, patterns, ms) do
    trace = trace(request, patterns, ms)
    Job.say(request, "records for #{ms} ms; Ctrl-C ends it and saves")

    receive do
      :scope_stop -> :ok
    after
      ms -> :ok
    end

    if trace, do: Library.stop_trace(trace)
    settle()
  end

  defp settle do
    receive do
      :scope_stop -> :ok
    after
      @settle_ms -> :ok
    end
  end

  defp trace(_request, [], _ms), do: nil

  defp trace(request, patterns, ms) do
    scope = Request.scope(request)
    # The kinds of the filter say what is saved, those of the trace what is recorded.
    options = request.options |> Map.put(:duration, ms)
    {patterns, options} = Tracing.order(patterns, options, scope)
    patterns |> Library.trace(options) |> Failure.ok!()
  end

  defp saved(request, from) do
    filters = request |> Request.filters() |> Keyword.merge(from)

    path =
      Path.join(System.tmp_dir!(), "scope-#{System.pid()}-#{System.unique_integer([:positive])}")

    try do
      saved = path |> Library.save(filters, []) |> Failure.ok!()
      for piece <- File.stream!(path, [], @piece), do: :ok = IO.binwrite(request.file, piece)
      saved
    after
      File.rm(path)
    end
  end

  defp told(saved, %{options: %{json: true}} = request) do
    Job.line(
      request,
      saved |> Map.from_struct() |> Map.delete(:path) |> Json.plain() |> Json.encode()
    )

    complete(saved, request)
  end

  defp told(saved, request) do
    about = saved |> Map.from_struct() |> Map.put(:more?, false)
    Job.say(request, Footer.text(about, saved.events, request.width))
    complete(saved, request)
  end

  # It is a recording all the same, and says itself what it lacks.
  defp complete(saved, request) do
    missing = Map.keys(saved.missing)

    if Summary.enough?(request.options.require, length(missing), length(saved.nodes)),
      do: :fine,
      else: Summary.partial(request, missing)
  end
end
