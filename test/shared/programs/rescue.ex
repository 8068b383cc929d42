defmodule Programs.Rescue do
  def run do
    caught = careful(fn -> risky(:bad) end)
    fine = careful(fn -> risky(:good) end)
    {caught, fine}
  end

  def careful(fun) do
    try do
      fun.()
    rescue
      error in ArgumentError ->
        message = error.message
        {:rescued, message}
    after
      done = :cleaned
      send(self(), done)
    end
  end

  defp risky(:good), do: :ok

  defp risky(kind) do
    raise ArgumentError, "no #{kind}"
  end
end
