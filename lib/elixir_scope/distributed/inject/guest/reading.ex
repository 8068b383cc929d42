defmodule ElixirScope.Distributed.Inject.Guest.Reading do
  @moduledoc false
  # What the VM sends to a tracer, as raw events: `{ns, pid, kind, subject, data, ends?}`. Times are the
  # VM's monotonic ones in nanoseconds. `ends?` is of calls whose return is wanted.

  @type raw :: {integer, pid, atom, term, term, boolean}

  @doc "The raw event in a message of the VM; `nil` is one that is of no interest."
  @spec raw(tuple) :: raw | nil
  def raw(message) do
    ns =
      :erlang.convert_time_unit(
        :erlang.element(tuple_size(message), message),
        :native,
        :nanosecond
      )

    event(message, ns)
  end

  defp event({:trace_ts, pid, :call, mfa, _ts}, ns), do: call(pid, mfa, false, ns)
  defp event({:trace_ts, pid, :call, mfa, :ends, _ts}, ns), do: call(pid, mfa, true, ns)

  defp event({:trace_ts, pid, :return_from, mfa, value, _ts}, ns),
    do: {ns, pid, :return, mfa, value, false}

  defp event({:trace_ts, pid, :exception_from, mfa, {class, reason}, _ts}, ns),
    do: {ns, pid, :exception, mfa, {class, reason}, false}

  defp event({:trace_ts, pid, :send, message, to, _ts}, ns),
    do: {ns, pid, :send, receiver(to), message, false}

  defp event({:trace_ts, pid, :send_to_non_existing_process, message, to, _ts}, ns),
    do: {ns, pid, :send, receiver(to), message, false}

  defp event({:trace_ts, pid, :receive, message, {_node, from}, _ts}, ns),
    do: {ns, pid, :receive, sender(from), message, false}

  defp event({:trace_ts, pid, :receive, message, _ts}, ns),
    do: {ns, pid, :receive, nil, message, false}

  defp event({:trace_ts, pid, :spawn, child, mfa, _ts}, ns),
    do: {ns, pid, :spawn, child, mfa, false}

  defp event({:trace_ts, pid, :exit, reason, _ts}, ns), do: {ns, pid, :exit, nil, reason, false}

  defp event({:trace_ts, pid, kind, other, _ts}, ns)
       when kind in [:link, :unlink, :register, :unregister],
       do: {ns, pid, kind, other, nil, false}

  defp event(_other, _ns), do: nil

  defp call(pid, {module, function, arguments}, ends?, ns) when is_list(arguments),
    do: {ns, pid, :call, {module, function, length(arguments)}, arguments, ends?}

  defp call(pid, mfa, ends?, ns), do: {ns, pid, :call, mfa, nil, ends?}

  # Whoever has that name now; a moment ago it may have been another one.
  defp receiver(name) when is_atom(name) do
    case :erlang.whereis(name) do
      pid when is_pid(pid) -> pid
      _port_or_none -> name
    end
  end

  defp receiver(to), do: to

  # Of a sender on another node the VM knows no more than the node.
  defp sender(from) when is_pid(from), do: from
  defp sender(_unknown), do: nil
end
