defmodule ElixirScope.Distributed.CLI.Session do
  @moduledoc false
  # A command on the side of who typed it: find the node, start the job there, say that we are still
  # there, and end with its exit code.

  alias ElixirScope.Distributed.CLI.{Commands, Cookie, Exit, Failure, Injecting, Job, Join}
  alias ElixirScope.Distributed.CLI.{Kept, Parser, Request, Terminal}
  alias ElixirScope.Distributed.{Options, Scope}

  # How long a job goes on without hearing from us.
  @lease_ms 10_000

  @doc "Runs a command that was read; how it ended."
  @spec run(String.t(), Parser.parsed()) :: Exit.name()
  def run(name, parsed) do
    {:ok, command} = Commands.fetch(name)
    where = Failure.ok!(where(parsed.options))
    about(where, parsed, &work(name, command, &1, &2, where, parsed))
  end

  # Where the answer is: a node that is asked, this node itself, or a recording that is opened here.
  defp where(%{open: _path, node: _nodes}), do: wrong("--open and --node exclude each other")
  defp where(%{open: path}), do: {:ok, {:recording, path}}

  defp where(%{node: names}) do
    cond do
      not Node.alive?() -> {:ok, {:nodes, names}}
      Enum.map(names, &to_string/1) == [to_string(node())] -> {:ok, :here}
      true -> wrong("this VM is the node #{node()}, and asks nobody else: leave out --node")
    end
  end

  defp where(_nowhere) do
    if Node.alive?() or here?(),
      do: {:ok, :here},
      else: wrong("which cluster? Give --node NAME@HOST")
  end

  defp here?, do: match?({:ok, _scope}, Scope.fetch(Options.default_scope()))

  defp wrong(message), do: {:error, Failure.new(:usage, message)}

  defp about(:here, _parsed, fun), do: fun.(node(), :library)

  defp about({:recording, path}, _parsed, fun),
    do: Kept.opened(path, &fun.(node(), {:recording, &1}))

  defp about({:nodes, names}, parsed, fun) do
    cookie = Failure.ok!(Cookie.find(parsed.options[:ask_cookie] == true))
    {node, there} = Failure.ok!(Join.first(names, cookie, parsed.options[:inject] == true))
    fun.(node, there)
  after
    Join.leave()
  end

  defp work(name, command, node, there, where, parsed) do
    file = Kept.file!(command.spec(), parsed)
    request = request(name, parsed, there, file)
    stops? = command.spec()[:interrupt] == :stop
    begin = fn -> begin(node, there, request) end
    name = if where == :here, do: follow(begin.(), stops?), else: interruptible(begin, stops?)
    Kept.done(file, name)
    name
  end

  defp request(name, %{arguments: arguments, options: options}, there, file) do
    asked = Map.drop(options, [:node, :open, :ask_cookie, :width, :color, :output, :force])

    %Request{
      command: name,
      arguments: arguments,
      options: asked,
      width: options[:width] || Terminal.width(),
      color: Map.get_lazy(options, :color, &Terminal.color?/0),
      live: Terminal.printed?(),
      out: Process.group_leader(),
      err: Terminal.complaints(),
      file: file && file.device,
      tool: self(),
      lease_ms: @lease_ms,
      source: with({:recording, scope} <- there, do: scope, else: (_node -> nil))
    }
    |> Map.from_struct()
  end

  # Only of a VM that is ours.
  defp interruptible(begin, stops?) do
    setting = Terminal.take_signals()

    try do
      follow(begin.(), stops?)
    after
      Terminal.give_back_signals(setting)
    end
  end

  # What is stopped by which message.
  defp begin(node, :bare, request) do
    {runner, monitor} = spawn_monitor(fn -> exit({:scope_exit, inject(node, request)}) end)
    %{job: runner, monitor: monitor, stop: &Injecting.stop/1}
  end

  defp begin(node, _there, request) do
    {job, monitor} = :erlang.spawn_opt(node, Job, :run, [request], [:monitor])
    %{job: job, monitor: monitor, stop: &send(&1, :scope_stop)}
  end

  defp inject(node, request) do
    Injecting.run(node, request)
  rescue
    failure in Failure ->
      Job.say(request, failure.message)
      failure.exit
  end

  defp follow(job, stops?), do: wait(Map.merge(job, %{stops?: stops?, asked?: false}))

  defp wait(%{job: job, monitor: monitor} = state) do
    receive do
      {:DOWN, ^monitor, :process, ^job, reason} ->
        ended(reason)

      {:scope_there?, watch} ->
        send(watch, :scope_there)
        wait(state)

      {:scope_signal, _name} ->
        interrupted(state)
    end
  end

  # The first lets it end in order, where there is something to be ended.
  defp interrupted(%{stops?: true, asked?: false, job: job} = state) do
    state.stop.(job)
    wait(%{state | asked?: true})
  end

  defp interrupted(%{job: job}) do
    Process.exit(job, :kill)
    :interrupted
  end

  defp ended({:scope_exit, name}), do: if(Exit.name?(name), do: name, else: :failed)

  defp ended(reason) when reason in [:noconnection, :noproc],
    do: raise(Failure.new(:lost, "the connection was lost before the command had ended"))

  # By whoever watches over it: nobody was left to print for.
  defp ended(:killed),
    do:
      raise(Failure.new(:interrupted, "standard output was closed before the command had ended"))

  defp ended(reason), do: raise(Failure.new(:failed, "it failed there: #{inspect(reason)}"))
end
