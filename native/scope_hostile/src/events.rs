//! Looking at everything in events that decoded.

use scope_clock::Stamp;
use scope_event::{EventView, Events, TermError, Value};
use scope_export::{About, Row, json_line};

/// Bytes of terms and lines that are looked at: every event of a block may name its longest term.
const MOST_BYTES: usize = 1 << 18;

/// Calls everything that tells something about an event, and writes it as an exporter does.
pub(crate) fn look(events: &Events) {
    assert!(!events.is_empty());
    let (mut line, mut spent) = (Vec::new(), 0);
    for event in events.iter() {
        facts(events, &event);
        if spent < MOST_BYTES {
            line.clear();
            let _ = export(events, &event, &mut line);
            spent += line.len();
        }
    }
    in_order(events);
}

fn facts(events: &Events, event: &EventView<'_>) {
    let same = events.by_seq(event.seq()).expect("an event that is there");
    assert_eq!(same.place(), event.place());
    assert_eq!(event.stamp(), events.stamps()[event.place()]);
    assert_eq!(event.key().kind, event.kind());
    let _ = (event.session(), event.flags());
}

/// Reads all that takes decoding, and writes it.
fn export(events: &Events, event: &EventView<'_>, line: &mut Vec<u8>) -> Result<(), TermError> {
    let row = Row {
        origin: event.origin(),
        seq: event.seq(),
        stamp: Stamp::from_bits(event.stamp()),
        mono_ns: event.mono_ns(),
        pid: event.pid(),
        kind: event.kind(),
        about: About::read(event.subject()?, events.dictionary())?,
        correlation: event.correlation_value()?,
        data: event.data_value()?,
        truncated: event.flags() & 1 == 1,
        inherited: event.flags() & 2 == 2,
        likely: event.flags() & 32 == 32,
        entry: event.flags() & 64 == 64,
        pairing: None,
        received: None,
    };
    json_line(&row, line).expect("memory takes every line");
    one_line(line);
    Ok(())
}

fn one_line(line: &[u8]) {
    let text = std::str::from_utf8(line).expect("JSON is UTF-8");
    assert!(text.starts_with('{') && text.ends_with("}\n"));
    assert_eq!(text.find('\n'), Some(text.len() - 1));
}

fn in_order(events: &Events) {
    let places = events.by_stamp();
    assert_eq!(places.len(), events.len());
    let key = |at: u32| (events.stamps()[at as usize], at);
    assert!(places.is_sorted_by(|a, b| key(*a) < key(*b)));
}

/// Whether a value can be compared with itself.
pub(crate) fn has_nan(value: &Value) -> bool {
    match value {
        Value::Float(float) => float.is_nan(),
        Value::Tuple { items, .. } => items.iter().any(has_nan),
        Value::List { items, tail, .. } => items.iter().chain(tail.as_deref()).any(has_nan),
        Value::Map { pairs, .. } => pairs
            .iter()
            .any(|(key, value)| has_nan(key) || has_nan(value)),
        _ => false,
    }
}
