defmodule ElixirScope.Distributed.Query do
  @moduledoc false
  # Questions about events. Each is read in a worker of its own: the native core reads in
  # slices of a dirty scheduler, where no process of the application should ever be. What others
  # have stays where it is; they are asked for what matches, a page at a time.

  require Logger

  alias ElixirScope.Distributed.{Error, Event, Options, Scope, Telemetry}
  alias ElixirScope.Distributed.Capture.Correlation.Token
  alias ElixirScope.Distributed.Query.{Cursor, Find, Holes, Losses, Reading, Result, Show}
  alias ElixirScope.Distributed.Query.{Survey, Wire, Worker}

  # Events that are counted at once.
  @batch 1_000

  @typedoc """
  How what matches is taken from a reading, by a checked filter: in which form, how many events it
  is, and whether there are more.
  """
  @type form(found) ::
          (Reading.t(), keyword ->
             {%{events: found, count: non_neg_integer, more?: boolean}, Reading.t()})

  @typedoc "Why a question has no answer; the last where a majority was asked for."
  @type failure :: {:error, Error.t()} | {:error, atom, message :: String.t()}

  @doc "The matching events; what is missing is warned of."
  @spec events(keyword | map) :: {:ok, [Event.t()]} | failure
  def events(filters) do
    with {:ok, result} <- run(filters) do
      if Result.partial?(result), do: warn(result)
      {:ok, result.events}
    end
  end

  @doc "Says that a result is not everything, and what is missing."
  @spec warn(Result.t(term)) :: :ok
  def warn(result) do
    more = if result.more?, do: ", more than the limit", else: ""

    Logger.warning(
      "this is not everything: missing #{inspect(result.missing)}, #{result.dropped} dropped, " <>
        "#{result.expired} expired#{more}",
      domain: [:elixir_scope]
    )
  end

  @doc """
  The matching events of all members, and what is known to be missing from them, in whichever form
  they are wanted.
  """
  @spec run(keyword | map, form(found)) :: {:ok, Result.t(found)} | failure when found: term
  def run(filters, form \\ &Show.events/2) do
    with {:ok, options} <- check(:query, filters),
         do: work(options, &answer(&1, options, form))
  end

  @doc """
  Takes all events that match, however many, into an accumulator, a batch at a time and in order; as
  they are, without what others say of them.
  """
  @spec fold(keyword | map, acc, ([Event.t()], acc -> acc)) :: {:ok, Result.t(acc)} | failure
        when acc: term
  def fold(filters, acc, fun) do
    with {:ok, options} <- check(:stream, filters),
         do: work(options, &answer(&1, options, folding(acc, fun), patience: :page))
  end

  @doc """
  Works out something in a worker, of what the members say they have: for questions of which the answer
  depends on events that have to be looked for first. What is missing comes with it.
  """
  @spec look(keyword, (Survey.t() -> found)) :: {:ok, {found, missing :: map}} | failure
        when found: term
  def look(asked, fun) do
    with {:ok, options} <- check(:query, asked) do
      work(options, fn scope ->
        with {:ok, survey} <- Survey.take(scope, [], options) do
          found = fun.(survey)
          {:ok, {found, Map.merge(Find.missing(), survey.missing)}}
        end
      end)
    end
  end

  @doc "Options of an entry point, checked."
  @spec check(:query | :stream, keyword | map) :: {:ok, keyword} | {:error, Error.t()}
  def check(entry, filters) do
    case Options.validate(entry, filters) do
      {:ok, options} -> {:ok, Keyword.update!(options, :after, &Cursor.read/1)}
      {:error, message} -> {:error, Error.new(:bad_filter, message: message)}
    end
  end

  defp work(options, fun) do
    with {:ok, scope} <- Scope.fetch(options[:scope]),
         {:ok, result} <- aside(scope, fn -> fun.(scope) end),
         do: result
  end

  @doc "What `fun` returns, worked out in a worker of the scope."
  @spec aside(Scope.t(), (... -> result)) :: {:ok, result} | {:error, Error.t()} when result: term
  def aside(scope, fun) do
    case Token.aside(fn -> Worker.run(scope, fn -> attempt(fun) end) end) do
      {:ok, result} -> result
      {:exit, reason} -> failed(reason)
    end
  catch
    :exit, reason -> failed(reason)
  end

  # A scope that stops under a question is no crash.
  defp attempt(fun) do
    {:ok, fun.()}
  catch
    :exit, reason -> failed(reason)
  end

  defp failed(reason), do: {:error, Error.new(:query_failed, reason: reason)}

  defp answer(scope, options, form, how \\ []) do
    began = System.monotonic_time()

    with {:ok, survey} <- Survey.take(scope, options[:nodes], options),
         {:ok, reading} <- open(survey, options, how) do
      {found, reading} = form.(reading, options)
      Reading.close(reading)
      result = result(reading, found, options)
      duration = System.monotonic_time() - began
      Telemetry.emit(:query, scope.node, Result.measure(result, found.count, duration))
      Result.require(result, options[:require])
    end
  end

  @doc "Begins to read what matches checked options."
  @spec open(Survey.t(), keyword, keyword) :: {:ok, Reading.t()} | {:error, Error.t()}
  def open(survey, options, how) do
    {until, how} = Keyword.pop(how, :until)
    filter = survey |> Show.widen(options) |> Map.update!(:to, &earlier(&1, until))

    case Wire.unfit(filter) do
      nil -> {:ok, Reading.open(survey, filter, Cursor.native(options[:after]), how)}
      field -> {:error, Error.new(:filter_too_large, field: field)}
    end
  end

  defp earlier(one, nil), do: one
  defp earlier(nil, other), do: other
  defp earlier(one, other), do: Enum.min_by([one, other], fn {logical, ns} -> {ns, logical} end)

  defp result(reading, found, options) do
    result = Result.of(reading.survey, found.events)

    %{
      result
      | missing: Map.merge(Find.missing(), result.missing),
        dropped: Losses.dropped(reading.losses),
        expired: reading.losses.expired + Holes.count(reading.survey, reading.filter),
        more?: found.more?,
        cursor: Map.get(found, :cursor) || options[:after]
    }
  end

  defp folding(acc, fun), do: fn reading, _options -> fold(reading, acc, 0, fun) end

  defp fold(%{done?: true} = reading, acc, count, _fun),
    do: {%{events: acc, count: count, more?: false}, reading}

  defp fold(reading, acc, count, fun) do
    {events, reading} = Reading.next(reading, @batch)
    fold(reading, fun.(events, acc), count + length(events), fun)
  end
end
