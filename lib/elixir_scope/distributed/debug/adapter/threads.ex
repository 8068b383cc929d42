defmodule ElixirScope.Distributed.Debug.Adapter.Threads do
  @moduledoc false
  # Processes as a client sees them: threads, which have a number and a name. A process keeps its number for
  # as long as the session; what is said of it is text that tells it from others, on other nodes, too.

  defstruct next: 1, by_id: %{}, by_pid: %{}

  @type t :: %__MODULE__{next: pos_integer, by_id: %{pos_integer => pid}, by_pid: map}

  # How much of a name is shown.
  @longest 80

  @doc """
  The number of a process, and whether it is new.

      iex> alias ElixirScope.Distributed.Debug.Adapter.Threads
      iex> {1, true, threads} = Threads.id(%Threads{}, self())
      iex> {1, false, ^threads} = Threads.id(threads, self())
      iex> Threads.pid(threads, 1) == {:ok, self()}
      true
  """
  @spec id(t, pid) :: {pos_integer, new? :: boolean, t}
  def id(threads, pid) do
    case threads.by_pid do
      %{^pid => id} -> {id, false, threads}
      _new -> {threads.next, true, add(threads, threads.next, pid)}
    end
  end

  defp add(threads, id, pid) do
    by_id = Map.put(threads.by_id, id, pid)
    %{threads | next: id + 1, by_id: by_id, by_pid: Map.put(threads.by_pid, pid, id)}
  end

  @doc "The process of a number."
  @spec pid(t, term) :: {:ok, pid} | :error
  def pid(threads, id), do: Map.fetch(threads.by_id, id)

  @doc "The number of a process that has one."
  @spec known(t, pid) :: {:ok, pos_integer} | :error
  def known(threads, pid), do: Map.fetch(threads.by_pid, pid)

  @doc "Forgets a process that is gone."
  @spec drop(t, pid) :: t
  def drop(threads, pid) do
    {id, by_pid} = Map.pop(threads.by_pid, pid)
    %{threads | by_id: Map.delete(threads.by_id, id), by_pid: by_pid}
  end

  @doc "Every process of a node that has a number."
  @spec of(t, node) :: [pid]
  def of(threads, node), do: for({pid, _id} <- threads.by_pid, node(pid) == node, do: pid)

  @doc """
  What a process is called: by its name, else by what it runs; with its node where there are several.

      iex> alias ElixirScope.Distributed.Debug.Adapter.Threads
      iex> pid = :erlang.list_to_pid(~c"<0.5.0>")
      iex> Threads.name(%{pid: pid, name: Shop.Cart, initial: nil}, false)
      "Shop.Cart <0.5.0>"
      iex> Threads.name(%{pid: pid, name: nil, initial: {Shop.Cart, :init, 1}}, true)
      "Shop.Cart.init/1 <0.5.0> on \#{node()}"
  """
  @spec name(map, boolean) :: String.t()
  def name(process, several?) do
    on = if several?, do: " on #{node(process.pid)}", else: ""
    "#{called(process)} #{number(process.pid)}#{on}"
  end

  defp called(%{name: name}) when name not in [nil, [], ""], do: short(name)

  defp called(%{label: label}) when label not in [nil, :undefined, "", []], do: short(label)

  defp called(%{initial: {module, function, arity}}) when is_integer(arity),
    do: Exception.format_mfa(module, function, arity)

  defp called(_process), do: "process"

  defp short(name) when is_binary(name), do: String.slice(name, 0, @longest)
  defp short(name), do: name |> inspect() |> String.slice(0, @longest)

  @doc """
  Processes in the order in which people look for them: those that stand, those that run interpreted code, those
  of Elixir's modules, and then what the VM and OTP have for themselves.
  """
  @spec sort([map]) :: [map]
  def sort(processes), do: Enum.sort_by(processes, &rank/1)

  defp rank(%{state: :standing}), do: 0
  defp rank(%{state: :debugged}), do: 1
  defp rank(%{label: label}) when label not in [nil, :undefined], do: 2
  defp rank(process), do: if(elixir?(process), do: 2, else: 3)

  defp elixir?(%{name: name, initial: initial}) do
    text = if name in [nil, []], do: inspect(initial), else: inspect(name)
    text =~ ~r/^{?[A-Z]/
  end

  # As the node itself writes it: what stands in its logs.
  defp number(pid) do
    [_node, rest] = pid |> :erlang.pid_to_list() |> to_string() |> String.split(".", parts: 2)
    "<0." <> rest
  end
end
