//! W3C trace ids and span ids.

use crate::trace::Trace;
use scope_causal::At;

/// A trace id: never all zeros.
pub(super) type TraceId = [u8; 16];

/// A span id: never all zeros.
pub(super) type SpanId = [u8; 8];

/// Which request each span belongs to.
#[derive(Debug, Default)]
pub(super) struct Ids {
    /// By span, the one above it, or it itself, from which the trace id is made.
    of: Vec<u32>,
}

impl Ids {
    pub(super) fn of(trace: &Trace<'_>) -> Self {
        let mut of: Vec<u32> = Vec::with_capacity(trace.spans.len());
        for (index, span) in trace.spans.spans().enumerate() {
            let own = trace.picture.correlation(span.first()).is_some();
            // A parent stands before its children.
            let above = span.parent.and_then(|parent| of.get(parent as usize));
            of.push(match above {
                Some(above) if !own => *above,
                _ => index as u32,
            });
        }
        Self { of }
    }

    /// The trace id of a span.
    pub(super) fn trace(&self, trace: &Trace<'_>, span: u32) -> TraceId {
        let from = self
            .of
            .get(span as usize)
            .and_then(|of| trace.spans.get(*of));
        from.map_or([1; 16], |from| trace_of(trace, from.first()))
    }
}

/// The trace id of an event's correlation, else of the event alone.
pub(super) fn trace_of(trace: &Trace<'_>, at: At) -> TraceId {
    let correlation = trace.picture.correlation(at);
    let correlation = correlation.and_then(|of| trace.picture.correlations().get(of as usize));
    let (first, second) = match correlation {
        Some(hash) => (*hash, mixed(*hash, 1)),
        None => (event(trace, at), mixed(event(trace, at), 2)),
    };
    let mut id = [0; 16];
    id[..8].copy_from_slice(&first.to_be_bytes());
    id[8..].copy_from_slice(&second.max(1).to_be_bytes());
    id
}

/// The span id of an event.
pub(super) fn span_of(trace: &Trace<'_>, at: At) -> SpanId {
    event(trace, at).max(1).to_be_bytes()
}

/// The same number for the same event, in every export.
fn event(trace: &Trace<'_>, at: At) -> u64 {
    crate::hash(crate::trace::id(trace, at).as_bytes())
}

fn mixed(hash: u64, with: u8) -> u64 {
    let mut bytes = [with; 9];
    bytes[..8].copy_from_slice(&hash.to_le_bytes());
    crate::hash(&bytes)
}
