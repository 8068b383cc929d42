//! The only crate that knows Erlang: decode, call, encode.
//!
//! Read it beside `lib/elixir_scope/distributed/native.ex`: each module here holds the functions of
//! one prefix there. What is called for every event is registered raw ([`raw`]); what takes longer
//! than a millisecond runs on a dirty scheduler, and only in processes of ours. Below that:
//! [`scopes`] is the table of open scopes, [`drain`] the thread between rings and stores ([`batch`] what it carries), [`keeper`] the
//! one that may wait for a disk, [`erl`] and [`walk`] the one way to look at a term inside a tracer, [`extent`], [`entry`] and [`label`] what
//! an event is correlated by, [`terms`] and [`event`] the way back.

mod atoms;
mod batch;
mod causal;
mod clock;
mod drain;
mod entry;
mod erl;
mod etf;
mod event;
mod export;
mod extent;
mod filter;
mod found;
mod graph;
mod instrument;
mod keeper;
mod label;
mod page;
mod pair;
mod payload;
mod raw;
mod redact;
mod ring;
mod scopes;
mod settled;
mod source;
mod store;
mod symbols;
mod sync;
mod terms;
mod trace;
mod walk;
mod words;

rustler::init!("Elixir.ElixirScope.Distributed.Native", load = load);

/// Runs once for the life of the machine: the library is never unloaded.
fn load(env: rustler::Env<'_>, _info: rustler::Term<'_>) -> bool {
    words::load(env);
    true
}
