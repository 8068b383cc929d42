defmodule ElixirScope.Distributed.CLI.Commands.Trace do
  @moduledoc false
  # `mix scope.trace`: a trace on all nodes, printed as it comes. It belongs to the process that
  # prints it: with that one, whatever ends it, it ends everywhere.

  @behaviour ElixirScope.Distributed.CLI.Command

  alias ElixirScope.Distributed, as: Library
  alias ElixirScope.Distributed.Capture.Pattern
  alias ElixirScope.Distributed.CLI.{Failure, Following, Injecting, Options, Request, Tracing}

  @impl true
  def spec do
    %{
      summary: "Traces functions on all nodes, and prints what happens as it happens",
      about: """
      Patterns are those of ElixirScope.Distributed.trace/2: a module, "MyApp.*",
      "MyApp.Orders.place/2", or calls with arguments and guards, as in
      'MyApp.Orders.place(%{id: id}, _) when id > 3 -> return'.

      The trace ends after its time or its events (15 seconds and 10,000 of them on a node,
      unless said otherwise), and with this command, however that ends: with Ctrl-C, a closed
      terminal, or a connection that is lost. A first Ctrl-C ends it on all nodes and prints
      what each recorded; a second one does not wait for that.
      """,
      arguments: {"PATTERN…", 0..256},
      options: Options.cluster() ++ Tracing.options() ++ [:require, :inject, :yes],
      interrupt: :stop,
      examples: [
        {"MyApp.Orders --node web@10.0.0.2", "every call into a module"},
        {"'MyApp.Orders.place(%{id: 7}, _) -> return' --node web@10.0.0.2 --duration 1m",
         "some calls and what they return, for a minute"},
        {"'MyApp.*' --slower-than 100ms --profile production --node web@10.0.0.2",
         "slow calls alone, on a system that is busy"},
        {"--process MyApp.Queue --messages --node web@10.0.0.2",
         "what one process sends and receives"},
        {"MyApp.Orders --node web@10.0.0.2 --json | jq .data", "for other programs"}
      ]
    }
  end

  @impl true
  def check(%{arguments: [], options: options}) do
    if Enum.any?([:messages, :also], &Map.has_key?(options, &1)),
      do: :ok,
      else: {:error, "name functions, or say what of which processes: --messages --process NAME"}
  end

  def check(%{options: %{yes: true} = options}) when not is_map_key(options, :inject),
    do: {:error, "--yes answers what --inject asks, and is not asked without it"}

  def check(%{arguments: patterns, options: options}) do
    with nil <- Enum.find_value(patterns, &wrong/1),
         do: if(options[:inject], do: Injecting.check(options), else: :ok)
  end

  # As far as that can be told here: the nodes know which modules there are. Text makes no atom.
  defp wrong(text) do
    with {:error, %{details: %{expected: expected, column: column}}} <-
           Pattern.parse(text, atoms: :existing),
         false <- expected =~ "atom does not exist",
         do: {:error, "#{inspect(text)}, column #{column}: #{expected}"},
         else: (_fine -> nil)
  end

  @impl true
  def run(request) do
    scope = Request.scope(request)
    {patterns, options} = Tracing.order(request.arguments, request.options, scope)
    ref = [scope: scope, kinds: Tracing.kinds(options)] |> Library.subscribe() |> Failure.ok!()
    trace = patterns |> Library.trace(options) |> Failure.ok!()
    request |> Following.new(trace, ref, scope) |> Following.run()
  end
end
