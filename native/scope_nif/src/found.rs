//! Matches that Erlang holds without seeing them, until they are written or paired.

use rustler::{Resource, ResourceArc};
use scope_clock::Stamp;
use scope_event::Family;
use scope_store::{Match, Matches};

/// What Erlang holds of some matches.
pub(crate) struct Handle(pub(crate) Matches);

#[rustler::resource_impl]
impl Resource for Handle {}

// Nothing in it ever changes.
impl std::panic::RefUnwindSafe for Handle {}

pub(crate) type FoundRef = ResourceArc<Handle>;

pub(crate) fn hold(found: Matches) -> FoundRef {
    ResourceArc::new(Handle(found))
}

/// The stretch of time in which the messages among events lie, in nanoseconds.
pub(crate) fn stretch(events: &[Match]) -> Option<(u64, u64)> {
    let messages = events
        .iter()
        .filter(|event| event.kind().family() == Family::Message);
    let ns = messages.map(|event| Stamp::from_bits(event.stamp()).physical_ns());
    ns.fold(None, |stretch, ns| {
        let (first, last) = stretch.unwrap_or((ns, ns));
        Some((first.min(ns), last.max(ns)))
    })
}
