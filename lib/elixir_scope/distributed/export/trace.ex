defmodule ElixirScope.Distributed.Export.Trace do
  @moduledoc false
  # The formats that show causes, written from a picture in steps. A step decodes a few thousand events at
  # most, in a worker of the scope: what users call their correlations may have to be looked up.

  alias ElixirScope.Distributed.{Causality, Export, Query}
  alias ElixirScope.Distributed.Export.{Failure, Progress, Target, Written}
  alias ElixirScope.Distributed.Query.Show

  # Of a picture without a limit. It holds no more.
  @most 1_000_000

  # What an export may say besides what a picture is of.
  @own [:progress, :show_progress]

  defstruct [:export, :picture, :target, :progress, :step]

  @type t :: %__MODULE__{}

  @typedoc "What is made of each part of an export, in order."
  @type take :: (Target.t(), iodata -> {:ok, Target.t()} | {:error, term})

  @doc "The picture of a source, and the options of the export of it."
  @spec picture(Causality.source(), keyword) :: {:ok, Causality.t()} | {:error, term}
  def picture(filters, options) when is_list(filters) or is_map(filters) do
    if filters?(filters),
      do: options |> Keyword.drop(@own) |> Keyword.delete(:url) |> asked() |> Causality.build(),
      else: Causality.build(filters)
  end

  defp filters?(%_struct{}), do: false
  defp filters?(filters), do: is_map(filters) or Keyword.keyword?(filters)

  # A question has some options of which a picture knows nothing.
  defp asked(options), do: Map.new(Keyword.update!(options, :limit, &(&1 || @most)))

  @doc "Writes a picture to a place."
  @spec write(atom, atom, Target.place(), Causality.t(), keyword) ::
          {:ok, Written.t()} | {:error, term}
  def write(name, format, place, picture, options) do
    with {:ok, written} <- aside(picture, &open(&1, place, format, options)),
         do: {:ok, struct!(written, [format: name] ++ known(picture))}
  end

  defp known(%{about: about}),
    do:
      about |> Map.take([:events, :nodes, :missing, :dropped, :expired, :more?]) |> Map.to_list()

  # The events of a list need nobody to be looked up; where the scope has stopped, nothing can be.
  defp aside(%{survey: nil} = picture, fun), do: fun.(picture)

  defp aside(%{survey: survey} = picture, fun) do
    with {:ok, result} <- Query.aside(survey.scope, fn -> fun.(picture) end), do: result
  end

  defp open(picture, place, format, options) do
    with {:ok, target} <- Target.open(place) do
      {%{events: result}, _} =
        Target.guarded(target, &{%{events: all(picture, format, &1, options)}, nil})

      result
    end
  end

  defp all(picture, format, target, options) do
    state = begin(picture, format, target, options)

    with {:ok, state} <- steps(state, &Target.put/2),
         {:ok, into} <- Target.close(state.target) do
      Progress.done(state.progress)
      {:ok, %Written{format: format, into: into, bytes: state.target.bytes}}
    end
  end

  @doc "Begins an export of a picture."
  @spec begin(Causality.t(), atom, Target.t(), keyword) :: t
  def begin(%{about: about} = picture, format, target, options) do
    progress = %{Progress.new(options) | of: about.events}
    export = Export.trace(picture.picture, format, missing(about))
    %__MODULE__{export: export, picture: picture, target: target, progress: progress}
  end

  defp missing(about) do
    missing = for {node, reason} <- about.missing, do: {to_string(node), inspect(reason)}
    %{missing: missing, dropped: about.dropped, expired: about.expired, more: about.more?}
  end

  @doc "All steps of it, each part given to `take`."
  @spec steps(t, take) :: {:ok, t} | {:error, term}
  def steps(state, take) do
    with {:ok, %{step: step} = state} <- step(state),
         {:ok, target} <- take.(state.target, step.text) do
      state = %{state | target: target}
      # What is counted in calls has come to its end with the last event, too.
      done = if step.more, do: step.done, else: state.progress.of
      Progress.told(state.progress, done, target)
      if step.more, do: steps(state, take), else: {:ok, state}
    end
  end

  defp step(%{picture: picture, export: export} = state) do
    window = Export.window(export, here(picture))
    events = for given <- window.given, do: elem(picture.events, given)

    case Export.step(export, names(window.keyed, picture.survey), events) do
      {:error, {count, limit}} -> {:error, Failure.too_many_processes(count, limit)}
      {:error, reason} -> {:error, Failure.not_written(reason)}
      step -> {:ok, %{state | step: step}}
    end
  end

  defp here(%{survey: nil}), do: node()
  defp here(%{survey: survey}), do: survey.scope.node

  defp names([], _survey), do: []

  defp names(keyed, survey) do
    {places, events} = Enum.unzip(keyed)
    named = Show.named(events, survey)
    Enum.zip_with(places, named, fn place, event -> {place, event.correlation_id} end)
  end
end
