defmodule ElixirScope.Distributed.CLI.Commands.Timeline do
  @moduledoc false
  # `mix scope.timeline`: events as one of the views of the library draws them.

  @behaviour ElixirScope.Distributed.CLI.Command

  alias ElixirScope.Distributed.CLI.{Failure, Job, Json, Options, Parser, Request}
  alias ElixirScope.Distributed.{Causality, View}

  # Views of events alone; those that want more than filters are for `iex`.
  @views [:timeline, :tree, :sequence, :flame, :top, :gaps, :dependencies]

  # Rows that are read from the picture at once.
  @rows 500

  @impl true
  def spec do
    %{
      summary: "Draws events of all nodes as one picture, in causal order",
      about: """
      Views: timeline (lanes of nodes and processes), tree (a request as nested calls),
      sequence (a diagram), flame and top (where the time went), gaps (what is missing) and
      dependencies (which module calls which).

      The picture is drawn on the node that is asked, and comes as text. With --json it is
      the picture itself, whatever the view: one event on each line in causal order, with
      its place, its causes and how far its clock was behind, and {"result": …} at last.
      """,
      arguments: {"", 0..0},
      options:
        Options.cluster() ++ [:open, :view] ++ Options.filters() ++ [:limit, :require, :timeout],
      examples: [
        {"--node web@10.0.0.2 --correlation r-17", "one request on all nodes"},
        {"--node web@10.0.0.2 --correlation r-17 --view tree", "the same as nested calls"},
        {"--node web@10.0.0.2 --from -5m --view gaps",
         "what is missing of the last five minutes"},
        {"--open crash.scope --width 200 --no-color | less", "of a recording, on wide lines"}
      ]
    }
  end

  @impl true
  def run(%{options: %{json: true}} = request) do
    picture = request |> Request.filters() |> Causality.build() |> Failure.ok!()
    Job.lines(request, rows(picture, 0))
    Job.line(request, Json.encode(%{result: Json.Answer.value(picture.about)}))
    :fine
  end

  def run(request) do
    view = view!(request.options.view)
    draw = apply(View, view, [Request.filters(request), Request.looks(request)])
    Failure.ok!(draw)
    :fine
  end

  defp view!(text) do
    {:module, View} = Code.ensure_loaded(View)
    views = for view <- @views, function_exported?(View, view, 2), do: view

    Enum.find(views, &(to_string(&1) == text)) ||
      raise(unknown(text, Enum.map(views, &to_string/1)))
  end

  defp unknown(text, views) do
    message =
      "there is no view #{text}#{Parser.nearest(text, views)}; there are #{Enum.join(views, ", ")}"

    Failure.new(:usage, message)
  end

  defp rows(picture, from) do
    Stream.resource(fn -> from end, &next(picture, &1), fn _from -> :ok end)
  end

  defp next(picture, from) do
    case Causality.rows(picture, from, @rows) do
      [] -> {:halt, from}
      rows -> {Enum.map(rows, &row/1), from + length(rows)}
    end
  end

  defp row(row) do
    {:object, event} = Json.Event.value(row.event)

    causes =
      for cause <- row.causes, do: %{place: cause.place, kind: cause.kind, sure: cause.sure}

    more = [place: row.place, behind_ns: row.behind_ns, causes: causes]
    Json.encode({:object, more ++ event})
  end
end
