defmodule ElixirScope.Distributed.Capture.Offered do
  @moduledoc false
  # What this version of the VM can be asked for. What it gets wrong is refused, and above all
  # what can bring it down.

  alias ElixirScope.Distributed.Error

  # Tracing what is scheduled or collected where a process may be on a dirty scheduler
  # ends in a segmentation fault (erlang/otp#6448, mended in OTP 25.3).
  @safe [13, 2]
  @unsafe [:memory, :scheduling]

  # The memory of functions came with OTP 26, and was wrong from 27.1 on until ERTS 15.2.6.
  @counts [14]
  @miscounts [15, 1]
  @counts_again [15, 2, 6]

  @type version :: [non_neg_integer]

  @doc "Whether events of these families can be had here, of processes."
  @spec families([atom], version) :: :ok | {:error, Error.t()}
  def families(families, erts \\ erts()) do
    case Enum.filter(families, &(&1 in @unsafe)) do
      [_ | _] = unsafe when erts < @safe -> refuse(:unsafe_kinds, erts, kinds: unsafe)
      _safe -> :ok
    end
  end

  @doc "Whether the memory of functions is counted here."
  @spec memory(version) :: :ok | {:error, Error.t()}
  def memory(erts \\ erts()) do
    if erts < @counts or (erts >= @miscounts and erts < @counts_again),
      do: refuse(:no_memory, erts, []),
      else: :ok
  end

  @doc "The version of the runtime system."
  @spec erts() :: version
  def erts do
    version = to_string(:erlang.system_info(:version))
    for part <- String.split(version, "."), do: part |> Integer.parse() |> elem(0)
  end

  defp refuse(reason, erts, details),
    do: {:error, Error.new(reason, [{:erts, Enum.join(erts, ".")} | details])}
end
