defmodule ElixirScope.Distributed.Event.Id do
  @moduledoc """
  The id of an event as text that can be copied out of a view and given back.

  `node/incarnation#seq` is the whole id. Where one start of a node is all there is of it, `node#seq` is
  enough, and is what views show. Both are taken wherever an id is wanted, as are the id itself and an
  event.

      iex> alias ElixirScope.Distributed.Event.Id
      iex> id = {{:nonode@nohost, 1763}, 17}
      iex> {Id.text(id), Id.text(id, :short)}
      {"nonode@nohost/1763#17", "nonode@nohost#17"}
      iex> Id.parse("nonode@nohost/1763#17")
      {:ok, {{:nonode@nohost, 1763}, 17}}
      iex> {:ok, short} = Id.parse("nonode@nohost#17")
      iex> Id.find(short, [{:nonode@nohost, 1763}])
      {:ok, {{:nonode@nohost, 1763}, 17}}
  """

  alias ElixirScope.Distributed.{Error, Event}

  @typedoc "An id that does not say which start of the node is meant."
  @type short :: {{node | String.t(), nil}, seq :: pos_integer}

  @type id :: {Event.origin(), seq :: pos_integer}

  @typedoc "What stands for an event wherever an id is wanted."
  @type given :: id | short | Event.t() | String.t()

  # A name of a node has at most 255 characters, and a number at most 20 digits.
  @longest 255 * 4 + 42
  @end_of_numbers 0x10000000000000000

  @doc """
  The id as text; `:short` leaves out which start of the node it was, where the name of the node lets it.

      iex> ElixirScope.Distributed.Event.Id.text({{:a@h, 3}, 7}, :short)
      "a@h#7"
  """
  @spec text(id, :whole | :short) :: String.t()
  def text({{node, incarnation}, seq}, form \\ :whole) do
    name = to_string(node)
    short? = form == :short and not String.contains?(name, "/")
    if short?, do: "#{name}##{seq}", else: "#{name}/#{incarnation}##{seq}"
  end

  @doc """
  The id that a text stands for. No name becomes an atom by it: a node that this VM has never heard
  of stays text.

      iex> ElixirScope.Distributed.Event.Id.parse("a node that nobody knows/3#7")
      {:ok, {{"a node that nobody knows", 3}, 7}}
      iex> {:error, error} = ElixirScope.Distributed.Event.Id.parse("17")
      iex> Exception.message(error)
      ~s("17" is no id of an event: those are written as node#17, or node/1763#17)
  """
  @spec parse(String.t()) :: {:ok, id | short} | {:error, Error.t()}
  def parse(text) when is_binary(text) and byte_size(text) <= @longest do
    with true <- String.valid?(text),
         [before, digits] <- split(text, "#"),
         {:ok, seq} when seq > 0 <- number(digits) do
      {:ok, {origin(before), seq}}
    else
      _no_id -> bad(text)
    end
  end

  def parse(other), do: bad(other)

  @doc """
  What was given for an id, as an id; of one that was text, perhaps a short one.

      iex> ElixirScope.Distributed.Event.Id.read(%ElixirScope.Distributed.Event{id: {{:a@h, 3}, 7}})
      {:ok, {{:a@h, 3}, 7}}
  """
  @spec read(given) :: {:ok, id | short} | {:error, Error.t()}
  def read(%Event{id: id}), do: read(id)
  def read(text) when is_binary(text), do: parse(text)

  def read({{node, incarnation}, seq} = id)
      when (is_atom(node) or is_binary(node)) and is_integer(seq) and seq > 0 and
             (is_integer(incarnation) or incarnation == nil),
      do: {:ok, id}

  def read(other), do: bad(other)

  @doc """
  The same with the start of the node that is meant, out of those there are; a short id of a node that
  began more than once could be any of them.

      iex> alias ElixirScope.Distributed.Event.Id
      iex> {:error, error} = Id.find("nonode@nohost#7", [{:nonode@nohost, 3}, {:nonode@nohost, 9}])
      iex> Exception.message(error)
      "nonode@nohost#7 can be nonode@nohost/3#7 or nonode@nohost/9#7: name the one that is meant"
  """
  @spec find(given, [Event.origin()]) :: {:ok, id} | {:error, Error.t()}
  def find(given, origins) do
    with {:ok, {{node, incarnation}, seq}} <- read(given) do
      case {incarnation, for({^node, _} = origin <- origins, uniq: true, do: origin)} do
        {nil, [origin]} -> {:ok, {origin, seq}}
        {nil, []} -> unknown(node, seq)
        {nil, several} -> ambiguous(node, seq, several)
        {incarnation, _any} -> {:ok, {{node, incarnation}, seq}}
      end
    end
  end

  defp unknown(node, seq) do
    message = "#{node}##{seq} is no event of these: there is none of #{node} among them"
    {:error, Error.new(:unknown_event, id: {{node, nil}, seq}, message: message)}
  end

  defp ambiguous(node, seq, origins) do
    candidates = for origin <- Enum.sort(origins), do: text({origin, seq})
    message = "#{node}##{seq} can be #{Enum.join(candidates, " or ")}: name the one that is meant"
    {:error, Error.new(:ambiguous_event, candidates: candidates, message: message)}
  end

  # From the end, as a name may hold what separates it.
  defp split(text, separator) do
    case String.split(text, separator) do
      [_whole] -> nil
      parts -> [parts |> Enum.drop(-1) |> Enum.join(separator), List.last(parts)]
    end
  end

  defp origin(text) do
    with [before, digits] <- split(text, "/"),
         {:ok, incarnation} <- number(digits) do
      {name(before), incarnation}
    else
      _no_number -> {name(text), nil}
    end
  end

  defp number(<<first, _::binary>> = digits) when first in ?0..?9 and byte_size(digits) <= 20 do
    case Integer.parse(digits) do
      {number, ""} when number < @end_of_numbers -> {:ok, number}
      _other -> :error
    end
  end

  defp number(_other), do: :error

  defp name(text) do
    String.to_existing_atom(text)
  rescue
    ArgumentError -> text
    SystemLimitError -> text
  end

  defp bad(given) do
    message =
      "#{inspect(given)} is no id of an event: those are written as node#17, or node/1763#17"

    {:error, Error.new(:bad_event_id, given: given, message: message)}
  end
end
