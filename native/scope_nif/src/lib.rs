//! The only crate that knows Erlang: decode, call, encode; the erl_tracer callbacks.
