//! Deltas: what was is what was and what changed.

use crate::common::*;
use proptest::prelude::*;
use scope_event::{Budget, Kind, RawEvent, SymbolTable, Value, apply, delta};
use std::sync::Arc;

fn change(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    delta(a, b, &mut out);
    out
}

/// Two states of which the second is the first with some edits.
fn edited() -> impl Strategy<Value = (Value, Value)> {
    (
        value(),
        proptest::collection::vec((any::<u64>(), leaf()), 0..4),
    )
        .prop_map(|(before, edits)| {
            let after = edits
                .iter()
                .fold(before.clone(), |value, (at, new)| edit(value, *at, new));
            (before, after)
        })
}

/// Changes, removes or adds something somewhere below.
fn edit(value: Value, at: u64, new: &Value) -> Value {
    let deeper = at / 16;
    match value {
        Value::Tuple { items, .. } => Value::tuple(edit_items(items, at, deeper, new)),
        Value::List {
            items, tail: None, ..
        } => Value::list(edit_items(items, at, deeper, new)),
        Value::Map { mut pairs, .. } => {
            match (at % 4, pairs.len()) {
                (0, _) | (_, 0) => pairs.push((new.clone(), new.clone())),
                (1, n) => drop(pairs.remove(deeper as usize % n)),
                (_, n) => {
                    let pair = &mut pairs[deeper as usize % n];
                    pair.1 = edit(pair.1.clone(), deeper, new);
                }
            }
            Value::map(pairs)
        }
        _ => new.clone(),
    }
}

fn edit_items(mut items: Vec<Value>, at: u64, deeper: u64, new: &Value) -> Vec<Value> {
    match (at % 4, items.len()) {
        (0, n) => items.insert(deeper as usize % (n + 1), new.clone()),
        (_, 0) => {}
        (1, n) => drop(items.remove(deeper as usize % n)),
        (_, n) => {
            let item = &mut items[deeper as usize % n];
            *item = edit(item.clone(), deeper, new);
        }
    }
    items
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn a_delta_gives_the_new_term((before, after) in edited(), nodes in 1u32..60, bytes in 20u32..400) {
        let names = SymbolTable::new(NODE);
        for budget in [Budget::FULL, Budget::new(nodes, bytes, 4)] {
            let (a, _) = encode(&before, &names, budget);
            let (b, _) = encode(&after, &names, budget);
            let change = change(&a, &b);
            prop_assert!(change.len() <= b.len() + 6);
            prop_assert_eq!(apply(&change, &a), Ok(b));
        }
    }

    #[test]
    fn a_delta_between_unlike_terms_holds_too(a in value(), b in value()) {
        let names = SymbolTable::new(NODE);
        let (a, b) = (encode(&a, &names, Budget::STATES).0, encode(&b, &names, Budget::STATES).0);
        prop_assert_eq!(apply(&change(&a, &b), &a), Ok(b));
    }

    #[test]
    fn any_bytes_are_a_delta_or_an_error(a in value(), bytes: Vec<u8>) {
        let names = SymbolTable::new(NODE);
        let (a, _) = encode(&a, &names, Budget::STATES);
        if let Ok(result) = apply(&bytes, &a) {
            prop_assert!(result.len() <= a.len() + bytes.len());
        }
        let _ = apply(&bytes, &bytes);
    }

    #[test]
    fn a_damaged_delta_does_no_harm((before, after) in edited(), at: prop::sample::Index, to: u8) {
        let names = SymbolTable::new(NODE);
        let (a, _) = encode(&before, &names, Budget::STATES);
        let (b, _) = encode(&after, &names, Budget::STATES);
        let mut change = change(&a, &b);
        *at.get_mut(&mut change) = to;
        if let Ok(result) = apply(&change, &a) {
            prop_assert!(result.len() <= a.len() + change.len());
        }
    }
}

/// A map of about a kilobyte whose field `at` is `value`.
fn kilobyte(at: usize, value: i64) -> Value {
    let field = |i: usize| {
        let key = Value::Atom(format!("field_{i}").as_str().into());
        let kept = Value::binary(format!("value number {i:04} of the state"));
        (key, if i == at { Value::Int(value) } else { kept })
    };
    Value::map((0..32).map(field).collect::<Vec<_>>())
}

#[test]
fn one_changed_field_of_a_kilobyte_takes_few_bytes() {
    let names = SymbolTable::new(NODE);
    for at in 0..32 {
        let (a, _) = encode(&kilobyte(at, 1_000_000), &names, Budget::STATES);
        let (b, _) = encode(&kilobyte(at, 1_000_001), &names, Budget::STATES);
        assert!(a.len() > 1000);
        assert!(change(&a, &b).len() <= 24, "{} bytes", change(&a, &b).len());
        assert!(change(&a, &a).len() <= 2);
    }
}

#[test]
fn an_element_put_in_front_of_a_list_takes_few_bytes() {
    let names = SymbolTable::new(NODE);
    let list = |from: i64| Value::list((from..400).map(Value::Int).collect::<Vec<_>>());
    let (a, _) = encode(&list(101), &names, Budget::STATES);
    let (b, _) = encode(&list(100), &names, Budget::STATES);
    assert!(change(&a, &b).len() <= 8);
}

/// Bytes that a block grows by for each further state.
fn per_state(states: impl Iterator<Item = Value>) -> f64 {
    let names = Arc::new(SymbolTable::new(NODE));
    let mut open = builder(&names, 1);
    let mut written = Vec::new();
    for (i, state) in states.enumerate() {
        let (data, _) = encode(&state, &names, Budget::STATES);
        let event = RawEvent::new(Kind::State, 1 << 32 | i as u64, names.pid_word(1));
        open.push(0, &event.with_data(&data)).unwrap();
        written.push(state);
    }
    let size = open.bytes() as f64 - 4.0 * written.len() as f64;
    let events = open.close(0).unwrap().verify().unwrap();
    let read: Vec<_> = events
        .iter()
        .map(|event| event.data_value().unwrap().unwrap())
        .collect();
    assert_eq!(read, written);
    size / written.len() as f64
}

#[test]
fn states_in_a_block_are_keyframes_and_deltas() {
    let unchanged = per_state((0..1000).map(|_| kilobyte(3, 7)));
    assert!(unchanged <= 2.0, "{unchanged}");
    let counting = per_state((0..640).map(|i| kilobyte(3, i)));
    let keyframes = 10.0 * 1400.0 / 640.0;
    assert!(counting <= 24.0 + keyframes, "{counting}");
    let back_and_forth = per_state((0..1000).map(|i| kilobyte(3, i % 2)));
    assert!(back_and_forth <= 4.0, "{back_and_forth}");
}
