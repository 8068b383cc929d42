//! W3C trace ids and span ids.

use super::span::is_parent;
use crate::json::text_of;
use crate::labels;
use crate::row::Row;
use crate::trace::Trace;
use scope_causal::At;

/// A trace id: never all zeros.
pub(super) type TraceId = [u8; 16];

/// A span id: never all zeros.
pub(super) type SpanId = [u8; 8];

/// Which trace each span belongs to, as far as they were seen: in causal order, so that a parent's is known
/// before it is asked for.
#[derive(Debug, Default)]
pub(super) struct Ids(Vec<TraceId>);

impl Ids {
    pub(super) fn new(spans: usize) -> Self {
        Self(vec![[0; 16]; spans])
    }

    /// An event is seen: if a span begins with it, that has its trace from here on.
    pub(super) fn see(&mut self, trace: &Trace<'_>, at: At, row: Option<&Row<'_>>) {
        let Some(index) = trace.spans.of_event(at) else {
            return;
        };
        let Some(span) = trace.spans.get(index).filter(|span| span.first() == at) else {
            return;
        };
        let parent = span.parent.filter(|_| is_parent(span.link));
        let id = match parent.and_then(|parent| self.0.get(parent as usize)) {
            Some(id) if *id != [0; 16] => *id,
            _ => trace_of(trace, at, row),
        };
        if let Some(own) = self.0.get_mut(index as usize) {
            *own = id;
        }
    }

    /// The trace id of a span.
    pub(super) fn trace(&self, trace: &Trace<'_>, span: u32) -> TraceId {
        match self.0.get(span as usize) {
            Some(id) if *id != [0; 16] => *id,
            _ => {
                let first = trace.spans.get(span).map_or(0, |span| span.first());
                trace_of(trace, first, None)
            }
        }
    }
}

/// The trace id of an event's correlation, else of the event alone.
pub(super) fn trace_of(trace: &Trace<'_>, at: At, row: Option<&Row<'_>>) -> TraceId {
    let Some(correlation) = row.and_then(|row| row.correlation.as_ref()) else {
        return both(event(trace, at), 2);
    };
    match w3c(&labels::term(correlation)) {
        Some(id) => id,
        None => both(crate::hash(text_of(correlation).as_bytes()), 1),
    }
}

/// A trace id in the 32 digits of W3C's Trace Context.
fn w3c(text: &str) -> Option<TraceId> {
    let is_id = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
    let id = u128::from_str_radix(text, 16).ok().filter(|_| is_id)?;
    (id != 0).then(|| id.to_be_bytes())
}

/// The span id of an event.
pub(super) fn span_of(trace: &Trace<'_>, at: At) -> SpanId {
    event(trace, at).max(1).to_be_bytes()
}

/// The same number for the same event, in every export.
fn event(trace: &Trace<'_>, at: At) -> u64 {
    crate::hash(crate::trace::id(trace, at).as_bytes())
}

fn both(hash: u64, with: u8) -> TraceId {
    let mut bytes = [with; 9];
    bytes[..8].copy_from_slice(&hash.to_le_bytes());
    let mut id = [0; 16];
    id[..8].copy_from_slice(&hash.to_be_bytes());
    id[8..].copy_from_slice(&crate::hash(&bytes).max(1).to_be_bytes());
    id
}
