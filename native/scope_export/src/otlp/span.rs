//! A span before it is encoded.

use super::EVENTS;
use super::ids::{Ids, SpanId, TraceId, span_of, trace_of};
use crate::row::Row;
use crate::trace::{Trace, function, id, ns, process};
use crate::{json, labels};
use scope_causal::{At, Confidence, Link, Span};
use scope_event::Kind;

/// `SpanKind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Internal = 1,
    Server = 2,
}

/// What stands in an attribute.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    Int(i64),
}

pub(super) type Attributes = Vec<(&'static str, Value)>;

#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) ns: u64,
    pub(super) name: String,
    pub(super) attributes: Attributes,
}

#[derive(Clone, Debug)]
pub(super) struct LinkTo {
    pub(super) trace: TraceId,
    pub(super) span: SpanId,
    pub(super) how: &'static str,
}

#[derive(Clone, Debug)]
pub(super) struct Finished {
    pub(super) trace: TraceId,
    pub(super) span: SpanId,
    pub(super) parent: Option<SpanId>,
    pub(super) name: String,
    pub(super) sort: Sort,
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) attributes: Attributes,
    pub(super) events: Vec<Event>,
    pub(super) dropped: u32,
    pub(super) links: Vec<LinkTo>,
    pub(super) error: Option<String>,
}

/// A call at its beginning, or at the only end of it that is known.
pub(super) fn begun(
    trace: &Trace<'_>,
    ids: &Ids,
    index: u32,
    span: &Span,
    row: Option<&Row<'_>>,
) -> Finished {
    let at = span.first();
    let (parent, links) = above(trace, ids, span);
    let mut attributes = about(trace, at, row);
    attributes.push(text("code.function.name", function(trace, span.function)));
    attributes.push(text("elixir_scope.link", link_name(span.link).to_owned()));
    if let Some(data) = row.and_then(|row| row.data.as_ref()) {
        let name = if span.call.is_some() {
            "elixir_scope.arguments"
        } else {
            "elixir_scope.returned"
        };
        attributes.push(text(name, json::text_of(data)));
    }
    if span.call.is_none() {
        attributes.push(text("elixir_scope.begin", "not recorded".to_owned()));
    }
    if span.end.is_none() {
        attributes.push(text("elixir_scope.end", "not recorded".to_owned()));
    }
    Finished {
        trace: ids.trace(trace, index),
        span: span_of(trace, at),
        parent,
        name: function(trace, span.function),
        sort: if matches!(span.link, Link::Message(_)) {
            Sort::Server
        } else {
            Sort::Internal
        },
        from: ns(trace, at),
        to: ns(trace, at),
        attributes,
        events: Vec::new(),
        dropped: 0,
        links,
        error: (span.raised && span.call.is_none()).then(String::new),
    }
}

/// An event that stands for itself.
pub(super) fn alone(
    trace: &Trace<'_>,
    ids: &Ids,
    at: At,
    above: Option<u32>,
    row: Option<&Row<'_>>,
    event: Event,
) -> Finished {
    let parent = above.and_then(|above| trace.spans.get(above));
    let trace_id = match above {
        Some(above) => ids.trace(trace, above),
        None => trace_of(trace, at, row),
    };
    let mut attributes = about(trace, at, row);
    attributes.extend(
        event
            .attributes
            .into_iter()
            .filter(|(name, _)| *name == DATA),
    );
    Finished {
        trace: trace_id,
        span: span_of(trace, at),
        parent: parent.map(|parent| span_of(trace, parent.first())),
        name: event.name,
        sort: Sort::Internal,
        from: event.ns,
        to: event.ns,
        attributes,
        events: Vec::new(),
        dropped: 0,
        links: Vec::new(),
        error: None,
    }
}

impl Finished {
    /// Its end, as it was recorded.
    pub(super) fn end(&mut self, trace: &Trace<'_>, at: At, row: Option<&Row<'_>>) {
        self.to = ns(trace, at).max(self.from);
        let data = row.and_then(|row| row.data.as_ref()).map(json::text_of);
        match trace.picture.kind(at) {
            Kind::Return => {
                let returned = data.map(|data| text("elixir_scope.returned", data));
                self.attributes.extend(returned);
            }
            Kind::Exception => self.error = Some(data.unwrap_or_default()),
            _ => self.error = Some("the process ended".to_owned()),
        }
    }

    pub(super) fn note(&mut self, event: Event) {
        if self.events.len() < EVENTS {
            self.events.push(event);
        } else {
            self.dropped += 1;
        }
    }

    /// Who sent what it received, if that is not what began it.
    pub(super) fn link_to(&mut self, trace: &Trace<'_>, ids: &Ids, at: At) {
        for edge in trace.picture.edges_into(at) {
            let Some(index) = trace.spans.of_event(edge.cause) else {
                continue;
            };
            let Some(span) = trace.spans.get(index) else {
                continue;
            };
            let to = span_of(trace, span.first());
            let is_known = self.links.iter().any(|link| link.span == to);
            if to != self.span && Some(to) != self.parent && !is_known && self.links.len() < EVENTS
            {
                let how = sure(edge.sure);
                let of = ids.trace(trace, index);
                self.links.push(LinkTo {
                    trace: of,
                    span: to,
                    how,
                });
            }
        }
    }

    /// About how large it is when it is written.
    pub(super) fn bytes(&self) -> usize {
        let size = |attributes: &Attributes| -> usize {
            let each = attributes.iter().map(|(name, value)| match value {
                Value::Text(text) => name.len() + text.len() + 32,
                Value::Int(_) => name.len() + 40,
            });
            each.sum()
        };
        let events = self
            .events
            .iter()
            .map(|event| size(&event.attributes) + event.name.len() + 64);
        256 + size(&self.attributes) + events.sum::<usize>() + self.links.len() * 128
    }
}

/// What a span hangs below: as its parent where that is sure, else as a link.
fn above(trace: &Trace<'_>, ids: &Ids, span: &Span) -> (Option<SpanId>, Vec<LinkTo>) {
    let Some((index, parent)) = span.parent.and_then(|at| Some((at, trace.spans.get(at)?))) else {
        return (None, Vec::new());
    };
    let to = span_of(trace, parent.first());
    match span.link {
        Link::Message(confidence) if !is_parent(span.link) => {
            let of = ids.trace(trace, index);
            (
                None,
                vec![LinkTo {
                    trace: of,
                    span: to,
                    how: sure(confidence),
                }],
            )
        }
        _ => (Some(to), Vec::new()),
    }
}

/// Whether what a span hangs below is sure enough to be its parent.
pub(super) fn is_parent(link: Link) -> bool {
    !matches!(link, Link::Message(confidence) if confidence != Confidence::Exact)
}

const DATA: &str = "elixir_scope.data";

impl Event {
    pub(super) fn of(trace: &Trace<'_>, at: At, row: Option<&Row<'_>>) -> Self {
        let kind = trace.picture.kind(at);
        let name = row.map_or_else(|| format!("{} (damaged)", kind.name()), labels::event);
        let mut attributes = vec![text("elixir_scope.event.id", id(trace, at))];
        if let Some(data) = row.and_then(|row| row.data.as_ref()) {
            attributes.push(text(DATA, json::text_of(data)));
        }
        Self {
            ns: ns(trace, at),
            name,
            attributes,
        }
    }
}

fn about(trace: &Trace<'_>, at: At, row: Option<&Row<'_>>) -> Attributes {
    let mut attributes = vec![text("elixir_scope.event.id", id(trace, at))];
    if let Some(of) = trace.picture.process(at) {
        attributes.push(text("erlang.pid", process(trace, of)));
    }
    if let Some(correlation) = row.and_then(|row| row.correlation.as_ref()) {
        let correlation = labels::term(correlation).into_owned();
        attributes.push(text("elixir_scope.correlation_id", correlation));
    }
    let behind = trace.picture.behind_ns(at);
    if behind > 0 {
        let behind = i64::try_from(behind).unwrap_or(i64::MAX);
        attributes.push(("elixir_scope.clock_behind_ns", Value::Int(behind)));
    }
    attributes
}

pub(super) fn text(name: &'static str, text: String) -> (&'static str, Value) {
    (name, Value::Text(text))
}

fn link_name(link: Link) -> &'static str {
    match link {
        Link::Root => "root",
        Link::Program => "call",
        Link::Message(confidence) => sure(confidence),
        Link::Spawn => "spawn",
        Link::Correlation => "correlation",
    }
}

fn sure(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Exact => "message, exact",
        Confidence::Likely => "message, likely",
        Confidence::Ambiguous => "message, ambiguous",
    }
}

/// Attributes of the node that recorded spans.
pub(super) fn resource(trace: &Trace<'_>, node: u32) -> Attributes {
    let name = crate::trace::node(trace, node);
    let mut attributes = vec![
        text(
            "service.name",
            name.split('@').next().unwrap_or(name).to_owned(),
        ),
        text("service.instance.id", name.to_owned()),
        text("telemetry.sdk.language", "erlang".to_owned()),
    ];
    if !trace.lacks.is_nothing() {
        attributes.push(text("elixir_scope.missing", trace.lacks.text()));
    }
    attributes
}
