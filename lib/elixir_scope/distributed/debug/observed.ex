defmodule ElixirScope.Distributed.Debug.Observed do
  @moduledoc """
  Which modules were seen to need which: what no file tells, as `apply/3` with a variable, a module out of a
  configuration, a protocol, or a server that is asked by its name.

      {:ok, trace} = ElixirScope.Distributed.trace("MyApp.*", return: true)
      # … what is to be seen happens …
      {:ok, observed} = ElixirScope.Distributed.Debug.Observed.entries(correlation_id: "r-17")
      ElixirScope.Distributed.Debug.Graph.load(modules ++ observed)

  They are the edges of `ElixirScope.Distributed.View.dependencies/2`, and as sure as these: whoever called is the
  function that is open in the process, or was where the message came from that the process works for. So only
  functions that are seen to return can be callers. The kind is `:observed`; there are no places, as
  a call that is captured does not say its line.
  """

  alias ElixirScope.Distributed.{Causality, Error, View}
  alias ElixirScope.Distributed.Debug.Graph
  alias ElixirScope.Distributed.View.Dependencies.Calls

  @doc """
  What each module was seen to need: of filters, of what a query returned, of a list of events, or of a
  `ElixirScope.Distributed.Causality`.

      iex> event = fn number, kind, module ->
      ...>   %ElixirScope.Distributed.Event{
      ...>     id: {{:web@host, 1}, number}, at: {0, number * 1_000, :web@host}, node: :web@host,
      ...>     pid: self(), kind: kind, subject: {module, :run, 0}
      ...>   }
      ...> end
      iex> events = [event.(1, :call, Web), event.(2, :call, Shop), event.(3, :return, Web)]
      iex> ElixirScope.Distributed.Debug.Observed.entries(events)
      {:ok, [{Web, [{Shop, :observed, []}]}]}
  """
  @spec entries(Causality.source()) :: {:ok, [{module, [Graph.entry()]}]} | {:error, Error.t()}
  def entries(source) do
    with {:ok, causality} <- View.build(source),
         do: {:ok, of(causality)}
  end

  @doc false
  # Of a picture, or of the rows of one.
  @spec of(Causality.t() | View.Source.t()) :: [{module, [Graph.entry()]}]
  def of(picture), do: picture |> View.Source.of() |> Calls.edges() |> by_caller()

  defp by_caller(edges) do
    edges
    |> Map.keys()
    |> Enum.reject(fn {caller, called} -> caller in [nil, called] end)
    |> Enum.sort()
    |> Enum.group_by(&elem(&1, 0), fn {_caller, called} -> {called, :observed, []} end)
    |> Enum.sort()
  end
end
