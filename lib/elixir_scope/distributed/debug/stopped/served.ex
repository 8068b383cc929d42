defmodule ElixirScope.Distributed.Debug.Stopped.Served do
  @moduledoc false
  # What other nodes can ask about what stopped, behind `Desk`, which has looked at what is granted and
  # ends who takes too long. Runs in a worker of its own.

  alias ElixirScope.Distributed.Capture.Pattern
  alias ElixirScope.Distributed.{Debug.Evaluator, Debug.Owners, Error}
  alias ElixirScope.Distributed.Debug.Int.Metas

  alias ElixirScope.Distributed.Debug.Stopped.{
    Auto,
    Driver,
    Guarded,
    Host,
    Look,
    Processes,
    Runner
  }

  alias ElixirScope.Distributed.Debug.Stopped.{Shelf, Values}

  @filters [:uncaught]
  @page [start: 0, count: 100]

  @doc false
  def attach(owner, options) do
    with {:ok, patterns} <- patterns(options[:auto] || []),
         {:ok, _host} <- host(),
         :ok <- Owners.hold(owner, options[:lease_ms] || Owners.lease_ms()),
         do: Host.attach(owner, %{auto: patterns})
  end

  defp patterns([]), do: {:ok, []}
  defp patterns(written), do: Pattern.parse(written, atoms: :existing)

  @doc false
  def detach(owner), do: with({:ok, _host} <- host(), do: Host.detach(owner))

  @doc false
  def exceptions(owner, filters) do
    case Enum.reject(filters, &(&1 in @filters)) do
      [] -> with({:ok, _host} <- host(), do: Host.attach(owner, %{filters: filters}))
      [other | _] -> {:error, Error.new(:not_a_filter, given: other)}
    end
  end

  @doc false
  def stopped, do: {:ok, for({_pid, stopped} <- Shelf.all(:standing), do: stopped)}

  @doc false
  def processes(page) do
    debugged = for {pid, _standing} <- Metas.all(), into: %{}, do: {pid, :debugged}
    standing = for {pid, _stopped} <- Shelf.all(:standing), into: %{}, do: {pid, :standing}
    {:ok, Processes.page(Keyword.merge(@page, page), Map.merge(debugged, standing))}
  end

  @doc false
  def stack(pid, page) do
    standing(pid, fn _driver, stop -> {:ok, Look.stack(pid, stop, Keyword.merge(@page, page))} end)
  end

  @doc false
  def bindings(pid, index, _options) do
    rules = Values.rules()

    in_frame(pid, index, fn frame ->
      {:ok, for({name, value} <- frame.bindings, do: Values.named(name, value, [name], rules))}
    end)
  end

  @doc false
  def value(pid, _index, [{:result, number} | _] = path, page) do
    standing(pid, fn _driver, _stop ->
      with {:ok, term} <- Shelf.get({:result, {pid, number}}),
           do: page(term, path, page),
           else: (:error -> {:error, :no_such_value})
    end)
  end

  def value(pid, index, [name | _] = path, page) when is_binary(name) do
    in_frame(pid, index, fn frame ->
      case List.keyfind(frame.bindings, name, 0) do
        {_name, term} -> page(term, path, page)
        nil -> {:error, :no_such_value}
      end
    end)
  end

  def value(_pid, _index, _path, _page), do: {:error, Error.new(:no_such_value)}

  defp page(term, path, page),
    do: Values.page(term, path, Keyword.merge(@page, page), Values.rules())

  @doc false
  def evaluate(pid, index, text, options) do
    only = if options[:context] == "hover", do: :values
    within = options[:timeout_ms] || 5_000

    standing(pid, fn driver, stop ->
      with :ok <- alive(stop),
           {:ok, frame} <- Look.frame(pid, stop, index),
           {:ok, prepared} <- prepared(text, frame, only),
           do: Runner.evaluate(driver, pid, prepared, {text, within})
    end)
  end

  defp alive(%{phase: :dead}), do: {:error, :ended}
  defp alive(_standing), do: :ok

  defp prepared(text, frame, only) do
    with {:error, message} <- Evaluator.prepare(text, frame, only: only),
         do: {:error, {:not_evaluated, %{message: message}}}
  end

  @doc false
  def step(owner, pid, how) do
    driven(pid, fn driver ->
      if how == :into, do: Auto.ahead(owner, pid, driver)
      Driver.ask(driver, {:step, how, owner})
    end)
  end

  @doc false
  def continue(pid), do: driven(pid, &Driver.ask(&1, :continue))

  @doc false
  def pause(owner, pid) do
    with :ok <- local(pid), {:ok, _host} <- host(), :ok <- may_stand(pid) do
      case Shelf.get({:driver, pid}) do
        {:ok, driver} -> said(Driver.ask(driver, {:pause, owner}), pid)
        :error -> started(Driver.start_pausing(pid, owner), pid)
      end
    end
  end

  defp may_stand(pid),
    do: if(Guarded.never?(pid), do: {:error, Error.new(:never_stands, pid: pid)}, else: :ok)

  defp started({:ok, _driver}, _pid), do: :ok

  defp started({:error, _reason}, pid) do
    case Process.info(pid, :current_stacktrace) do
      {:current_stacktrace, now} ->
        {:error, Error.new(:not_interpreted, pid: pid, stacktrace: now)}

      nil ->
        {:error, Error.new(:no_process, pid: pid)}
    end
  end

  defp in_frame(pid, index, fun) do
    standing(
      pid,
      fn _driver, stop ->
        with {:ok, frame} <- Look.frame(pid, stop, index), do: fun.(frame)
      end,
      frame: index
    )
  end

  # What was seen holds only if it still stands as it stood before.
  defp standing(pid, fun, about \\ []) do
    driven(
      pid,
      fn driver ->
        with {:ok, stop} <- Driver.ask(driver, :look), do: fun.(driver, stop)
      end,
      about
    )
  catch
    :exit, {:shutdown, :gone} -> {:error, Error.new(:not_stopped, pid: pid)}
  end

  defp driven(pid, fun, about \\ []) do
    with :ok <- local(pid), {:ok, _host} <- host() do
      case Shelf.get({:driver, pid}) do
        {:ok, driver} -> said(fun.(driver), pid, about)
        :error -> {:error, Error.new(:not_stopped, pid: pid)}
      end
    end
  end

  defp local(pid) do
    if (node(pid) == node() and Process.alive?(pid)) or Shelf.get({:driver, pid}) != :error,
      do: :ok,
      else: {:error, Error.new(:no_process, pid: pid)}
  end

  defp host do
    with {:error, :no_debugger} <- Host.ensure(), do: {:error, Error.new(:no_debugger)}
  end

  defp said(answer, pid, about \\ [])

  defp said({:error, {reason, details}}, pid, about),
    do: {:error, Error.new(reason, Map.merge(details, known(pid, about)))}

  defp said({:error, reason}, pid, about) when is_atom(reason),
    do: {:error, Error.new(reason, known(pid, about))}

  defp said(answer, _pid, _about), do: answer

  defp known(pid, about), do: Map.new([pid: pid] ++ about)
end
