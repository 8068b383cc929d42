//! The same message, written by two nodes.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use proptest::prelude::*;
use scope_event::TermWriter;
use scope_event::{BlockBuilder, Budget, Interner, Kind, Origin, RawEvent, Step, SymbolTable};

/// A term, in words that mean the same on every node.
#[derive(Clone, Debug)]
enum Said {
    Atom(u8),
    Int(i64),
    Binary(Vec<u8>),
    /// A process of the first or the second node.
    Pid(bool, u32),
    Reference(u32),
    Tuple(Vec<Said>),
    List(Vec<Said>),
    Map(Vec<(Said, Said)>),
}

/// A node that looks at messages: its own name, and whether its maps iterate backwards.
struct Looker {
    name: &'static str,
    first: bool,
    backwards: bool,
    budget: Budget,
}

const ONE: Looker = Looker {
    name: "one@host",
    first: true,
    backwards: false,
    budget: Budget::MESSAGES,
};

const OTHER: Looker = Looker {
    name: "another.with.a.long.name@some.other.host",
    first: false,
    backwards: true,
    budget: Budget::MESSAGES,
};

fn external(tag: u8, node: &str, numbers: &[u32]) -> Vec<u8> {
    let mut bytes = vec![131, tag];
    if tag == 90 {
        bytes.extend((numbers.len() as u16 - 1).to_be_bytes());
    }
    bytes.extend([119, node.len() as u8]);
    bytes.extend(node.as_bytes());
    let numbers = numbers.iter().flat_map(|number| number.to_be_bytes());
    bytes.extend(numbers);
    bytes
}

impl Looker {
    fn put(&self, said: &Said, names: &SymbolTable, to: &mut TermWriter<'_>) -> Step {
        let all = |items: &[Said], to: &mut TermWriter<'_>| {
            for item in items {
                if self.put(item, names, to) == Step::Stop {
                    return Step::Stop;
                }
            }
            Step::Next
        };
        match said {
            Said::Atom(n) => to.atom(names.word(&format!("atom{n}"))),
            Said::Int(n) => to.int(*n),
            Said::Binary(bytes) => to.binary(bytes, bytes.len() as u64),
            Said::Pid(first, id) if *first == self.first => to.pid(names.pid_word(*id)),
            Said::Pid(first, id) => {
                let node = if *first { ONE.name } else { OTHER.name };
                to.foreign(Foreign::Pid, &external(88, node, &[*id, 0, 1]))
            }
            Said::Reference(n) => {
                to.foreign(Foreign::Reference, &external(90, ONE.name, &[1, *n, 2, 3]))
            }
            Said::Tuple(items) => match to.tuple(items.len() as u32) {
                Step::Enter => all(items, to),
                step => step,
            },
            Said::List(items) if items.is_empty() => to.nil(),
            Said::List(items) => match to.list() {
                Step::Enter if all(items, to) == Step::Stop => Step::Stop,
                Step::Enter => to.end(),
                step => step,
            },
            Said::Map(pairs) => match to.map(pairs.len() as u32, None) {
                Step::Enter => {
                    let mut pairs: Vec<_> = pairs.iter().collect();
                    if self.backwards {
                        pairs.reverse();
                    }
                    for (key, value) in pairs {
                        if all(&[key.clone(), value.clone()], to) == Step::Stop {
                            return Step::Stop;
                        }
                    }
                    Step::Next
                }
                step => step,
            },
        }
    }

    fn look(&self, said: &Said) -> Likeness {
        let names = Arc::new(SymbolTable::new(self.name));
        let mut room = [0; 70_000];
        let mut writer = TermWriter::new(&mut room, self.budget);
        let _ = self.put(said, &names, &mut writer);
        let data = writer.finish();
        let origin = Origin::new(self.name, 1);
        let pid = names.pid_word(1);
        let mut block = BlockBuilder::new(origin, 1, Arc::new(Interner::new(names)));
        let event = RawEvent::new(Kind::Send, 1, pid).with_data(data);
        block.push(0, &event).unwrap();
        let events = block.view();
        let mut look = Look::default();
        events.get(0).unwrap().read_data(&mut look).unwrap();
        look.finish()
    }
}

fn said() -> impl Strategy<Value = Said> {
    let leaf = prop_oneof![
        (0u8..40).prop_map(Said::Atom),
        any::<i64>().prop_map(Said::Int),
        proptest::collection::vec(any::<u8>(), 0..20).prop_map(Said::Binary),
        (0usize..600).prop_map(|size| Said::Binary(vec![7; size])),
        (any::<bool>(), 2u32..50).prop_map(|(first, id)| Said::Pid(first, id)),
        (0u32..50).prop_map(Said::Reference),
    ];
    leaf.prop_recursive(5, 80, 9, |inner| {
        use proptest::collection::vec;
        prop_oneof![
            vec(inner.clone(), 0..9).prop_map(Said::Tuple),
            vec(inner.clone(), 0..9).prop_map(Said::List),
            vec((0u8..40, inner), 0..9).prop_map(|pairs| {
                let mut pairs = pairs;
                pairs.sort_by_key(|pair| pair.0);
                pairs.dedup_by_key(|pair| pair.0);
                let pairs = pairs.into_iter();
                Said::Map(pairs.map(|(key, value)| (Said::Atom(key), value)).collect())
            }),
        ]
    })
}

fn map_of(keys: impl Iterator<Item = u8>) -> Said {
    Said::Map(keys.map(|n| (Said::Atom(n), Said::Int(n.into()))).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn both_sides_of_a_message_are_alike_wherever_it_was_cut(said in said()) {
        let (one, other) = (ONE.look(&said), OTHER.look(&said));
        prop_assert!(one.is_like(&other), "{one:?} {other:?}");
        let full = Looker { budget: Budget::FULL, ..OTHER };
        prop_assert!(one.is_like(&full.look(&said)));
    }

    #[test]
    fn messages_that_differ_and_were_not_cut_are_not_alike(one in said(), other in said()) {
        let full = |looker| Looker { budget: Budget::FULL, ..looker };
        let (a, b) = (full(ONE).look(&one), full(OTHER).look(&other));
        if a.whole.is_some() && b.whole.is_some() {
            prop_assert_eq!(a.is_like(&b), format!("{one:?}") == format!("{other:?}"));
        }
    }
}

#[test]
fn a_map_is_the_same_in_any_order_of_its_keys() {
    let (there, back) = (map_of(1..=8), map_of((1..=8).rev()));
    assert_eq!(ONE.look(&there), ONE.look(&back));
    assert_eq!(ONE.look(&there).whole, OTHER.look(&there).whole);
    assert_ne!(ONE.look(&there).whole, ONE.look(&map_of(1..=7)).whole);
}

#[test]
fn of_a_message_that_was_cut_the_beginning_counts() {
    let long = |first, last| {
        let mut items = vec![Said::Atom(first)];
        items.extend((0..200).map(Said::Int));
        items.push(Said::Atom(last));
        Said::Tuple(items)
    };
    let look = |first, last| ONE.look(&long(first, last));
    assert_eq!(look(1, 2).whole, None);
    assert!(look(1, 2).is_like(&look(1, 3)));
    assert!(!look(1, 2).is_like(&look(2, 2)));
}

#[test]
fn a_reference_has_a_shape_for_each_place_it_stands_in() {
    let reference = || Said::Reference(7);
    let request = Said::Tuple(vec![
        Said::Atom(1),
        Said::Tuple(vec![Said::Pid(true, 9), reference()]),
        Said::Atom(2),
    ]);
    let reply = Said::Tuple(vec![reference(), Said::Atom(3)]);
    let of = |said: &Said| ONE.look(said).references;
    assert_eq!(of(&request).len(), 1);
    assert_ne!(of(&request)[0], of(&reply)[0]);
    assert_eq!(of(&request), OTHER.look(&request).references);
    let key = |key: u8, n: u8| {
        let mut pairs = vec![(Said::Atom(key), reference())];
        pairs.extend((10..10 + n).map(|n| (Said::Atom(n), Said::Int(1))));
        Said::Map(pairs)
    };
    assert_eq!(of(&key(1, 5)), OTHER.look(&key(1, 5)).references);
    assert_ne!(of(&key(1, 5)), of(&key(2, 5)));
    let many = Said::List((0..20).map(Said::Reference).collect());
    assert!(of(&many).is_empty());
}
