defmodule ElixirScope.Distributed.Debug.Stopped.Judge do
  @moduledoc false
  # What breakpoints say to a place before anybody is told: their conditions, counts and log points belong to
  # `Breakpoints.Target`. A break that it knows nothing of was set by somebody else, with `:int`, and
  # holds for whoever is attached.
  #
  # It runs in the driver of the process, so a slow condition delays that process alone.

  alias ElixirScope.Distributed.Debug.Stopped.{Course, Shelf}

  @target ElixirScope.Distributed.Debug.Breakpoints.Target

  @doc "What they say. `frame` gives the variables there, for who needs them."
  @spec verdict(pid, module, integer, (... -> {:ok, map} | {:error, term})) :: Course.verdict()
  def verdict(pid, module, line, frame) do
    case told(pid, module, line, frame) do
      {:stop, ids, owners} -> among(ids, owners)
      :unknown -> everybody()
      :go -> :go
    end
  end

  # By name: where to stop is not this part's to know.
  defp told(pid, module, line, frame) do
    if Code.ensure_loaded?(@target) and function_exported?(@target, :judge, 4),
      do: apply(@target, :judge, [pid, module, line, frame]),
      else: :unknown
  end

  # Who set it and did not attach has nobody who would let it go on.
  defp among(ids, owners) do
    case for({owner, _wants} <- Shelf.owners(), owner in owners, do: owner) do
      [] -> :go
      there -> {:stop, ids, there}
    end
  end

  defp everybody do
    case Shelf.owners() do
      [] -> :go
      owners -> {:stop, [], Enum.map(owners, &elem(&1, 0))}
    end
  end
end
