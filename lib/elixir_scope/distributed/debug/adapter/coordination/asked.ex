defmodule ElixirScope.Distributed.Debug.Adapter.Coordination.Asked do
  @moduledoc false
  # What the editor was asked and has not answered: a book of numbers. Pure; time is an argument.
  #
  # Invariants: a number is given once; a question leaves the book with its answer or at its
  # deadline, and is answered at most once. An editor that let a question run out is silent until it
  # answers one, be it late: nobody waits for it again meanwhile, as clients that do not know the event never answer.

  alias ElixirScope.Distributed.Debug.Adapter.Launch.Type

  # Questions that wait at a time; an editor that never answers costs no more than these.
  @most 1_000
  # Modules that one answer may name.
  @most_modules 10_000

  defstruct next: 1, open: %{}, silent?: false

  @type t :: %__MODULE__{
          next: pos_integer,
          open: %{pos_integer => {who :: term, deadline :: integer}},
          silent?: boolean
        }

  @doc "The bounds, by name."
  @spec bounds() :: keyword
  def bounds, do: [most: @most, most_modules: @most_modules]

  @doc "Writes a question down; that of a silent editor is asked, and not waited for."
  @spec put(t, term, integer) ::
          {:ok, pos_integer, t} | {:silent, pos_integer, t} | {:error, :too_many_questions}
  def put(%__MODULE__{open: open}, _who, _deadline) when map_size(open) >= @most,
    do: {:error, :too_many_questions}

  def put(%__MODULE__{silent?: true, next: id} = asked, _who, _deadline),
    do: {:silent, id, %{asked | next: id + 1}}

  def put(%__MODULE__{next: id} = asked, who, deadline),
    do: {:ok, id, %{asked | next: id + 1, open: Map.put(asked.open, id, {who, deadline})}}

  @doc "Takes the question that a decoded answer is to, with what it says."
  @spec answer(t, term) ::
          {:ok, who :: term, {:ok, [String.t()]} | {:error, term}, t} | {:error, String.t(), t}
  def answer(asked, %{"id" => id} = answer) when is_integer(id) and id > 0 and id < asked.next do
    case Map.pop(asked.open, id) do
      {nil, _open} -> {:error, "id: the question was answered or given up", awake(asked)}
      {{who, _deadline}, open} -> said(who, answer, %{awake(asked) | open: open})
    end
  end

  def answer(asked, _answer), do: {:error, "id: an answer names its question", asked}

  defp awake(asked), do: %{asked | silent?: false}

  defp said(who, %{"error" => text}, asked) when is_binary(text),
    do: {:ok, who, {:error, {:editor, String.slice(text, 0, 1_000)}}, asked}

  defp said(who, %{"modules" => modules}, asked) do
    case Type.cast({:list, :string}, modules) do
      {:ok, list} when length(list) > @most_modules ->
        {:ok, who, {:error, {:editor, "more than #{@most_modules} modules"}}, asked}

      {:ok, list} ->
        {:ok, who, {:ok, list}, asked}

      {:error, {path, message}} ->
        {:ok, who, {:error, {:editor, "#{Type.path(["modules" | path])}: #{message}"}}, asked}
    end
  end

  defp said(who, _answer, asked),
    do: {:ok, who, {:error, {:editor, "modules: an answer names them"}}, asked}

  @doc "Takes the questions whose time is over."
  @spec expired(t, integer) :: {[who :: term], t}
  def expired(asked, now) do
    {over, open} = Enum.split_with(asked.open, fn {_id, {_who, deadline}} -> deadline <= now end)
    silent? = asked.silent? or over != []

    {for({_id, {who, _at}} <- Enum.sort(over), do: who),
     %{asked | open: Map.new(open), silent?: silent?}}
  end

  @doc "When the next question is over."
  @spec next_deadline(t) :: integer | nil
  def next_deadline(%{open: open}) when open == %{}, do: nil

  def next_deadline(%{open: open}),
    do: open |> Enum.map(fn {_id, {_who, at}} -> at end) |> Enum.min()
end
