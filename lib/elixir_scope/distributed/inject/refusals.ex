defmodule ElixirScope.Distributed.Inject.Refusals do
  @moduledoc false
  # Why nothing is injected into a node, in this order: what can be done instead comes first. A pure
  # function of what the survey found.

  alias ElixirScope.Distributed.Capture.Health
  alias ElixirScope.Distributed.{Error, Inject.Survey}

  # The oldest that the library itself runs on.
  @oldest 25

  @doc "Whether nothing speaks against it. `own_otp` is the one that the modules were compiled on."
  @spec check(Survey.t(), pos_integer) :: :ok | {:error, Error.t()}
  def check(survey, own_otp) do
    [&library/2, &ours/2, &tracer/2, &taken/2, &otp/2, &memory/2, &allowed/2]
    |> Enum.find_value(:ok, fn refusal ->
      with %Error{} = error <- refusal.(survey, own_otp), do: {:error, error}
    end)
  end

  defp library(%{library?: true, node: node}, _own), do: Error.new(:library_there, node: node)
  defp library(_survey, _own), do: nil

  defp tracer(%{traced: 0}, _own), do: nil
  defp tracer(%{traced: count}, _own), do: Error.new(:other_tracer, processes: count)

  # Another run of this kind has the tracer, too, and is the better reason.
  defp ours(%{taken: [_ | _] = taken, node: node}, _own) do
    if Enum.all?(taken, &match?({_module, :same}, &1)),
      do: Error.new(:already_injected, node: node)
  end

  defp ours(_survey, _own), do: nil

  defp taken(%{taken: taken, node: node}, _own) do
    case for({module, :other} <- taken, do: module) do
      [] -> nil
      [module | _more] -> Error.new(:module_taken, node: node, module: module)
    end
  end

  defp otp(%{otp: otp, node: node}, _own) when otp < @oldest,
    do: Error.new(:otp_too_old, node: node, otp: otp, oldest: @oldest)

  defp otp(%{otp: otp, node: node}, own) when otp < own,
    do: Error.new(:otp_older, node: node, otp: otp, own: own)

  defp otp(_survey, _own), do: nil

  defp memory(%{memory: memory, available: available, limits: limits, node: node}, _own) do
    sample = %{memory: memory, available: available}

    with {:trip, :memory, value, limit} <- Health.judge(sample, limits),
         do: Error.new(:short_of_memory, node: node, value: value, limit: limit),
         else: (:ok -> nil)
  end

  # Who may connect can run anything there: this is for those who keep to what they are told.
  defp allowed(%{allow: nil}, _own), do: nil

  defp allowed(%{allow: allow, node: node}, _own) do
    if not (is_list(allow) and :inject in allow),
      do: Error.new(:inject_not_allowed, node: node, allow: allow)
  end
end
