defmodule ElixirScope.Distributed.CLI.Injecting do
  @moduledoc false
  # `mix scope.trace --inject`: a node without the library is traced from here, by modules that are sent
  # there and taken away again. The one command whose work is done in the VM of the tool.

  alias ElixirScope.Distributed, as: Library
  alias ElixirScope.Distributed.CLI.{Atoms, Exit, Failure, Job, Json, Line, Request, Terminal}
  alias ElixirScope.Distributed.Inject
  alias ElixirScope.Distributed.View.{Footer, Palette, Text}

  @same [duration: :duration_ms, events: :events, bytes: :bytes, events_per_s: :events_per_s] ++
          [return: :return, messages: :messages, yes: :yes, also: :kinds] ++
          [profile: :profile, capture: :capture]
  @own [slower_than: :only, process: :processes]

  # What needs the library itself; the default of `correlate` is not asked for.
  @not_there [:state, :memory, :on, :scope]

  @doc "What is wrong with asking for it."
  @spec check(map) :: :ok | {:error, String.t()}
  def check(options) do
    refused = for key <- @not_there, Map.has_key?(options, key), do: "--#{key}"
    refused = refused ++ for :each_call <- [options[:correlate]], do: "--correlate each_call"
    refused = refused ++ for :recorder <- [options[:profile]], do: "--profile recorder"
    unasked? = not (options[:yes] == true or Terminal.there?())

    cond do
      refused != [] ->
        {:error, "#{hd(refused)} needs the library on the node, and cannot be had with --inject"}

      unasked? ->
        {:error, "--inject asks before it does anything, and there is no terminal: --yes agrees"}

      true ->
        :ok
    end
  end

  @doc "Traces a node that does not have the library; runs until that is over."
  @spec run(node, Request.t()) :: Exit.name()
  def run(node, request) do
    Enum.each(request.arguments, &Atoms.afford!/1)
    result = node |> Inject.run(request.arguments, options(node, request)) |> Failure.ok!()
    print(request, result)
    ended(request, result)
  end

  @doc "Ends it early."
  @spec stop(pid) :: :ok
  def stop(runner), do: Inject.stop(runner)

  defp options(node, %{options: options} = request) do
    same = for {key, name} <- @same, Map.has_key?(options, key), do: {name, options[key]}
    own = for {key, name} <- @own, given = options[key], do: {name, own(key, given, node)}
    asking = [say: &Job.say(request, &1), ask: &ask/1]
    same ++ own ++ asking
  end

  defp ask(question), do: IO.gets(question)

  defp own(:slower_than, ms, _node), do: Library.slower_than(ms)
  defp own(:process, processes, node), do: Enum.map(processes, &process(&1, node))

  defp process("new", _node), do: :new
  defp process("supervised_by:" <> name, _node), do: {:supervised_by, name(name)}
  defp process("#PID" <> pid, node), do: process(pid, node)

  defp process("<0." <> _ = pid, node),
    do: :erpc.call(node, :erlang, :list_to_pid, [to_charlist(pid)], 5_000)

  defp process(name, _node), do: name(name)

  defp name(<<first, _::binary>> = name) when first in ?A..?Z, do: Atoms.make!("Elixir." <> name)
  defp name(name), do: name |> String.trim_leading(":") |> Atoms.make!()

  defp print(%{options: %{json: true}} = request, result) do
    Job.lines(request, Stream.map(result.events, &(&1 |> Json.Event.value() |> Json.encode())))
    about = result |> Map.from_struct() |> Map.delete(:events) |> Json.plain()
    Job.line(request, Json.encode(%{result: Map.put(about, :shown, length(result.events))}))
  end

  defp print(request, result) do
    palette = Palette.new([result.node], request.color)
    look = %{width: request.width, palette: palette, ids: nil}
    Job.lines(request, Stream.map(result.events, &Line.render(&1, look)))
    count = Footer.count(length(result.events), "event")
    Job.say(request, Text.fit("#{result.node}: #{count}, #{result.message}", request.width))
  end

  defp ended(request, %{equal?: true, node: node}) do
    Job.say(
      request,
      "nothing of it is left on #{node}: modules, processes and trace flags are as before"
    )

    :fine
  end

  defp ended(request, result) do
    Job.say(request, "#{result.node} is not as it was before: #{inspect(result.after)}")
    :failed
  end
end
