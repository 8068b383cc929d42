//! Blocks: what is pushed comes back, from the open block and from the closed one.

use crate::common::*;
use proptest::collection::vec;
use proptest::prelude::*;
use scope_event::block::{FULL_BYTES, MAX_EVENTS};
use scope_event::{
    Block, BlockBuilder, BlockError, Budget, Codec, Full, Kind, RawEvent, SymbolTable, TermWriter,
    Value, consolidate,
};
use std::sync::Arc;

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn events_come_back(trace in vec(made(), 1..150)) {
        let names = Arc::new(SymbolTable::new(NODE));
        let mut builder = builder(&names, 7);
        let stamps = push_all(&trace, &names, &mut builder);
        let view = builder.view();
        let block = reparsed(&builder.close(5).unwrap());
        let events = block.verify().unwrap();
        prop_assert_eq!(seen(&view), seen(&events));
        prop_assert_eq!(events.stamps(), &stamps[..]);
        for (event, made) in events.iter().zip(&trace) {
            prop_assert_eq!(event.kind(), made.kind);
            prop_assert_eq!(event.data_value().unwrap(), made.data.clone());
            prop_assert_eq!(event.pid().map_or(0, |pid| pid.id), made.pid);
            prop_assert_eq!((event.session(), event.flags()), (made.session, made.flags));
        }
        let header = block.header();
        prop_assert_eq!((header.from, header.to), (7, 6 + trace.len() as u64));
        prop_assert_eq!(header.min_stamp, *stamps.iter().min().unwrap());
        prop_assert_eq!(header.max_stamp, *stamps.iter().max().unwrap());
        for kind in Kind::ALL {
            let count = trace.iter().filter(|made| made.kind == *kind).count();
            prop_assert_eq!(header.counts.of(*kind) as usize, count);
        }
    }

    #[test]
    fn the_digest_is_one_of_content(trace in vec(made(), 2..120), cuts in vec(any::<u8>(), 0..6)) {
        let names = Arc::new(SymbolTable::new(NODE));
        let mut whole = builder(&names, 1);
        push_all(&trace, &names, &mut whole);
        let whole = whole.close(9).unwrap();
        let parts = in_parts(&trace, &cuts, &names);
        for codec in [Codec::Plain, Codec::Lz4, Codec::at_rest()] {
            let merged = reparsed(&consolidate(&parts, codec).unwrap());
            prop_assert_eq!(merged.header().digest, whole.header().digest);
            prop_assert_eq!(merged.header().complete_to, parts.last().unwrap().header().complete_to);
            prop_assert!(merged.header().consolidated);
            let (merged, whole) = (merged.verify().unwrap(), whole.verify().unwrap());
            prop_assert_eq!(seen(&merged), seen(&whole));
        }
    }

    #[test]
    fn another_event_has_another_digest(trace in vec(made(), 1..20), at: prop::sample::Index) {
        let names = Arc::new(SymbolTable::new(NODE));
        let mut other = trace.clone();
        let changed = at.get_mut(&mut other);
        changed.flags ^= 1;
        let digest = |trace: &[Made]| {
            let mut builder = builder(&names, 1);
            push_all(trace, &names, &mut builder);
            builder.close(0).unwrap().header().digest
        };
        prop_assert_ne!(digest(&trace), digest(&other));
    }
}

/// The trace in several blocks, through one builder and with other words for the same names.
fn in_parts(trace: &[Made], cuts: &[u8], names: &Arc<SymbolTable>) -> Vec<Block> {
    let other = Arc::new(SymbolTable::new(NODE));
    other.word("something else first");
    let mut builders = [builder(names, 1), builder(&other, 1)];
    let mut clocks = [1u64 << 40; 3];
    let mut blocks = Vec::new();
    for (i, made) in trace.iter().enumerate() {
        let clock = &mut clocks[usize::from(made.lane)];
        *clock += made.step;
        push(made, *clock, &other, &mut builders[1]);
        if cuts.iter().any(|cut| usize::from(*cut) == i) {
            blocks.extend(builders[1].close(3));
        }
    }
    blocks.extend(builders[1].close(9));
    blocks
}

fn filled(builder: &mut BlockBuilder, names: &SymbolTable, data: &[u8]) -> usize {
    let event = RawEvent::new(Kind::Send, 1, names.pid_word(1)).with_data(data);
    let mut pushed = 0;
    while builder.push(0, &event) != Err(Full) {
        pushed += 1;
    }
    pushed
}

#[test]
fn a_block_is_full_by_events_or_by_bytes() {
    let names = Arc::new(SymbolTable::new(NODE));
    let mut open = builder(&names, 1);
    assert_eq!(filled(&mut open, &names, &[]), MAX_EVENTS);
    assert!(open.is_full());
    open.close(0).unwrap();
    assert_eq!((open.len(), open.next_seq()), (0, MAX_EVENTS as u64 + 1));

    let mut sizes = 0..;
    let mut room = vec![0; 70_000];
    while !open.is_full() {
        let mut writer = scope_event::TermWriter::new(&mut room, scope_event::Budget::FULL);
        let bytes = vec![sizes.next().unwrap(); 60_000];
        let _ = writer.binary(&bytes, 60_000);
        let event = RawEvent::new(Kind::Send, 1, 0).with_data(writer.finish());
        if open.push(0, &event).is_err() {
            break;
        }
    }
    assert!(open.bytes() <= FULL_BYTES && open.len() == 3);
}

#[test]
fn anchors_translate_to_monotonic_time() {
    let names = Arc::new(SymbolTable::new(NODE));
    let mut open = builder(&names, 1);
    open.anchor(anchor(10 << 32, -5, 0));
    open.push(0, &RawEvent::new(Kind::Mark, 11 << 32, 0))
        .unwrap();
    let block = open.close(0).unwrap();
    assert_eq!(block.header().mono_ns(11 << 32), Some(999_999_995));
    open.push(0, &RawEvent::new(Kind::Mark, 12 << 32, 0))
        .unwrap();
    let next = reparsed(&open.close(0).unwrap()).events().unwrap();
    assert_eq!(next.get(0).unwrap().mono_ns(), Some(1_999_999_995));
}

proptest! {
    #![proptest_config(cases(1000))]

    /// A clock whose stamps run `ppb` faster shows so much more after so many nanoseconds.
    #[test]
    fn an_anchor_follows_a_clock_at_any_rate(
        start in 0u64..1 << 62,
        mono in -(1i64 << 60)..1 << 60,
        ppb in -999_999i32..1_000_000,
        ns in 0u64..4_000_000_000_000,
    ) {
        let scaled = u128::from(ns) * (1_000_000_000 + i128::from(ppb)) as u128;
        let stamp = start + ((scaled << 32) / 1_000_000_000_000_000_000) as u64;
        let found = anchor(start, mono, ppb).mono_ns(stamp) - mono;
        prop_assert!(found.abs_diff(ns as i64) <= 1, "{found} {ns}");
    }

    #[test]
    fn anchors_come_back_and_any_is_followed(
        stamps in vec(any::<u64>(), 1..5),
        mono: i64,
        ppb in -999_999_999i32..=i32::MAX,
        at: u64,
    ) {
        let names = Arc::new(SymbolTable::new(NODE));
        let mut open = builder(&names, 1);
        stamps.iter().for_each(|stamp| open.anchor(anchor(*stamp, mono, ppb)));
        open.push(0, &RawEvent::new(Kind::Mark, at, 0)).unwrap();
        let block = open.close(0).unwrap();
        let read = reparsed(&block);
        prop_assert_eq!(&read.header().anchors, &block.header().anchors);
        prop_assert_eq!(read.header().mono_ns(at), read.events().unwrap().get(0).unwrap().mono_ns());
    }
}

#[test]
fn only_neighbours_are_consolidated() {
    let names = Arc::new(SymbolTable::new(NODE));
    let mut open = builder(&names, 1);
    let mut next = || {
        open.push(0, &RawEvent::new(Kind::Mark, 1, 0)).unwrap();
        open.close(0).unwrap()
    };
    let (a, b, c) = (next(), next(), next());
    assert!(consolidate(&[a.clone(), b.clone()], Codec::Lz4).is_ok());
    for apart in [vec![], vec![a.clone(), c.clone()], vec![b, a, c]] {
        assert!(matches!(
            consolidate(&apart, Codec::Lz4),
            Err(BlockError::Apart(_))
        ));
    }
}

/// What shrinks better than a reader believes is stored with a codec that cannot.
#[test]
fn a_column_that_nearly_vanishes_is_read_again() {
    let names = Arc::new(SymbolTable::new(NODE));
    let mut room = vec![0; 70_000];
    let mut term = TermWriter::new(&mut room, Budget::FULL);
    let _ = term.binary(&[7; 60_000], 60_000);
    let data = term.finish();
    for (kind, codec) in [
        (Kind::Mark, Codec::Zstd),
        (Kind::State, Codec::Zstd),
        (Kind::Mark, Codec::Lz4),
    ] {
        let mut builder = builder(&names, 1);
        builder
            .push(
                0,
                &RawEvent::new(kind, 5 << 32, names.pid_word(1)).with_data(data),
            )
            .unwrap();
        let hot = builder.close(0).unwrap();
        let block = reparsed(&consolidate(&[hot], codec).unwrap());
        assert!(block.bytes().len() < 3_000);
        let events = block.verify().unwrap();
        assert_eq!(
            events.get(0).unwrap().data_value().unwrap(),
            Some(Value::binary([7; 60_000]))
        );
    }
}
