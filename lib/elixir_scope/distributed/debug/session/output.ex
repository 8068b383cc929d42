defmodule ElixirScope.Distributed.Debug.Session.Output do
  @moduledoc false
  # What programs write, on its way to whoever wants it: bytes as they came, a message for each piece.
  # A process that does not read them is sent no more than `@most` at a time: what comes then is left out,
  # counted, and told before the next piece.

  # Messages that the receiver has not read, ours or others'. A piece is at most 64 KiB.
  @most 512

  defstruct [:to, sent: 0, left_out: 0, pending: %{}]

  @type t :: %__MODULE__{
          to: pid,
          sent: non_neg_integer,
          left_out: non_neg_integer,
          pending: %{atom => pos_integer}
        }

  @doc "What is written goes there."
  @spec new(pid) :: t
  def new(to), do: %__MODULE__{to: to}

  @doc "A piece of what was written."
  @spec put(t, :stdout | :stderr, binary) :: t
  def put(output, stream, bytes) do
    if room?(output),
      do: sent(flush(output), {:output, stream, bytes}, byte_size(bytes)),
      else: left_out(output, stream, byte_size(bytes))
  end

  @doc "Tells what was left out, if it can be told."
  @spec flush(t) :: t
  def flush(%{pending: pending} = output) when pending == %{}, do: output

  def flush(output) do
    if room?(output),
      do: Enum.reduce(output.pending, %{output | pending: %{}}, &told/2),
      else: output
  end

  defp told({stream, bytes}, output), do: sent(output, {:left_out, stream, bytes}, 0)

  defp sent(output, message, bytes) do
    send(output.to, {:elixir_scope_session, self(), message})
    %{output | sent: output.sent + bytes}
  end

  defp left_out(output, stream, bytes) do
    pending = Map.update(output.pending, stream, bytes, &(&1 + bytes))
    %{output | pending: pending, left_out: output.left_out + bytes}
  end

  defp room?(%{to: to}) when node(to) != node(), do: true

  defp room?(%{to: to}) do
    case Process.info(to, :message_queue_len) do
      {:message_queue_len, length} -> length < @most
      nil -> true
    end
  end

  @doc "How much was sent and left out, and the bound."
  @spec status(t) :: map
  def status(output),
    do: %{sent_bytes: output.sent, left_out_bytes: output.left_out, most_messages: @most}
end
