//! Redaction: a secret is refused before a byte of it is copied.

use crate::common::*;
use proptest::prelude::*;
use scope_event::{
    Budget, Codec, Guard, Kind, RawEvent, Redactor, Rules, SymbolTable, TermWriter, Value, apply,
    consolidate, delta,
};
use std::sync::Arc;

const CANARY: &str = "canary-4f1c";

fn rules() -> Rules {
    Rules::default()
        .key("pin")
        .key_containing("password")
        .hide_type("Elixir.Card")
        .hide_type("account")
        .module("Elixir.Vault")
}

fn atom(text: &str) -> Value {
    Value::Atom(text.into())
}

/// A secret in one of the places that the rules name.
fn hidden() -> impl Strategy<Value = Value> {
    let secret = prop_oneof![
        Just(Value::binary(CANARY)),
        Just(atom(CANARY)),
        Just(Value::list([Value::tuple([Value::binary(CANARY)])])),
        Just(Value::map([(Value::binary(CANARY), atom(CANARY))])),
    ];
    (secret, 0u8..7).prop_map(|(secret, place)| match place {
        0 => Value::map([(atom("a"), Value::Int(1)), (atom("user_Password"), secret)]),
        1 => Value::map([(Value::binary("PIN"), secret), (atom("b"), Value::Int(2))]),
        2 => Value::list([Value::tuple([atom("pin"), secret])]),
        3 => Value::tuple([atom("account"), Value::Int(1), secret.clone(), secret]),
        4 => Value::tuple([atom("account"), secret]),
        5 => Value::tuple([Value::binary("password_hash"), secret]),
        _ => Value::map([(atom("deep"), Value::map([(atom("password"), secret)]))]),
    })
}

/// A term with secrets in it, and the same one without.
fn mixed() -> impl Strategy<Value = Value> {
    (value(), hidden(), value(), any::<bool>()).prop_map(|(before, hidden, after, tuple)| {
        let items = [Value::Int(0), before, hidden, after];
        if tuple {
            Value::tuple(items)
        } else {
            Value::list(items)
        }
    })
}

fn guarded(value: &Value, names: &SymbolTable, redactor: &Redactor, budget: Budget) -> Vec<u8> {
    let mut room = vec![0; 66_000];
    let mut writer = TermWriter::new(&mut room, budget);
    writer.guard(Guard::new(redactor, names));
    let _ = write(value, names, &mut writer);
    writer.finish().to_vec()
}

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn a_canary_is_found_nowhere(value in mixed(), nodes in 1u32..100, bytes in 10u32..2000) {
        let names = Arc::new(SymbolTable::new(NODE));
        let redactor = Redactor::new(rules());
        for budget in [Budget::FULL, Budget::new(nodes, bytes, 9)] {
            let term = guarded(&value, &names, &redactor, budget);
            prop_assert!(!holds(&term, CANARY.as_bytes()));
            prop_assert!(!holds(&term, &(names.word(CANARY) as u32).to_le_bytes()));
            let block = consolidate(&[block_of(&term, &names)], Codec::Plain).unwrap();
            prop_assert!(!holds(block.bytes(), CANARY.as_bytes()));
            let read = block.verify().unwrap().get(0).unwrap().data_value().unwrap();
            prop_assert_ne!(read, Some(value.clone()));
        }
    }

    #[test]
    fn what_is_not_secret_stays(value in value()) {
        let names = Arc::new(SymbolTable::new(NODE));
        let redactor = Redactor::new(Rules::default().key("pin").module("Elixir.Vault"));
        let term = guarded(&value, &names, &redactor, Budget::FULL);
        prop_assert_eq!(through_block(&term, &names), Some(value));
    }

    #[test]
    fn deltas_hold_after_redaction(a in mixed(), b in mixed()) {
        let names = SymbolTable::new(NODE);
        let redactor = Redactor::new(rules());
        let a = guarded(&a, &names, &redactor, Budget::STATES);
        let b = guarded(&b, &names, &redactor, Budget::STATES);
        let mut change = Vec::new();
        delta(&a, &b, &mut change);
        prop_assert!(!holds(&change, CANARY.as_bytes()));
        prop_assert_eq!(apply(&change, &a), Ok(b));
    }
}

#[test]
fn a_struct_of_a_secret_type_is_hidden_whole() {
    let names = Arc::new(SymbolTable::new(NODE));
    let redactor = Redactor::new(rules());
    let mut room = [0; 64];
    let mut writer = TermWriter::new(&mut room, Budget::ARGUMENTS);
    writer.guard(Guard::new(&redactor, &*names));
    let _ = writer.tuple(2);
    let _ = writer.map(3, Some(names.word("Elixir.Card")));
    let _ = writer.int(7);
    let read = through_block(writer.finish(), &names);
    assert_eq!(read, Some(Value::tuple([Value::Redacted, Value::Int(7)])));
}

#[test]
fn modules_are_asked_for_by_word_and_what_has_no_text_is_secret() {
    let names = SymbolTable::new(NODE);
    let redactor = Redactor::new(rules());
    for _ in 0..2 {
        assert!(redactor.is_secret_module(names.word("Elixir.Vault"), &names));
        assert!(!redactor.is_secret_module(names.word("Elixir.Shop"), &names));
        assert!(redactor.is_secret_key(u64::MAX, &names));
    }
}

/// A million events with a secret each, where `SCOPE_LONG=1` asks for them.
#[test]
fn many_events_leave_no_canary_in_their_blocks() {
    let names = Arc::new(SymbolTable::new(NODE));
    let redactor = Redactor::new(rules());
    let events = if std::env::var_os("SCOPE_LONG").is_some() {
        1_000_000
    } else {
        30_000
    };
    let mut open = builder(&names, 1);
    for i in 0..events {
        let secret = Value::map([
            (atom("id"), Value::Int(i)),
            (atom("password"), Value::binary(format!("{CANARY}{i}"))),
        ]);
        let term = guarded(&secret, &names, &redactor, Budget::ARGUMENTS);
        let event = RawEvent::new(Kind::Call, i as u64, names.pid_word(1)).with_data(&term);
        if open.push(0, &event).is_err() {
            let block = open.close(0).unwrap();
            let plain = consolidate(&[block], Codec::Plain).unwrap();
            assert!(!holds(plain.bytes(), CANARY.as_bytes()));
            open.push(0, &event).unwrap();
        }
    }
}
