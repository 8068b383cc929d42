defmodule ElixirScope.Distributed.Replay.StandIns do
  @moduledoc false
  # Pids and references of a recording mean nothing in another node, or, worse, something else. Each
  # gets a stand-in in the replay node, always the same one: a pid a process that takes what it is sent and
  # does nothing, a reference a new reference, the replayed process itself. On the way back each
  # is what it was in the recording; a pid that came to be in the replay has the one of the recording that
  # stands in its place, once both are seen.

  alias ElixirScope.Distributed.Opaque

  # Pids and references of one recording.
  @most 20_000

  @enforce_keys [:spawn]
  defstruct [:spawn, here: %{}, there: %{}]

  @type t :: %__MODULE__{spawn: (term -> pid), here: map, there: map}

  @doc "None; `spawn` makes the process that stands for a pid or a name."
  @spec new((term -> pid)) :: t
  def new(spawn), do: %__MODULE__{spawn: spawn}

  @doc "What the recording calls `there` is `here`."
  @spec bind(t, there :: term, here :: term) :: t
  def bind(stand_ins, there, here) do
    if map_size(stand_ins.here) >= @most, do: throw(:too_many_stand_ins)

    %{
      stand_ins
      | here: Map.put(stand_ins.here, there, here),
        there: Map.put(stand_ins.there, here, there)
    }
  end

  @doc "A recorded term with stand-ins."
  @spec put(t, term) :: {term, t}
  def put(stand_ins, :any_reference), do: {make_ref(), stand_ins}
  def put(stand_ins, term) when is_pid(term) or is_reference(term), do: known(stand_ins, term)
  def put(stand_ins, term), do: walk(term, stand_ins, &put(&2, &1))

  @doc "The process that stands for a pid, or for anything else that was sent to."
  @spec process(t, term) :: {pid, t}
  def process(%{here: here} = stand_ins, there) when is_map_key(here, there),
    do: {here[there], stand_ins}

  def process(stand_ins, there) do
    here = stand_ins.spawn.(there)
    {here, bind(stand_ins, there, here)}
  end

  defp known(%{here: here} = stand_ins, term) when is_map_key(here, term),
    do: {here[term], stand_ins}

  defp known(stand_ins, pid) when is_pid(pid), do: process(stand_ins, pid)

  defp known(stand_ins, reference) do
    here = make_ref()
    {here, bind(stand_ins, reference, here)}
  end

  @doc "A term of the replay as the recording would have it; what is new in the replay is `{:new, term}` of this module."
  @spec back(t, term) :: term
  def back(stand_ins, term) do
    {term, _stand_ins} = returned(term, stand_ins)
    term
  end

  defp returned(term, %{there: there} = stand_ins) when is_map_key(there, term),
    do: {there[term], stand_ins}

  defp returned(term, stand_ins)
       when is_pid(term) or is_reference(term) or is_port(term) or is_function(term),
       do: {{__MODULE__, :new, term}, stand_ins}

  defp returned(term, stand_ins), do: walk(term, stand_ins, &returned/2)

  @doc "Takes a new pid for that of the recording in its place, where both are unknown so far."
  @spec meet(t, there :: term, here :: term) :: {:ok, t} | :error
  def meet(stand_ins, there, {__MODULE__, :new, here})
      when is_pid(there) and is_pid(here) and not is_map_key(stand_ins.here, there),
      do: {:ok, bind(stand_ins, there, here)}

  def meet(_stand_ins, _there, _here), do: :error

  @doc "A term that can be shown elsewhere: what is new in the replay is opaque there."
  @spec shown(term) :: term
  def shown({__MODULE__, :new, term}), do: %Opaque{type: type(term)}
  def shown(term), do: term |> walk(nil, fn part, none -> {shown(part), none} end) |> elem(0)

  defp type(term) when is_pid(term), do: :pid
  defp type(term) when is_reference(term), do: :reference
  defp type(term) when is_port(term), do: :port
  defp type(_fun), do: :fun

  defp walk([_ | _] = list, acc, fun), do: cells(list, acc, fun)

  defp walk(tuple, acc, fun) when is_tuple(tuple) do
    {parts, acc} = tuple |> Tuple.to_list() |> cells(acc, fun)
    {List.to_tuple(parts), acc}
  end

  defp walk(%{} = map, acc, fun) do
    {pairs, acc} =
      Enum.map_reduce(Map.to_list(map), acc, fn {key, value}, acc ->
        {key, acc} = fun.(key, acc)
        {value, acc} = fun.(value, acc)
        {{key, value}, acc}
      end)

    {Map.new(pairs), acc}
  end

  defp walk(term, acc, _fun), do: {term, acc}

  # Improper lists, too.
  defp cells([head | tail], acc, fun) do
    {head, acc} = fun.(head, acc)
    {tail, acc} = if is_list(tail), do: cells(tail, acc, fun), else: fun.(tail, acc)
    {[head | tail], acc}
  end

  defp cells([], acc, _fun), do: {[], acc}
end
