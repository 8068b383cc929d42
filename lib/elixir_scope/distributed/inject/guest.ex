defmodule ElixirScope.Distributed.Inject.Guest do
  @moduledoc false
  # The door to what runs on a node without the library. This module and those below it are all
  # that is sent, and they call nothing but Erlang: no `Enum`, no structs that are updated by name, no
  # text with `#{}` in it, no `rescue`, no comprehension over a list. A test computes from their code
  # what they import, and it is Erlang's alone.
  #
  # Invariant: from the moment these modules are loaded there is a process that takes them away
  # again. That is why they are loaded, all or none, by the very call that starts it.

  alias ElixirScope.Distributed.Inject.Guest.Warden

  @modules [
    __MODULE__,
    ElixirScope.Distributed.Inject.Guest.Bound,
    ElixirScope.Distributed.Inject.Guest.Budget,
    ElixirScope.Distributed.Inject.Guest.Calls,
    ElixirScope.Distributed.Inject.Guest.Content,
    ElixirScope.Distributed.Inject.Guest.Health,
    ElixirScope.Distributed.Inject.Guest.Leave,
    ElixirScope.Distributed.Inject.Guest.Outbox,
    ElixirScope.Distributed.Inject.Guest.Reading,
    ElixirScope.Distributed.Inject.Guest.Secrets,
    ElixirScope.Distributed.Inject.Guest.Tracer,
    ElixirScope.Distributed.Inject.Guest.Vm,
    ElixirScope.Distributed.Inject.Guest.Warden
  ]

  @typedoc """
  What is wanted: `ref` and `owner` say whom to tell, `modules` what to take away, `steps` what the VM
  is told to watch, `keep` which kinds of events are wanted, `budgets` and `health` when to end.
  """
  @type config :: %{
          ref: reference,
          owner: pid,
          modules: [module],
          sessions?: boolean,
          otp: pos_integer,
          steps: [tuple],
          keep: [atom],
          slower_than_ms: non_neg_integer,
          rules: map,
          room: map,
          budgets: map,
          health: map
        }

  @doc "What is sent."
  @spec modules() :: [module]
  def modules, do: @modules

  @doc "Begins, in a process of its own, and says that it traces or why it does not."
  @spec start(config) :: {:ok, warden :: pid, tracer :: pid} | {:error, term}
  def start(config) do
    {warden, monitor} =
      :erlang.spawn_opt(Warden, :init, [config, self()], [:monitor, {:priority, :high}])

    receive do
      {^warden, answer} ->
        :erlang.demonitor(monitor, [:flush])
        answer

      {:DOWN, ^monitor, :process, ^warden, reason} ->
        {:error, {:failed, reason}}
    end
  end
end
