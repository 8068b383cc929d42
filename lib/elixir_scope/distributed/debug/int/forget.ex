defmodule ElixirScope.Distributed.Debug.Int.Forget do
  @moduledoc false
  # Processes that ran interpreted code of a module keep which table they got of it. OTP has a message that
  # makes them forget; to one that is in the module's code it is fatal. So each is held still
  # and told only where it is seen to be in none, with nothing else before it in its queue: what it reads
  # next is that message. Whoever is in some code keeps its table, which is right as long as it is.

  @compile {:no_warn_undefined, [:int, :dbg_iserver]}

  @doc "Makes those forget a module who can; how many could not."
  @spec tell(module) :: non_neg_integer
  def tell(module), do: Enum.count(metas(), &(not forgets?(&1, module)))

  defp metas do
    for {pid, _function, status, _info} <- int().snapshot(),
        status != :exit,
        {:ok, meta} when is_pid(meta) <- [server().call({:get_meta, pid})],
        node(meta) == node(),
        do: {pid, meta}
  end

  defp forgets?({pid, meta}, module) do
    :erlang.suspend_process(meta)
    if refers?(meta, module), do: told?(pid, meta, module), else: true
  rescue
    # It ended meanwhile.
    ArgumentError -> true
  after
    resume(meta)
  end

  defp refers?(meta, module) do
    case Process.info(meta, :dictionary) do
      {:dictionary, dictionary} -> List.keymember?(dictionary, {module, :db}, 0)
      nil -> false
    end
  end

  defp told?(pid, meta, module) do
    idle? = Process.info(meta, :message_queue_len) == {:message_queue_len, 0} and idle?(pid, meta)
    if idle?, do: send(meta, {:int, {:old_code, module}})
    idle?
  end

  # It says that it is idle before it waits, and it stands still here.
  defp idle?(pid, meta) do
    Process.info(meta, :current_function) == {:current_function, {:dbg_ieval, :meta_loop, 3}} and
      List.keyfind(int().snapshot(), pid, 0) |> idle_status?()
  end

  defp idle_status?({_pid, _function, :idle, _info}), do: true
  defp idle_status?(_other), do: false

  defp resume(meta) do
    :erlang.resume_process(meta)
  rescue
    ArgumentError -> true
  end

  # An application that may not be there, and that is none of ours.
  defp int, do: :int
  defp server, do: :dbg_iserver
end
