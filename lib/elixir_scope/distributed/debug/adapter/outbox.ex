defmodule ElixirScope.Distributed.Debug.Adapter.Outbox do
  @moduledoc false
  # What is to be written to a client that may read slowly. One message is on its way at a time. Output
  # of the program that is debugged waits within a bound; what comes beyond it is dropped and counted, and
  # the client is told how much, in the place where it is missing. Answers and other events are never
  # dropped: there are as many as the client asked for; who asks and reads nothing is given up.

  @bounds [max_output: 1_000, max_output_bytes: 4 * 1024 * 1024, max_messages: 10_000]

  defstruct queue: :queue.new(),
            busy?: false,
            output: 0,
            bytes: 0,
            messages: 0,
            dropped: 0,
            lost: 0

  @type message :: {:response, map, {:ok, map} | {:error, String.t()}} | {:event, String.t(), map}
  @type t :: %__MODULE__{
          queue: :queue.queue(message),
          busy?: boolean,
          output: non_neg_integer,
          bytes: non_neg_integer,
          messages: non_neg_integer,
          dropped: non_neg_integer,
          lost: non_neg_integer
        }

  @doc "How much may wait."
  @spec bounds() :: keyword
  def bounds, do: @bounds

  @doc "Puts a message last; `:full` where the client reads nothing."
  @spec push(t, message) :: {:ok, t} | :full
  def push(box, {:event, "output", %{output: text}} = message) do
    size = byte_size(text)

    if box.output < @bounds[:max_output] and box.bytes + size <= @bounds[:max_output_bytes],
      do: {:ok, output(told(box), message, size)},
      else: {:ok, %{box | dropped: box.dropped + 1, lost: box.lost + size}}
  end

  def push(box, message) do
    if box.messages < @bounds[:max_messages],
      do: {:ok, put(%{box | messages: box.messages + 1}, message)},
      else: :full
  end

  defp output(box, message, size),
    do: put(%{box | output: box.output + 1, bytes: box.bytes + size}, message)

  defp put(box, message), do: %{box | queue: :queue.in(message, box.queue)}

  # There is room again: first what was left out.
  defp told(%{dropped: 0} = box), do: box

  defp told(box) do
    text =
      "[#{box.dropped} pieces of output (#{box.lost} bytes) were left out: they came faster than they were read]\n"

    message = {:event, "output", %{category: "important", output: text}}
    output(%{box | dropped: 0, lost: 0}, message, byte_size(text))
  end

  @doc "The next message to write, if none is on its way."
  @spec next(t) :: {:ok, message, t} | :none
  def next(%{busy?: true}), do: :none

  def next(box) do
    case :queue.out(box.queue) do
      {{:value, message}, queue} ->
        {:ok, message, taken(%{box | queue: queue, busy?: true}, message)}

      {:empty, _queue} ->
        rest(box)
    end
  end

  defp rest(%{dropped: 0}), do: :none
  defp rest(box), do: box |> told() |> next()

  defp taken(box, {:event, "output", %{output: text}}),
    do: %{box | output: box.output - 1, bytes: box.bytes - byte_size(text)}

  defp taken(box, _message), do: %{box | messages: box.messages - 1}

  @doc "It was written."
  @spec written(t) :: t
  def written(box), do: %{box | busy?: false}

  @doc "Whether nothing is left to be written."
  @spec empty?(t) :: boolean
  def empty?(box), do: not box.busy? and :queue.is_empty(box.queue) and box.dropped == 0
end
