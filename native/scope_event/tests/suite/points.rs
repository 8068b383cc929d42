//! What is asked of a block without decoding it all is what decoding it all gives.

use crate::common::*;
use proptest::collection::vec;
use proptest::prelude::*;
use scope_event::block::Wanted;
use scope_event::{Block, Budget, Codec, Events, Kind, RawEvent, SymbolTable, Value, consolidate};
use std::collections::HashMap;
use std::sync::Arc;

const CODECS: [Codec; 3] = [Codec::Plain, Codec::Lz4, Codec::at_rest()];

/// The trace again and again, until it is long enough for marks in the times.
fn long(trace: &[Made], events: usize) -> Vec<Made> {
    let again = (0..).zip(trace.iter().cycle()).take(events);
    let made = again.map(|(i, made)| Made {
        data: match made.kind {
            Kind::State if i % 3 > 0 => Some(Value::tuple([Value::Int(i), Value::Int(i / 9)])),
            _ => made.data.clone(),
        },
        ..made.clone()
    });
    made.collect()
}

/// Two blocks of a trace, the first of `cut` events, and both as one in every codec.
fn blocks(trace: &[Made], cut: usize, turned: bool) -> Vec<Block> {
    let names = Arc::new(SymbolTable::new(NODE));
    let mut open = builder(&names, 1);
    let mut parts = Vec::new();
    let mut clock = 1u64 << 40;
    for (i, made) in trace.iter().enumerate() {
        clock += made.step % 5_000;
        // Stamps that fall, as no recorder leaves them.
        let stamp = if turned { clock ^ 0x1fff } else { clock };
        push(made, stamp, &names, &mut open);
        if i + 1 == cut {
            parts.extend(open.close(0));
        }
    }
    parts.extend(open.close(0));
    let whole = CODECS.map(|codec| consolidate(&parts, codec).unwrap());
    parts
        .into_iter()
        .chain(whole)
        .map(|block| reparsed(&block))
        .collect()
}

/// The place of the state that a replay of all events ends with.
fn replayed(events: &Events, pid: u32, stamp: u64, floor: u64) -> Option<usize> {
    let states = events.iter().filter(|event| {
        let own = event.pid() == Some(&self::pid(pid));
        own && event.kind() == Kind::State && event.seq() > floor && event.stamp() <= stamp
    });
    states
        .max_by_key(|event| (event.stamp(), event.seq()))
        .map(|event| event.place())
}

fn check_states(block: &Block, floor: u64) {
    let events = block.verify().unwrap();
    let all = seen(&events);
    let stamps = events.stamps().iter().step_by(1 + events.len() / 40);
    let ends = [
        0,
        block.header().min_stamp,
        block.header().max_stamp,
        u64::MAX,
    ];
    for stamp in stamps.copied().chain(ends) {
        for number in 1..6 {
            let state = block.state_at(&pid(number), stamp, floor).unwrap();
            let expected = replayed(&events, number, stamp, floor).map(|place| all[place].clone());
            assert_eq!(state.map(|state| seen(&state).swap_remove(0)), expected);
        }
    }
}

fn check_columns(block: &Block) {
    let (events, columns) = (block.events().unwrap(), block.columns().unwrap());
    let counted = |numbers: &[u32], len: usize| {
        let mut counts = vec![0u32; len];
        numbers
            .iter()
            .for_each(|number| counts[*number as usize] += 1);
        counts
    };
    let names = events.dictionary();
    assert_eq!(columns.dictionary(), names);
    assert_eq!(
        columns.key_counts(),
        counted(events.keys(), names.keys().len())
    );
    assert_eq!(
        columns.pid_counts().unwrap(),
        counted(events.pids(), names.pids().len() + 1)
    );
    let sorted = |stamps: &[u64]| {
        let mut stamps = stamps.to_vec();
        stamps.sort_unstable();
        stamps
    };
    assert_eq!(sorted(&columns.stamps().unwrap()), sorted(events.stamps()));
}

/// The events that are wanted, from all of them.
fn picked(events: &Events, wanted: &Wanted) -> Vec<usize> {
    let takes = |at: &usize| {
        let (key, pid) = (events.keys()[*at] as usize, events.pids()[*at] as usize);
        wanted.keys[key]
            && (wanted.pids.is_empty() || wanted.pids[pid])
            && wanted.stamps.contains(&events.stamps()[*at])
    };
    let mut places: Vec<usize> = (0..events.len()).filter(takes).collect();
    places.sort_by_key(|at| (events.stamps()[*at], *at));
    places
}

fn check_part(block: &Block, events: &Events, wanted: &Wanted) {
    let part = block.columns().unwrap().matching(wanted).unwrap();
    let mut places = picked(events, wanted);
    assert_eq!(part.more, places.len() > wanted.most);
    if wanted.last {
        places.drain(..places.len().saturating_sub(wanted.most));
    }
    places.truncate(wanted.most);
    let (all, found) = (seen(events), seen(&part.events));
    let expected: Vec<_> = places.iter().map(|at| all[*at].clone()).collect();
    assert_eq!(found, expected);
    for (event, place) in part.events.iter().zip(places) {
        assert_eq!(event.seq(), events.from() + place as u64);
        let again = part.events.by_seq(event.seq());
        assert_eq!(again.map(|again| again.place()), Some(event.place()));
    }
}

/// Some keys, some processes and some time of a block, from both ends.
fn check_parts(block: &Block, few: &[prop::sample::Index]) {
    let events = block.verify().unwrap();
    let names = events.dictionary();
    let [a, b, c, ..] = few else { return };
    let stamp = |at: &prop::sample::Index| events.stamps()[at.index(events.len())];
    let some =
        |len: usize, index: usize| (0..len).map(|at| !(at + index).is_multiple_of(3)).collect();
    let wanted = Wanted {
        keys: some(names.keys().len(), a.index(3)),
        pids: some(names.pids().len() + 1, b.index(3)),
        stamps: stamp(a)..=stamp(b),
        most: c.index(50),
        last: c.index(2) == 0,
    };
    check_part(block, &events, &wanted);
    for stamps in [0..=u64::MAX, 0..=stamp(b), stamp(a)..=u64::MAX] {
        for (most, last) in [
            (c.index(50), false),
            (1, true),
            (usize::MAX, c.index(2) > 0),
        ] {
            let wanted = Wanted {
                pids: Vec::new(),
                stamps: stamps.clone(),
                most,
                last,
                ..wanted.clone()
            };
            check_part(block, &events, &wanted);
        }
    }
}

proptest! {
    #![proptest_config(cases(20))]

    #[test]
    fn a_part_is_that_of_the_whole(
        trace in vec(made(), 1..60),
        events in prop_oneof![1usize..60, 500usize..2_500],
        cut: prop::sample::Index,
        turned in prop::bool::weighted(0.2),
        few in vec(any::<prop::sample::Index>(), 3),
    ) {
        let trace = long(&trace, events);
        for block in blocks(&trace, cut.index(trace.len()), turned) {
            check_parts(&block, &few);
        }
    }
}

proptest! {
    #![proptest_config(cases(40))]

    #[test]
    fn a_state_is_that_of_a_replay(
        trace in vec(made(), 1..60),
        events in prop_oneof![1usize..60, 500usize..2_500],
        cut: prop::sample::Index,
        turned in prop::bool::weighted(0.2),
        floor in prop_oneof![Just(0u64), 0u64..1_000],
    ) {
        let trace = long(&trace, events);
        for block in blocks(&trace, cut.index(trace.len()), turned) {
            check_states(&block, floor);
            check_columns(&block);
        }
    }
}

/// Processes that share states, come back to old ones and lose some to budgets and redactors.
#[test]
fn shared_cut_and_hidden_states_are_found() {
    let names = Arc::new(SymbolTable::new(NODE));
    let mut open = builder(&names, 1);
    let mut parts = Vec::new();
    for i in 0..3_000u64 {
        let key = |text: &str| Value::Atom(text.into());
        let state = match i % 7 {
            0 => Value::map([(key("idle"), Value::Int(0))]),
            1 => Value::map([
                (key("secret"), Value::Redacted),
                (key("n"), Value::Int(i as i64)),
            ]),
            2 => Value::list(
                (0..900)
                    .map(|n| Value::Int(n + i as i64))
                    .collect::<Vec<_>>(),
            ),
            _ => Value::map([(key("idle"), Value::Int(i as i64 / 11))]),
        };
        let (data, _) = encode(&state, &names, Budget::MESSAGES);
        let kind = if i % 5 == 4 { Kind::Send } else { Kind::State };
        let event = RawEvent::new(
            kind,
            (1 << 40) + i * 700,
            names.pid_word(1 + (i * i % 5) as u32),
        );
        open.push((i / 40 % 3) as u16, &event.with_data(&data))
            .unwrap();
        if i % 1_300 == 1_299 {
            parts.extend(open.close(0));
        }
    }
    parts.extend(open.close(0));
    let whole = CODECS.map(|codec| consolidate(&parts, codec).unwrap());
    parts
        .iter()
        .chain(&whole)
        .for_each(|block| check_states(&reparsed(block), 0));
}

/// The first state of a process in a block needs no other block, wherever the last whole one is.
#[test]
fn every_block_starts_the_states_of_a_process_anew() {
    let names = Arc::new(SymbolTable::new(NODE));
    let mut open = builder(&names, 1);
    let mut last: HashMap<u32, i64> = HashMap::new();
    for i in 0..200i64 {
        let process = 1 + (i % 2) as u32;
        let (data, _) = encode(&Value::tuple([Value::Int(i)]), &names, Budget::STATES);
        let event = RawEvent::new(Kind::State, 1 << 40 | i as u64, names.pid_word(process));
        open.push(0, &event.with_data(&data)).unwrap();
        last.insert(process, i);
        if i % 3 == 2 {
            let block = reparsed(&open.close(0).unwrap());
            for (process, i) in last.drain() {
                let state = block.state_at(&pid(process), u64::MAX, 0).unwrap().unwrap();
                let value = state.get(0).unwrap().data_value().unwrap();
                assert_eq!(value, Some(Value::tuple([Value::Int(i)])));
            }
        }
    }
}
