defmodule ElixirScope.Distributed.Capture.Post do
  @moduledoc false
  # What `Capture.Conductor` sends: to other nodes, and to itself by the same messages, so
  # that what is done on a node stands in one place.

  alias ElixirScope.Distributed.Capture.{Conductor, Tracer}
  alias ElixirScope.Distributed.{Error, Scope, Transport}
  alias ElixirScope.Distributed.Types.TraceMessage

  @doc "Sends a message of `kind` to the conductor of a node; to be called by a conductor."
  @spec send(Scope.t(), node, atom, keyword) :: :ok | {:error, term}
  def send(%{node: me} = scope, node, kind, fields) do
    message = struct!(%TraceMessage{source_node: me, kind: kind}, fields)

    if node == me,
      do: GenServer.cast(self(), {:transport, :message, node, message}),
      else: Transport.send_to(scope, node, message)
  end

  @doc "A trace ended on this node of which nobody knows any more who began it: all are told."
  @spec ended(map) :: :ok
  def ended(summary) do
    for pid <- Scope.all(Conductor), do: Kernel.send(pid, {:trace_ended, summary.id, summary})
    :ok
  end

  @doc "Begins here what `from` has ordered, as the calling conductor's."
  @spec arm(Scope.t(), node, TraceMessage.t()) :: :ok
  def arm(scope, from, message) do
    %{order: order} = put_in(message.order.options[:scope], scope.name)
    conductor = self()
    # What others may ask was looked at before: this holds for this node's own users, too.
    allowed? = :trace in scope.options[:allow]
    arm = fn -> Tracer.arm(order, message.lease_ms, conductor) end
    arm = if allowed?, do: arm, else: fn -> {:error, Error.new(:not_allowed, what: :trace)} end
    work(scope, from, message.ref, :armed, arm)
  end

  @doc """
  Has a worker do something that may take a while, and tell the calling conductor to answer
  `asked` by `kind`, or that it is `:refused`.
  """
  @spec work(Scope.t(), node, reference, atom, (... -> {:ok, term} | {:error, term})) :: :ok
  def work(scope, asked, ref, kind, fun) do
    conductor = self()
    workers = Scope.via(scope.name, Task.Supervisor)

    {:ok, _worker} =
      Task.Supervisor.start_child(workers, fn ->
        Scope.hide()
        {outcome, result} = attempt(fun)
        kind = if outcome == :ok, do: kind, else: :refused
        Kernel.send(conductor, {:done, asked, kind, ref: ref, result: result})
      end)

    :ok
  end

  # Who asked waits for an answer, also where it is that this went wrong.
  defp attempt(fun) do
    fun.()
  catch
    kind, reason -> {:error, Error.new(:worker_failed, kind: kind, reason: reason)}
  end
end
