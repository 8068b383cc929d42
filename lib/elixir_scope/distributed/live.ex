defmodule ElixirScope.Distributed.Live do
  @moduledoc false
  # Subscriptions: events of all members as they are recorded. Each is a process of its own
  # (`Live.Subscription`), which asks the members for what is new of their own; that is all there is of
  # it on other nodes, so that with its end, or its node's, nothing is left.

  alias ElixirScope.Distributed.Capture.Correlation.Token
  alias ElixirScope.Distributed.{Error, Live, Options, Scope}
  alias ElixirScope.Distributed.Live.{Figures, Kept, Subscription}
  alias ElixirScope.Distributed.Query.Wire
  alias ElixirScope.Distributed.Storages.Native, as: Storage

  # On this node, of one scope.
  @most 64

  @doc "The supervisor of a scope's subscriptions."
  @spec child_spec(Scope.t()) :: Supervisor.child_spec()
  def child_spec(scope) do
    options = [name: Scope.via(scope.name, Live), max_children: @most, strategy: :one_for_one]
    Supervisor.child_spec({DynamicSupervisor, options}, id: Live)
  end

  @doc "Events for the calling process, from now on."
  @spec subscribe(keyword | map) :: {:ok, reference} | {:error, Error.t()}
  def subscribe(filters) do
    with {:ok, options} <- check(filters),
         {:ok, scope} <- Scope.fetch(options[:scope]),
         {:ok, filter} <- wire(options) do
      Token.aside(fn -> start(scope, options, filter) end)
    end
  end

  @doc "No more of them; nor what is on its way."
  @spec unsubscribe(reference) :: :ok | {:error, Error.t()}
  def unsubscribe(ref) do
    Process.demonitor(ref, [:flush])
    stopped = Enum.map(find(ref), &Subscription.stop/1)
    flush(ref)
    if stopped == [], do: {:error, Error.new(:no_subscription, ref: ref)}, else: :ok
  end

  @doc "Membership says who is there, and who belongs."
  @spec tell(atom, %{up: [node], known: [node]}) :: :ok
  def tell(scope, standing) do
    for {pid, _figures} <- Kept.all(scope),
        do: Subscription.members(pid, standing.up, standing.known)

    :ok
  end

  @doc "What runs on this node, each with its figures, and every bound with its value."
  @spec status(atom) :: map
  def status(scope) do
    # One that begins has none yet.
    Figures.all(for({_pid, figures} <- Kept.all(scope), figures != %{}, do: figures), @most)
  end

  defp check(filters) do
    case Options.validate(:subscribe, filters) do
      {:ok, options} -> {:ok, options}
      {:error, message} -> {:error, Error.new(:bad_filter, message: message)}
    end
  end

  # As it is sent to the members, who would refuse one that is too large.
  defp wire(options) do
    filter = [limit: 1_000_000, order: :asc] ++ options
    filter = filter |> Storage.native_filter() |> Wire.filter()

    case Wire.unfit(filter) do
      nil ->
        {:ok, filter}

      field ->
        {:error, Error.new(:bad_filter, message: "#{inspect(field)} is too much to ask for")}
    end
  end

  defp start(scope, options, filter) do
    child = {Subscription, %{scope: scope.name, options: options, filter: filter, to: self()}}

    case DynamicSupervisor.start_child(Scope.via(scope.name, Live), child) do
      {:ok, pid} -> begin(pid, scope)
      {:error, :max_children} -> {:error, Error.new(:too_many_subscriptions, limit: @most)}
      {:error, reason} -> {:error, Error.new(:subscription_failed, reason: reason)}
    end
  catch
    :exit, _reason -> {:error, Scope.not_there(scope.name)}
  end

  # Its monitor is what it is called: it ends with `:DOWN`, whatever ends it.
  defp begin(pid, scope) do
    ref = Process.monitor(pid)
    with :ok <- Subscription.begin(pid, ref), do: {:ok, ref}
  catch
    :exit, _reason -> {:error, Error.new(:not_running, scope: scope.name)}
  end

  defp find(ref), do: for({pid, _figures} <- Kept.all(:_, ref), do: pid)

  defp flush(ref) do
    receive do
      {:elixir_scope, ^ref, _events, _about} -> flush(ref)
    after
      0 -> :ok
    end
  end
end
