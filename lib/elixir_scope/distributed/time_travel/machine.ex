defmodule ElixirScope.Distributed.TimeTravel.Machine do
  @moduledoc false
  # In which state a machine is that stays in it: `handle_event/4` says only its data then, and the name
  # is that of an earlier event. Pure.

  alias ElixirScope.Distributed.{Event, Opaque}

  # Where no earlier event was captured.
  @unknown %Opaque{type: :unknown}

  @doc "Whether an event says the data alone."
  @spec stayed?(Event.t()) :: boolean
  def stayed?(%{subject: {_module, :handle_event, 4}, data: {:keep_state, _data}}), do: true
  def stayed?(_event), do: false

  @doc "Whether an event says in which state the machine is."
  @spec names?(Event.t()) :: boolean
  def names?(%{data: {_name, _data}} = event), do: not stayed?(event)
  def names?(_event), do: false

  @doc "State and data after the last of these events, of which only the last stayed, newest first."
  @spec name(earlier :: [Event.t()], Event.t()) :: {term, term}
  def name(earlier, %{data: {:keep_state, data}}) do
    case Enum.find(earlier, &names?/1) do
      %{data: {name, _data}} -> {name, data}
      nil -> {@unknown, data}
    end
  end

  @doc "The state after an event, given the one before, if that is known."
  @spec follow(Event.t(), {:ok, term} | :unknown) :: term
  def follow(event, before) do
    case {stayed?(event), before} do
      {false, _before} -> event.data
      {true, {:ok, {name, _data}}} -> put_elem(event.data, 0, name)
      {true, _unknown} -> put_elem(event.data, 0, @unknown)
    end
  end
end
