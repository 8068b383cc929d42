//! Numbers over time: of vitals, of garbage collections, of what functions allocate.

use super::names::{counter_track, descriptor, packet, track};
use super::{Type, instant};
use crate::labels;
use crate::proto::Message;
use crate::row::Row;
use crate::trace::{Trace, ns};
use scope_causal::At;
use scope_event::Value;
use std::collections::HashMap;

/// Counters that are told apart; numbers of others are shown as instants.
const COUNTERS: usize = 10_000;

/// The counters there are: of which track, and called how.
#[derive(Debug, Default)]
pub(super) struct Counters {
    known: HashMap<(u64, String), u32>,
}

impl Counters {
    /// Writes a value for each number in the data of an event; without one, or without room, the event as it is.
    pub(super) fn event(&mut self, trace: &Trace<'_>, at: At, row: &Row<'_>, out: &mut Vec<u8>) {
        let mut numbers = Vec::new();
        if let Some(data) = &row.data {
            collect(data, &mut numbers);
        }
        if numbers.is_empty() || self.known.len() + numbers.len() > COUNTERS {
            return instant(trace, at, Some(row), out);
        }
        let parent = track(trace, at);
        for (name, number) in numbers {
            let counter = self.counter(parent, format!("{} {name}", row.kind.name()), out);
            let mut event = Message::default();
            event.uint(9, Type::Counter as u64).uint(11, counter);
            match number {
                Number::Int(value) => event.int(30, value),
                Number::Float(value) => event.double(44, value),
            };
            packet(ns(trace, at), &event, out);
        }
    }

    fn counter(&mut self, parent: u64, name: String, out: &mut Vec<u8>) -> u64 {
        let next = self.known.len() as u32;
        if let Some(known) = self.known.get(&(parent, name.clone())) {
            return counter_track(*known);
        }
        descriptor(counter_track(next), out, |of| {
            of.text(2, &name).uint(5, parent).message(8, |_| {});
        });
        self.known.insert((parent, name), next);
        counter_track(next)
    }
}

#[derive(Clone, Copy)]
enum Number {
    Int(i64),
    Float(f64),
}

/// The numbers of a map, or of a list of pairs, with what they are called.
fn collect(data: &Value, numbers: &mut Vec<(String, Number)>) {
    match data {
        Value::Map { pairs, .. } => {
            for (key, value) in pairs {
                number(key, value, numbers);
            }
        }
        Value::List { items, .. } => {
            for item in items {
                if let Value::Tuple { items, arity: 2 } = item
                    && let [key, value] = items.as_slice()
                {
                    number(key, value, numbers);
                }
            }
        }
        _ => {}
    }
}

fn number(key: &Value, value: &Value, numbers: &mut Vec<(String, Number)>) {
    let number = match value {
        Value::Int(value) => Number::Int(*value),
        Value::Float(value) if value.is_finite() => Number::Float(*value),
        _ => return,
    };
    numbers.push((labels::term(key).into_owned(), number));
}
