defmodule ElixirScope.Distributed.Debug.Session.Wire do
  @moduledoc false
  # What is said over the pipe between a session and a VM that it started: the cookie, what is granted,
  # whose turn it is, and that both are there. The pipe has two ends and no name, so nobody else reads
  # or writes it, and it is closed by the system when either side is gone, however it went.

  # To the VM.
  @type order :: {:boot, map} | :prepare | :run | :there? | :stop

  # From the VM. `:open` is written by the shell, once standard output and error lead to us.
  @type report ::
          :open | {:up, String.t(), String.t()} | :ready | :here | {:failed, String.t()}

  # `[:safe]` makes no atoms: these are all that is ever said, and are there with this module.
  @words [:boot, :prepare, :run, :there?, :stop, :up, :ready, :here, :failed] ++
           [:name, :domain, :cookie, :cookies, :interface, :hidden, :grant, :lease_ms, :grace_ms] ++
           [:role, :target, :language, :env, :start, :release, :debug, :longnames, :shortnames] ++
           [:scope, :path, nil, true, false]

  @doc "Every atom that is sent."
  @spec words() :: [atom]
  def words, do: @words

  @doc "A message as bytes."
  @spec encode(order | report) :: binary
  def encode(message), do: :erlang.term_to_binary(message)

  @doc "Bytes as a message."
  @spec decode(binary) :: {:ok, order | report} | :error
  def decode("open"), do: {:ok, :open}

  def decode(bytes) do
    {:ok, :erlang.binary_to_term(bytes, [:safe])}
  rescue
    ArgumentError -> :error
  end
end
