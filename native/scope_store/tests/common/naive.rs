//! The oracle: a scan over a plain list.

use super::terms;
use scope_event::{Kind, Pid, Value};
use scope_store::{Correlated, Cursor, Order, Query};
use std::sync::Arc;

/// An event as it was recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub at: Cursor,
    pub kind: Kind,
    pub pid: Option<Pid>,
    pub subject: Subject,
    pub correlation: Option<Value>,
    pub data: Option<Value>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Subject {
    None,
    Mfa(Arc<str>, Arc<str>, u8),
    Pid(Pid),
    Name(Arc<str>),
    Term(Value),
}

/// What a query should answer, and what comes behind it.
pub struct Answer<'a> {
    pub events: Vec<&'a Event>,
    pub behind: usize,
    /// Lost events in the range that the answer speaks of, if it is the last page, and if not.
    pub dropped: u64,
    pub dropped_to_end: u64,
}

pub fn scan<'a>(events: &'a [Event], query: &Query) -> Answer<'a> {
    let mut found: Vec<&Event> = events
        .iter()
        .filter(|event| matches(event, query))
        .collect();
    found.sort_by(|a, b| ordered(query.order, &a.at, &b.at));
    let behind = found.len().saturating_sub(query.limit);
    found.truncate(query.limit);
    let last = found.last().map(|event| event.at.clone());
    let within = |event: &&Event| {
        last.as_ref()
            .is_some_and(|last| ordered(query.order, &event.at, last).is_le())
    };
    let gaps: Vec<&Event> = events
        .iter()
        .filter(|event| is_gap_of(event, query))
        .collect();
    Answer {
        events: found,
        behind,
        dropped: gaps.iter().copied().filter(within).map(lost).sum(),
        dropped_to_end: gaps.iter().copied().map(lost).sum(),
    }
}

fn ordered(order: Order, a: &Cursor, b: &Cursor) -> std::cmp::Ordering {
    match order {
        Order::Asc => a.cmp(b),
        Order::Desc => b.cmp(a),
    }
}

fn lost(gap: &Event) -> u64 {
    match &gap.data {
        Some(Value::Map { pairs, .. }) => pairs.iter().map(|(_, value)| number(value)).sum(),
        Some(count) => number(count),
        None => 1,
    }
}

fn number(value: &Value) -> u64 {
    match value {
        Value::Int(n) => *n as u64,
        _ => 0,
    }
}

fn is_gap_of(event: &Event, query: &Query) -> bool {
    event.kind == Kind::Gap && in_range(event, query)
}

fn in_range(event: &Event, query: &Query) -> bool {
    (query.nodes.is_empty() || query.nodes.contains(&event.at.origin.node))
        && query.from.is_none_or(|from| event.at.stamp >= from)
        && query.to.is_none_or(|to| event.at.stamp <= to)
        && query
            .ranges
            .as_ref()
            .is_none_or(|ranges| ranges.contains(&event.at.origin, event.at.seq))
        && query
            .after
            .as_ref()
            .is_none_or(|after| ordered(query.order, &event.at, after).is_gt())
}

fn matches(event: &Event, query: &Query) -> bool {
    in_range(event, query)
        && (query.kinds.is_empty() || query.kinds.contains(event.kind))
        && (query.pids.is_empty()
            || event
                .pid
                .as_ref()
                .is_some_and(|pid| query.pids.contains(pid)))
        && (query.modules.is_empty() || in_modules(event, query))
        && (query.mfa.is_none() || is_function(event, query))
        && (query.correlations.is_empty()
            || query
                .correlations
                .iter()
                .any(|wanted| is_correlated(event, wanted)))
        && query
            .contains
            .as_ref()
            .is_none_or(|text| holds(event, text))
}

fn in_modules(event: &Event, query: &Query) -> bool {
    matches!(&event.subject, Subject::Mfa(module, ..) if query.modules.contains(module))
}

fn is_function(event: &Event, query: &Query) -> bool {
    let (Subject::Mfa(m, f, a), Some(wanted)) = (&event.subject, &query.mfa) else {
        return false;
    };
    wanted.module.as_ref().is_none_or(|wanted| wanted == m)
        && wanted.function.as_ref().is_none_or(|wanted| wanted == f)
        && wanted.arity.is_none_or(|wanted| wanted == *a)
}

/// The generator makes maps of two pairs at most.
fn is_correlated(event: &Event, wanted: &Correlated) -> bool {
    let Correlated { id: wanted, stamps } = wanted;
    stamps.contains(&event.at.stamp)
        && event
            .correlation
            .as_ref()
            .is_some_and(|id| id == wanted || *id == terms::turned(wanted))
}

fn holds(event: &Event, text: &str) -> bool {
    let in_term = |term: &Option<Value>| term.as_ref().is_some_and(|term| terms::holds(term, text));
    let in_subject = match &event.subject {
        Subject::Mfa(m, f, _) => m.contains(text) || f.contains(text),
        Subject::Name(name) => name.contains(text),
        Subject::Term(term) => terms::holds(term, text),
        Subject::None | Subject::Pid(_) => false,
    };
    in_subject || in_term(&event.correlation) || in_term(&event.data)
}
