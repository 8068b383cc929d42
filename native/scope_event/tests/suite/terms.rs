//! Terms: what is written comes back, and nothing is written beyond the budget.

use crate::common::*;
use proptest::collection::vec;
use proptest::prelude::*;
use scope_event::{Budget, Foreign, Opaque, Step, SymbolTable, TermWriter, Value};
use std::sync::Arc;

/// One call on a writer, sensible or not.
#[derive(Clone, Debug)]
enum Call {
    Leaf(Value),
    Tuple(u32),
    Map(u32, bool),
    List,
    End,
    Tail,
    Cut,
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        4 => leaf().prop_map(Call::Leaf),
        2 => prop_oneof![0u32..5, any::<u32>()].prop_map(Call::Tuple),
        2 => (prop_oneof![0u32..5, any::<u32>()], any::<bool>()).prop_map(|(n, of)| Call::Map(n, of)),
        1 => Just(Call::List),
        1 => Just(Call::End),
        1 => Just(Call::Tail),
        1 => Just(Call::Cut),
    ]
}

fn play(call: &Call, names: &SymbolTable, to: &mut TermWriter<'_>) -> Step {
    match call {
        Call::Leaf(value) => write(value, names, to),
        Call::Tuple(n) => to.tuple(*n),
        Call::Map(n, of) => to.map(*n, of.then(|| names.word("type"))),
        Call::List => to.list(),
        Call::End => to.end(),
        Call::Tail => to.tail(),
        Call::Cut => to.cut(),
    }
}

fn budget() -> impl Strategy<Value = Budget> {
    (0u32..40, 0u32..200, 0u8..70, 0u32..100).prop_map(|(nodes, bytes, depth, binary)| Budget {
        nodes,
        bytes,
        depth,
        binary,
    })
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn whole_terms_come_back(value in value()) {
        let names = Arc::new(SymbolTable::new(NODE));
        let (bytes, truncated) = encode(&value, &names, Budget::FULL);
        prop_assert!(!truncated);
        prop_assert_eq!(through_block(&bytes, &names), Some(value));
    }

    #[test]
    fn any_calls_under_any_budget_give_a_term(calls in vec(call(), 0..60), budget in budget()) {
        let names = Arc::new(SymbolTable::new(NODE));
        let mut room = [0u8; 256];
        let mut writer = TermWriter::new(&mut room, budget);
        for call in &calls {
            let _ = play(call, &names, &mut writer);
        }
        let bytes = writer.finish();
        prop_assert!(bytes.len() <= budget.bytes as usize);
        let read = through_block(bytes, &names);
        prop_assert_eq!(read.is_none(), bytes.is_empty());
        prop_assert_ne!(read, Some(Value::Opaque(Opaque::Damaged, None)));
    }

    #[test]
    fn a_budget_only_cuts(value in value(), budget in budget()) {
        let names = Arc::new(SymbolTable::new(NODE));
        let (bytes, truncated) = encode(&value, &names, budget);
        let read = through_block(&bytes, &names);
        prop_assert_eq!(truncated, read != Some(value.clone()));
        if let Some(read) = read {
            prop_assert!(is_cut_of(&read, &value), "{read:?}");
        }
    }
}

/// Whether `cut` is `whole` with parts missing and their sizes right.
fn is_cut_of(cut: &Value, whole: &Value) -> bool {
    match (cut, whole) {
        (Value::Opaque(Opaque::Cut, None), _) => true,
        (Value::Opaque(Opaque::Tuple, size), Value::Tuple { arity, .. }) => {
            *size == Some((*arity).into())
        }
        (Value::Opaque(Opaque::Map, pairs), Value::Map { size, .. }) => {
            *pairs == Some((*size).into())
        }
        (Value::Opaque(Opaque::List, None), Value::List { .. }) => true,
        (
            Value::Binary { kept, full },
            Value::Binary {
                kept: all,
                full: size,
            },
        ) => full == size && all.starts_with(kept),
        (
            Value::Tuple { items, arity },
            Value::Tuple {
                items: all,
                arity: size,
            },
        ) => {
            arity == size
                && items
                    .iter()
                    .zip(all)
                    .all(|(cut, whole)| is_cut_of(cut, whole))
        }
        (
            Value::Map { pairs, size },
            Value::Map {
                pairs: all,
                size: of,
            },
        ) => {
            let both = |((k, v), (l, w)): (&(_, _), &(_, _))| is_cut_of(k, l) && is_cut_of(v, w);
            size == of && pairs.iter().zip(all).all(both)
        }
        (Value::List { items, cut, .. }, Value::List { items: all, .. }) => {
            (*cut || items.len() == all.len())
                && items
                    .iter()
                    .zip(all)
                    .all(|(cut, whole)| is_cut_of(cut, whole))
        }
        _ => cut == whole,
    }
}

#[test]
fn what_is_cut_keeps_its_size() {
    let names = Arc::new(SymbolTable::new(NODE));
    let long = Value::binary(vec![7; 1000]);
    let (bytes, truncated) = encode(&long, &names, Budget::ARGUMENTS);
    assert!(truncated && bytes.len() <= 256);
    let Some(Value::Binary { kept, full: 1000 }) = through_block(&bytes, &names) else {
        panic!()
    };
    assert_eq!(kept, [7; 128]);

    let wide = Value::tuple(vec![Value::Int(1); 100]);
    let (bytes, _) = encode(&wide, &names, Budget::ARGUMENTS);
    let Some(Value::Tuple { items, arity: 100 }) = through_block(&bytes, &names) else {
        panic!()
    };
    assert_eq!(items.len(), 31);
}

#[test]
fn a_long_first_argument_leaves_room_for_the_second() {
    let names = Arc::new(SymbolTable::new(NODE));
    let key = Value::Atom("key".into());
    let arguments = Value::list([Value::binary(vec![1; 5000]), key.clone()]);
    let (bytes, _) = encode(&arguments, &names, Budget::ARGUMENTS);
    let Some(Value::List {
        items, cut: false, ..
    }) = through_block(&bytes, &names)
    else {
        panic!()
    };
    assert_eq!(items[1], key);
}

#[test]
fn foreign_terms_that_do_not_fit_are_cut() {
    let names = Arc::new(SymbolTable::new(NODE));
    let value = Value::tuple([Value::Int(1), Value::Foreign(Foreign::Port, vec![0; 300])]);
    let (bytes, truncated) = encode(&value, &names, Budget::ARGUMENTS);
    assert!(truncated);
    let cut = Value::Tuple {
        items: vec![Value::Int(1)],
        arity: 2,
    };
    assert_eq!(through_block(&bytes, &names), Some(cut));
}
