defmodule ElixirScope.Distributed.Capture.Vm do
  @moduledoc false
  # How the VM is made to trace: a session of our own where it has such (OTP 27 and later),
  # the one tracer that there is before. `Capture.Plan` says what is to be set.

  alias ElixirScope.Distributed.Capture.{Plan, Vms}
  alias ElixirScope.Distributed.Error

  @type handle :: term

  @doc "Begins; the calling process owns it, and with its end everything is taken away."
  @callback open() :: {:ok, handle} | {:error, Error.t()}

  @doc "Sets or takes away. What has gone meanwhile, a process or a module, is no error."
  @callback set(handle, Plan.operation()) :: :ok

  @doc "What the VM counted for a function: who called it, how often, and the words that took."
  @callback memory(handle, mfa) :: [{pid, calls :: integer, words :: integer}]

  @doc "Whether a function is watched, as far as the VM knows now."
  @callback traced?(handle, mfa) :: boolean

  @doc "Which flags of ours a process has, or a new one gets; `nil` of one that has ended."
  @callback flags(handle, pid | :new) :: [atom] | nil

  @doc "Why tracing cannot go on here, if so."
  @callback check(handle, [pid | :all | :new]) :: :ok | {:error, :taken_over}

  @doc "Takes everything away."
  @callback close(handle) :: :ok

  @doc "Takes away what an owner left behind that was killed."
  @callback sweep([mfa]) :: :ok

  @doc "The one that this VM has."
  @spec module() :: module
  def module, do: if(sessions?(), do: Vms.Session, else: Vms.Legacy)

  @doc "What the VM calls a target of a plan."
  @spec named(pid | :all | :new) :: pid | :all | :new_processes
  def named(:new), do: :new_processes
  def named(target), do: target

  @doc "Sets something for what may be gone: a process that has ended, a module that was purged."
  @spec attempt((... -> term)) :: :ok
  def attempt(set) do
    _ = set.()
    :ok
  rescue
    ArgumentError -> :ok
  end

  @doc "Whether the VM has trace sessions."
  @spec sessions?() :: boolean
  def sessions? do
    Code.ensure_loaded?(:trace) and function_exported?(:trace, :session_create, 3)
  end
end
