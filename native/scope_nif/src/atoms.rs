//! The atoms this library itself uses.

rustler::atoms! {
    ok,
    error,
    nil,
    idle,

    // Structs and their fields.
    __struct__,
    event = "Elixir.ElixirScope.Distributed.Event",
    opaque = "Elixir.ElixirScope.Distributed.Opaque",
    id,
    at,
    mono_ns,
    node,
    pid,
    kind,
    subject,
    correlation_id,
    data,
    meta,
    r#type = "type",
    size,
    kept,
    truncated = "truncated?",

    // What an opaque term stands for.
    unknown,
    fun,
    integer,
    bitstring,
    record,
    reference,
    port,
    tuple,
    map,
    list,
    binary,
    cut,
    damaged,
    redacted,
    more_than,
    events,
    notice,
    node_unavailable,

    // Of filters.
    nodes,
    kinds,
    pids,
    modules,
    mfa,
    from,
    to,
    contains,
    limit,
    order,
    desc,

    // Of clocks.
    running,
    ended,
    shared,
    tsc,
    monotonic,

    // Of the tracer.
    trace,
    discard,
    call,
    return_from,
    exception_from,
}
