defmodule ElixirScope.Distributed.Native do
  @moduledoc false
  # The whole boundary to the native core, beside `native/scope_nif/src/lib.rs`. One
  # library serves one module, so the callbacks of the VM tracer stand here too. The VM
  # refuses to load this module twice while a trace may run; therefore nothing here
  # changes: no options, no attributes, no code of other modules.

  @on_load :load

  @failure {__MODULE__, :load_failure}

  @doc false
  def load, do: loaded(:erlang.load_nif(library(), 0))

  @doc false
  # Why the library is not there, `nil` if it is.
  def load_failure, do: :persistent_term.get(@failure, nil)

  defp library do
    case :code.priv_dir(:elixir_scope_distributed) do
      {:error, :bad_name} -> ~c"priv/native/scope_nif"
      folder -> :filename.join(folder, ~c"native/scope_nif")
    end
  end

  defp loaded(:ok), do: :ok

  # Loaded before: the VM keeps the old code, its library and every running trace.
  defp loaded({:error, {reason, _text} = error}) when reason in [:reload, :upgrade] do
    :io.put_chars(:standard_error, "elixir_scope: Native changed; restart this VM to use it\n")
    {:error, error}
  end

  # The stubs stay: recording goes on costing nothing, everything else says what is missing.
  defp loaded({:error, {_reason, text}}),
    do: :persistent_term.put(@failure, {to_string(library()), to_string(text)})

  # ring_: ElixirScope.Distributed.Capture.Recorder
  def ring_start(_bytes, _threads), do: missing()
  def ring_hide(_hidden), do: missing()
  # Recording never raises, also where there is no library.
  def ring_record(_name, _data, _correlation, _token), do: without(:ok)
  def ring_record_to(_scope, _name, _data, _correlation, _token), do: without(:ok)
  def ring_call(_module, _function, _arguments, _token), do: without(:ok)
  def ring_return(_module, _function, _arity, _value, _token), do: without(:ok)
  def ring_exception(_m, _f, _a, _class, _reason, _stack, _token), do: without(:ok)
  def ring_vitals(_pid, _data), do: without(:ok)
  def ring_status, do: missing()

  # event_: ElixirScope.Distributed.Capture.Correlation.Inside
  # What runs in an extent runs, also where there is no library.
  def event_enter(_id, _decided), do: without([])
  def event_leave, do: without(:ok)
  def event_inherited(_token), do: without(nil)
  def event_entry, do: without(nil)
  def event_names(_pid), do: without(false)
  def event_status, do: missing()

  # store_: ElixirScope.Distributed.Storages.Native
  def store_open(_settings), do: missing()
  def store_renew(_scope, _node, _incarnation, _anew), do: missing()
  def store_note(_scope, _kind, _data), do: missing()
  def store_close(_scope), do: missing()
  def store_query(_scope, _filter), do: missing()
  def store_watch(_scope, _watcher), do: missing()
  def store_status(_scope), do: missing()

  # clock_: ElixirScope.Distributed.GlobalClock
  def clock_now(_scope), do: missing()
  def clock_observe(_scope, _logical, _physical_ns), do: missing()
  def clock_distrust(_scope, _nodes), do: missing()
  def clock_calibrate(_scope), do: missing()
  def clock_status(_scope), do: missing()

  # sync_: ElixirScope.Distributed.Sync.Replica
  def sync_peer(_scope, _peer, _up), do: missing()
  def sync_tick(_scope), do: missing()
  def sync_keep(_scope, _members, _keeps), do: missing()
  def sync_start(_scope, _peer, _everything), do: missing()
  def sync_stop(_scope, _peer, _token), do: missing()
  def sync_bounds(_scope), do: missing()
  def sync_receive(_scope, _peer, _bytes), do: missing()
  def sync_status(_scope), do: missing()

  # export_: ElixirScope.Distributed.Export
  def export_json_lines(_found, _pairs), do: missing()

  # page_: ElixirScope.Distributed.Query.Page
  def page_read(_scope, _filter, _ranges, _cursor, _max_bytes), do: missing()
  def page_events(_page), do: missing()
  def page_state(_scope, _filter), do: missing()
  def page_holdings(_scope), do: missing()
  def page_head(_scope), do: missing()
  def page_open(_scope, _filter, _ranges, _cursor, _members), do: missing()
  def page_feed(_union, _member, _page), do: missing()
  def page_close(_union, _member), do: missing()
  def page_next(_union, _most), do: missing()
  def page_take(_union, _most), do: missing()

  # pair_: ElixirScope.Distributed.Query.Pairs
  def pair_start(_scope, _wanted), do: missing()
  def pair_feed(_reading, _found), do: missing()
  def pair_settle(_reading, _unsure), do: missing()
  def pair_found(_reading, _ids), do: missing()

  # causal_: ElixirScope.Distributed.Causality.Core
  def causal_new(_here, _descending), do: missing()
  def causal_list, do: missing()
  def causal_feed(_picture, _found), do: missing()
  def causal_give(_picture, _events), do: missing()
  def causal_pair(_picture, _pairs, _from), do: missing()
  def causal_finish(_picture, _known), do: missing()
  def causal_about(_picture), do: missing()
  def causal_place(_picture, _id), do: missing()
  def causal_processes(_picture), do: missing()
  def causal_rows(_picture, _places), do: missing()
  def causal_events(_picture, _here, _places), do: missing()
  def causal_relation(_picture, _one, _other), do: missing()
  def causal_led_to(_picture, _id), do: missing()
  def causal_influenced(_picture, _id), do: missing()
  def causal_path(_picture, _from, _to), do: missing()
  def causal_correlated(_picture, _forms), do: missing()

  # graph_: ElixirScope.Distributed.Debug.Graph
  def graph_load(_modules), do: missing()
  def graph_from_bytes(_bytes), do: missing()
  def graph_to_bytes(_graph), do: missing()
  def graph_replace(_graph, _module, _references), do: missing()
  def graph_remove(_graph, _module), do: missing()
  def graph_info(_graph), do: missing()
  def graph_list(_graph), do: missing()
  def graph_direct(_graph, _module, _side, _kinds), do: missing()
  def graph_walk(_graph, _modules, _side, _depth, _kinds), do: missing()
  def graph_why(_graph, _from, _to, _kinds), do: missing()
  def graph_components(_graph, _kinds), do: missing()
  def graph_cycles(_graph, _kinds), do: missing()
  def graph_layers(_graph, _kinds), do: missing()
  def graph_affected(_graph, _changed, _extent), do: missing()
  def graph_diff(_old, _new), do: missing()

  # trace_: ElixirScope.Distributed.Capture.Seat
  def trace_open(_wanted), do: missing()
  def trace_go(_seat), do: missing()
  def trace_end(_seat), do: missing()
  def trace_forget(_seat), do: missing()
  def trace_reset, do: missing()
  def trace_functions(_seat, _functions, _wanted), do: missing()
  def trace_callbacks(_seat, _callbacks), do: missing()
  def trace_processes(_seat, _pids, _heirs), do: missing()
  def trace_told, do: missing()
  def trace_ours(_pids), do: missing()
  def trace_refill(_seat, _events), do: missing()
  def trace_spent(_seat), do: missing()
  def trace_thin(_seat, _level, _reserve), do: missing()
  def trace_again, do: missing()
  def trace_collect, do: missing()
  def trace_known, do: missing()
  def trace_counts, do: missing()
  def trace_memory(_traces, _rows), do: missing()
  def trace_note(_scope, _began, _data), do: missing()

  # Callbacks of erl_tracer, called by the VM.
  def enabled(_tag, _state, _tracee), do: missing()
  def enabled_call(_tag, _state, _tracee), do: missing()
  def enabled_send(_tag, _state, _tracee), do: missing()
  def enabled_receive(_tag, _state, _tracee), do: missing()
  def enabled_procs(_tag, _state, _tracee), do: missing()
  def enabled_running_procs(_tag, _state, _tracee), do: missing()
  def enabled_garbage_collection(_tag, _state, _tracee), do: missing()
  def trace(_tag, _state, _tracee, _term, _options), do: missing()
  def trace_call(_tag, _state, _tracee, _term, _options), do: missing()
  def trace_send(_tag, _state, _tracee, _term, _options), do: missing()
  def trace_receive(_tag, _state, _tracee, _term, _options), do: missing()
  def trace_procs(_tag, _state, _tracee, _term, _options), do: missing()
  def trace_running_procs(_tag, _state, _tracee, _term, _options), do: missing()
  def trace_garbage_collection(_tag, _state, _tracee, _term, _options), do: missing()

  # The answer without a library. It is nothing the compiler sees: it would take it for
  # the only one there is.
  defp without(answer), do: :persistent_term.get({__MODULE__, :answer}, answer)

  defp missing, do: :erlang.nif_error(:elixir_scope_library_not_loaded)
end
