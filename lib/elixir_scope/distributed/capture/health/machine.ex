defmodule ElixirScope.Distributed.Capture.Health.Machine do
  @moduledoc false
  # The memory of the machine, and of the container where there is one, as Linux tells it in
  # files. They are read by the calling process itself: VM-wide file servers are as slow as the
  # node that is in trouble. Elsewhere nothing is known.

  @meminfo "/proc/meminfo"
  @containers ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
  @longest 8_192

  @doc "Bytes of the machine, and of what this VM may use of them."
  @spec memory() :: %{total: pos_integer | nil, limit: pos_integer | nil}
  def memory do
    total = meminfo("MemTotal")
    limits = for file <- @containers, {:ok, text} <- [read(file)], n = bytes(text), do: n
    %{total: total, limit: Enum.min([total | limits])}
  end

  @doc "Bytes that the machine still has."
  @spec available() :: non_neg_integer | nil
  def available, do: meminfo("MemAvailable")

  @doc "Bytes of one entry of the text of `/proc/meminfo`."
  @spec entry(String.t(), String.t()) :: non_neg_integer | nil
  def entry(text, name) do
    case Regex.run(~r/^#{name}:\s+(\d+) kB$/m, text) do
      [_line, kib] -> String.to_integer(kib) * 1024
      nil -> nil
    end
  end

  defp meminfo(name) do
    with {:ok, text} <- read(@meminfo), do: entry(text, name), else: (_none -> nil)
  end

  defp bytes(text) do
    case Integer.parse(text) do
      {bytes, _rest} when bytes > 0 -> bytes
      _no_limit -> nil
    end
  end

  defp read(file) do
    case :file.open(file, [:raw, :read, :binary]) do
      {:ok, opened} -> read_and_close(opened)
      {:error, reason} -> {:error, reason}
    end
  end

  defp read_and_close(opened) do
    with :eof <- :file.read(opened, @longest), do: {:ok, ""}
  after
    :file.close(opened)
  end
end
