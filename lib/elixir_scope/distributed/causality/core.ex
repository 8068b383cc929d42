defmodule ElixirScope.Distributed.Causality.Core do
  @moduledoc false
  # The native side of a picture: it is given events, made, and asked.

  alias ElixirScope.Distributed.{Event, Native}
  alias ElixirScope.Distributed.Query.Page
  alias ElixirScope.Distributed.Storage.Filter

  @type picture :: reference

  @doc "Begins a picture of what the core finds, in that order."
  @spec new(node, :asc | :desc) :: picture
  def new(here, order), do: Native.causal_new(here, order == :desc)

  @doc "Begins a picture of events that are given as structs."
  @spec new() :: picture
  def new, do: Native.causal_list()

  @doc "Adds what was found; answers how many events of it are damaged, and left out."
  @spec feed(picture, Page.found()) :: non_neg_integer
  def feed(picture, found), do: Native.causal_feed(picture, found)

  @doc "Adds structs, up to the first that is none."
  @spec give(picture, [Event.t()]) :: :ok | {:error, term}
  def give(picture, events) do
    case Native.causal_give(picture, events) do
      nil -> :ok
      other -> {:error, other}
    end
  end

  @doc """
  Makes the picture, with messages in pairs; of the missing nodes not all events are here. Each step gives
  the scheduler back.
  """
  @spec finish(picture, pairs :: reference | nil, [node], clocks_ns :: non_neg_integer) :: :ok
  def finish(picture, pairs, missing, clocks_ns) do
    if pairs, do: pair(picture, pairs, 0)
    made(picture, %{missing: missing, clocks_ns: clocks_ns})
  end

  defp pair(_picture, _pairs, nil), do: :ok

  defp pair(picture, pairs, from),
    do: pair(picture, pairs, Native.causal_pair(picture, pairs, from))

  defp made(picture, known) do
    case Native.causal_finish(picture, known) do
      :more -> made(picture, known)
      :done -> :ok
    end
  end

  @doc "How large it is."
  @spec about(picture) :: map
  def about(picture), do: Native.causal_about(picture)

  @doc false
  def place(picture, id), do: Native.causal_place(picture, id)

  @doc false
  def processes(picture), do: Native.causal_processes(picture)

  @doc "What is known of the events at some places, and as which each was given."
  @spec rows(picture, [non_neg_integer]) :: [map]
  def rows(picture, places), do: Native.causal_rows(picture, places)

  @doc "The events at some places as they are; `nil` in the place of one that cannot be read."
  @spec events(picture, node, [non_neg_integer]) :: [Event.t() | nil]
  def events(picture, here, places),
    do: Native.causal_events(picture, Atom.to_string(here), places)

  @doc false
  def relation(picture, one, other), do: Native.causal_relation(picture, one, other)

  @doc false
  def led_to(picture, id), do: Native.causal_led_to(picture, id)

  @doc false
  def influenced(picture, id), do: Native.causal_influenced(picture, id)

  @doc false
  def path(picture, from, to), do: Native.causal_path(picture, from, to)

  @doc "The ids of the first and the last event of a correlation."
  @spec correlated(picture, term) :: {tuple, tuple} | nil
  def correlated(_picture, nil), do: nil

  def correlated(picture, id) do
    %{correlation_id: forms} = Filter.new(correlation_id: id)
    Native.causal_correlated(picture, forms)
  end
end
