defmodule ElixirScope.Distributed.Debug.Adapter.Protocol do
  @moduledoc false
  # The base of the Debug Adapter Protocol, and nothing of debugging: bytes to messages and back. Pure.
  #
  # A message is a header, which says how long its body is, and a body of JSON. Bytes come in pieces of any
  # size (`feed/2`). What is wrong is said, in its place among the messages, and reading goes on: a body
  # that cannot be read is left behind as a whole; of a header that says no length all up to the next line
  # that begins with `Content-Length` is; a body that is too long is dropped as it comes and kept
  # nowhere. So nothing that a client sends costs more than the two bounds, and none ends the reading.

  alias ElixirScope.Distributed.CLI.Json, as: Encoder
  alias ElixirScope.Distributed.Debug.Adapter.Json

  @bounds [max_header: 4_096, max_body: 8 * 1024 * 1024]

  # `kept` are bytes of a header; of a body they are pieces, the newest first.
  defstruct stage: :header, kept: <<>>, had: 0, bounds: Map.new(@bounds)

  @opaque t :: %__MODULE__{}

  @typedoc "A request as it was sent; `command` and `arguments` are of the right type, no more."
  @type request :: %{seq: integer, command: String.t(), arguments: map}

  @typedoc """
  What was read. A `:response` is an answer to what was asked of the client; `:refused` says why something
  is none of these, and to which request that is to be said, if it can be told.
  """
  @type message ::
          {:request, request}
          | {:response, %{request_seq: integer, success: boolean, body: term}}
          | {:refused, %{seq: integer, command: String.t()} | nil, String.t()}

  @doc "Nothing was read."
  @spec new(keyword) :: t
  def new(bounds \\ []), do: %__MODULE__{bounds: @bounds |> Keyword.merge(bounds) |> Map.new()}

  @doc "How many bytes a header and a body can have."
  @spec bounds() :: keyword
  def bounds, do: @bounds

  @doc "How many bytes are wanted next, where that is known: those of a body."
  @spec wanted(t) :: pos_integer | :line
  def wanted(%{stage: {_body, length}, had: had}), do: length - had
  def wanted(%{stage: :header}), do: :line

  @doc """
  Takes bytes, gives the messages that are whole by them.

      iex> alias ElixirScope.Distributed.Debug.Adapter.Protocol
      iex> {[], state} = Protocol.feed(Protocol.new(), "Content-Length: 27\\r\\n\\r\\n{\\"seq\\":1,")
      iex> {messages, _state} = Protocol.feed(state, ~S("type":"response"}))
      iex> messages
      [{:refused, nil, "a response without request_seq"}]
  """
  @spec feed(t, binary) :: {[message], t}
  def feed(state, bytes), do: feed(state, bytes, [])

  defp feed(state, <<>>, found), do: {Enum.reverse(found), state}

  defp feed(%{stage: :header} = state, bytes, found) do
    case header(state.kept <> bytes, state.bounds) do
      {:length, length, rest} ->
        body(%{state | stage: begun(length, state), kept: [], had: 0}, rest, found)

      {:more, kept, complaints} ->
        {Enum.reverse(complaints ++ found), %{state | kept: kept}}

      {:junk, complaint, rest} ->
        feed(%{state | kept: <<>>}, rest, [complaint | found])
    end
  end

  defp feed(state, bytes, found), do: body(state, bytes, found)

  defp begun(length, %{bounds: %{max_body: most}}) when length > most, do: {:drop, length}
  defp begun(length, _state), do: {:take, length}

  # Headers

  defp header(bytes, bounds) do
    case :binary.split(bytes, "\r\n\r\n") do
      [lines, rest] when byte_size(lines) <= bounds.max_header -> length_of(lines, rest)
      [bytes] when byte_size(bytes) <= bounds.max_header -> {:more, bytes, []}
      _long -> skip(bytes)
    end
  end

  defp length_of(lines, rest) do
    lengths = for line <- String.split(lines, ["\r\n", "\n"]), length = said(line), do: length

    case lengths do
      [length] when length > 0 -> {:length, length, rest}
      [0] -> {:junk, refused("a message without a body"), rest}
      _none_or_many -> {:junk, refused("a header that says no Content-Length, or several"), rest}
    end
  end

  defp said(line) do
    with [name, value] <- :binary.split(line, ":"),
         "content-length" <- name |> String.trim() |> String.downcase(:ascii),
         true <- String.trim(value) =~ ~r/\A\d{1,12}\z/,
         do: value |> String.trim() |> String.to_integer(),
         else: (_other -> nil)
  end

  # No header is so long: on with the next line that looks like one.
  defp skip(bytes) do
    complaint = refused("a header that is too long")

    case :binary.match(bytes, "\nContent-Length:") do
      {at, _length} ->
        {:junk, complaint, binary_part(bytes, at + 1, byte_size(bytes) - at - 1)}

      # Half of its name may be at the end.
      :nomatch ->
        {:more, binary_part(bytes, byte_size(bytes), -min(15, byte_size(bytes))), [complaint]}
    end
  end

  # Bodies

  defp body(%{stage: {stage, length}, had: had} = state, bytes, found) do
    if byte_size(bytes) < length - had do
      {Enum.reverse(found),
       %{state | kept: kept(stage, bytes, state.kept), had: had + byte_size(bytes)}}
    else
      {last, rest} = split(bytes, length - had)
      message = whole(stage, [last | state.kept], length)
      feed(%{state | stage: :header, kept: <<>>, had: 0}, rest, [message | found])
    end
  end

  defp kept(:take, bytes, kept) when bytes != <<>>, do: [bytes | kept]
  defp kept(_stage, _bytes, kept), do: kept

  defp split(bytes, at),
    do: {binary_part(bytes, 0, at), binary_part(bytes, at, byte_size(bytes) - at)}

  defp whole(:drop, _kept, length),
    do: refused("a message of #{length} bytes: longer than any that is read")

  defp whole(:take, pieces, _length) do
    case pieces |> Enum.reverse() |> IO.iodata_to_binary() |> Json.decode() do
      {:ok, message} -> read(message)
      {:error, {reason, at}} -> refused("a message that is no JSON: #{reason} at byte #{at}")
    end
  end

  defp refused(why), do: {:refused, nil, why}

  # Messages

  defp read(%{"type" => "request", "seq" => seq, "command" => command} = message)
       when is_integer(seq) and is_binary(command) do
    case Map.get(message, "arguments") || %{} do
      arguments when is_map(arguments) ->
        {:request, %{seq: seq, command: command, arguments: arguments}}

      _other ->
        {:refused, %{seq: seq, command: command}, "the arguments of #{command} are no object"}
    end
  end

  defp read(%{"type" => "response", "request_seq" => seq} = message) when is_integer(seq) do
    success = message["success"] == true
    {:response, %{request_seq: seq, success: success, body: message["body"]}}
  end

  defp read(%{"type" => "response"}), do: refused("a response without request_seq")
  defp read(%{"type" => "request"}), do: refused("a request without seq or command")
  defp read(_other), do: refused("a message that is neither a request nor a response")

  # Writing

  @doc "The answer to a request, as the message number `seq`."
  @spec response(integer, map, {:ok, map} | {:error, String.t()}) :: iodata
  def response(seq, request, {:ok, body}),
    do: encode(answer(seq, request, true) ++ if(body == %{}, do: [], else: [body: body]))

  # `message` is for programs, `error.format` for people; clients show the one that they know.
  def response(seq, request, {:error, text}) do
    error = %{id: 1, format: text, showUser: false}
    encode(answer(seq, request, false) ++ [message: text, body: %{error: error}])
  end

  defp answer(seq, request, success) do
    [seq: seq, type: "response", request_seq: request.seq] ++
      [success: success, command: request.command]
  end

  @doc "An event, as the message number `seq`."
  @spec event(integer, String.t(), map) :: iodata
  def event(seq, name, body),
    do:
      encode(
        [seq: seq, type: "event", event: name] ++ if(body == %{}, do: [], else: [body: body])
      )

  @doc "A request, as a client sends it."
  @spec request(integer, String.t(), map) :: iodata
  def request(seq, command, arguments),
    do: encode(seq: seq, type: "request", command: command, arguments: arguments)

  defp encode(pairs) do
    body = Encoder.encode({:object, pairs})
    ["Content-Length: ", Integer.to_string(IO.iodata_length(body)), "\r\n\r\n", body]
  end
end
