defmodule ElixirScope.Distributed.Inject do
  @moduledoc """
  Traces a node that does not have this library: it is sent what it takes, for as long as it takes.

      {:ok, result} = ElixirScope.Distributed.Inject.run(:"shop@10.0.0.2", "Shop.Orders.place/2 -> return")
      result.events
      result.equal?

  What is sent are modules of Elixir code that call only Erlang's own, so that a node of plain Erlang will
  do; nothing is written to its disk and nothing native is loaded. A process there has the VM trace,
  bounds and redacts what it is told by the rules of the library (`ElixirScope.Distributed.Capture.Redact`)
  and sends it here in batches, of which few are unanswered: where this side is slow, events are dropped
  there and counted, and an event of the kind `:gap` stands where they are missing.

  Functions are named as for `ElixirScope.Distributed.trace/2`, and the budgets are those of a trace. What
  only the library can do is not there: states, memory, correlations, the recorder, thinning. Of
  arguments, returns and messages the VM copies the whole to the tracing process before anything can be
  cut; only conditions (`"Shop.place(%{id: 7}, _)"`), which the VM checks first, and `capture: :calls`, which
  leaves arguments out, make that less.

  ## What is done, and undone

  `plan/3` says exactly what will be done and changes nothing; `run/3` prints it and asks, unless
  `yes: true`. Nothing is done on a node that has the library, where another tool traces (before OTP 27 all
  share one tracer), where modules of these names are already there, whose OTP is older than this one, which is
  short of memory, or whose configuration says so: a list `allow:` without `:inject`, under the
  application `:elixir_scope_distributed` or, as that is not there, under `:kernel`:

      {kernel, [{elixir_scope_distributed, [{allow, []}]}]}

  Afterwards everything is taken away: at the end of the time or a budget, when the calling process ends, this
  node dies or the connection is cut, when it is not heard of for `lease_ms`, when the tracing process
  fails. The result says what was there before and after.

  ## Options

  #{ElixirScope.Distributed.Options.docs(:inject)}
  """

  alias ElixirScope.Distributed.Capture.{Pattern, Redact}
  alias ElixirScope.Distributed.{Config, Error}
  alias ElixirScope.Distributed.Inject.{Plan, Result, Visit}

  @question "Do it? [y/N] "

  @doc """
  Traces functions of a node that this one is connected with, and returns when it is over.

      Inject.run(:"shop@10.0.0.2", [], processes: :checkout, messages: true, duration_ms: 5_000)
  """
  @spec run(node, Pattern.written() | [], keyword) :: {:ok, Result.t()} | {:error, Error.t()}
  def run(node, patterns, options \\ []) do
    with {:ok, plan} <- plan(node, patterns, options),
         :ok <- agreed(plan, plan.options),
         do: Visit.run(plan, rules(plan.options[:redact]))
  end

  @doc """
  What `run/3` would do, or why it would not. It asks the node and changes nothing there.

      {:ok, plan} = Inject.plan(:"shop@10.0.0.2", "Shop.Orders.*")
      Enum.each(Inject.Plan.lines(plan), &IO.puts/1)
  """
  @spec plan(node, Pattern.written() | [], keyword) :: {:ok, Plan.t()} | {:error, Error.t()}
  def plan(node, patterns, options \\ []), do: Plan.new(node, patterns, options)

  @doc """
  Ends the run of a process: it returns with what there is.

      Inject.stop(runner)
  """
  @spec stop(pid) :: :ok
  def stop(pid) do
    send(pid, Visit.stop())
    :ok
  end

  defp rules(nil), do: Redact.rules(Config.read!()[:redact])
  defp rules(redact), do: Redact.rules(redact)

  defp agreed(plan, options) do
    Enum.each(Plan.lines(plan), &Visit.say(plan, &1))
    if options[:yes], do: :ok, else: asked(options[:ask] || (&IO.gets/1))
  end

  defp asked(ask) do
    if yes?(ask.(@question)), do: :ok, else: {:error, Error.new(:declined)}
  end

  defp yes?(answer) when is_binary(answer),
    do: String.downcase(String.trim(answer)) in ["y", "yes"]

  defp yes?(_end_of_input), do: false
end
