//! Hostile bytes: a typed error or a value, whatever they are.

use crate::common::*;
use proptest::collection::vec;
use proptest::prelude::*;
use scope_event::block::Dictionary;
use scope_event::{Block, BlockError, Codec, SymbolTable, Value, consolidate};
use std::sync::Arc;

/// Puts the right checksum on damaged bytes, so that what is behind it is reached.
fn resealed(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.len() >= 16 {
        let length = bytes.len() as u32;
        bytes[8..12].copy_from_slice(&length.to_le_bytes());
        let sum = crc32c::crc32c_append(crc32c::crc32c(&bytes[..12]), &bytes[16..]);
        bytes[12..16].copy_from_slice(&sum.to_le_bytes());
    }
    bytes
}

/// Looks at everything in a block that can be parsed.
fn look(bytes: Vec<u8>) {
    let Ok(block) = Block::parse(bytes) else {
        return;
    };
    let _ = block.dictionary();
    let _ = block.verify();
    let _ = consolidate(std::slice::from_ref(&block), Codec::Lz4);
    if let Ok(columns) = block.columns() {
        let _ = (columns.key_counts(), columns.pid_counts(), columns.stamps());
        let header = block.header();
        for pid in columns.dictionary().pids() {
            let half = header.min_stamp + (header.max_stamp - header.min_stamp) / 2;
            for stamp in [half, header.max_stamp, u64::MAX] {
                if let Ok(Some(state)) = block.state_at(pid, stamp, 0) {
                    state.iter().for_each(|event| drop(event.data_value()));
                }
            }
        }
    }
    let Ok(events) = block.events() else { return };
    for event in events.iter() {
        let _ = (
            event.stamp(),
            event.pid(),
            event.kind(),
            event.mono_ns(),
            event.subject(),
        );
        let _ = (event.data_value(), event.correlation_value());
    }
    let _ = events.by_stamp();
}

/// A trace that is long enough for marks.
fn long(trace: &[Made]) -> Vec<Made> {
    trace.iter().cycle().take(1_100).cloned().collect()
}

fn block_from(trace: &[Made], codec: Codec) -> Block {
    let names = Arc::new(SymbolTable::new(NODE));
    let mut open = builder(&names, 1);
    open.anchor(anchor(1 << 40, 3, -7));
    push_all(trace, &names, &mut open);
    consolidate(&[open.close(0).unwrap()], codec).unwrap()
}

#[derive(Clone, Debug)]
enum Damage {
    Set(prop::sample::Index, u8),
    Flip(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    Insert(prop::sample::Index, Vec<u8>),
}

fn damage() -> impl Strategy<Value = Damage> {
    let byte = prop_oneof![any::<u8>(), Just(0), Just(0x7f), Just(0x80), Just(0xff)];
    prop_oneof![
        6 => (any::<prop::sample::Index>(), byte.clone()).prop_map(|(at, to)| Damage::Set(at, to)),
        4 => (any::<prop::sample::Index>(), 0u8..8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        1 => any::<prop::sample::Index>().prop_map(Damage::Cut),
        2 => (any::<prop::sample::Index>(), vec(byte, 1..12)).prop_map(|(at, new)| Damage::Insert(at, new)),
    ]
}

fn damaged(mut bytes: Vec<u8>, damages: &[Damage]) -> Vec<u8> {
    for damage in damages {
        if bytes.is_empty() {
            break;
        }
        match damage {
            Damage::Set(at, to) => *at.get_mut(&mut bytes) = *to,
            Damage::Flip(at, bit) => *at.get_mut(&mut bytes) ^= 1 << bit,
            Damage::Cut(at) => bytes.truncate(at.index(bytes.len())),
            Damage::Insert(at, new) => {
                let at = at.index(bytes.len());
                bytes.splice(at..at, new.iter().copied());
            }
        }
    }
    bytes
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn any_bytes_are_no_block(bytes: Vec<u8>) {
        prop_assert!(Block::parse(bytes).is_err());
    }

    #[test]
    fn any_bytes_behind_a_good_prefix_do_no_harm(bytes in vec(any::<u8>(), 0..300), codec in 0u8..3) {
        let mut block = b"ESBK\x01".to_vec();
        block.extend_from_slice(&[codec, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        block.extend_from_slice(&bytes);
        look(resealed(block));
    }

    #[test]
    fn any_bytes_are_a_term_or_an_error(bytes: Vec<u8>) {
        let _ = Value::read(&bytes, &Dictionary::default());
    }
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn a_changed_byte_is_noticed(trace in vec(made(), 1..20), at: prop::sample::Index, bit in 0u8..8) {
        let mut bytes = block_from(&trace, Codec::Lz4).bytes().to_vec();
        *at.get_mut(&mut bytes) ^= 1 << bit;
        prop_assert!(Block::parse(bytes).is_err());
    }

    #[test]
    fn damage_behind_a_good_checksum_does_no_harm(
        trace in vec(made(), 1..30),
        damages in vec(damage(), 1..5),
        codec in prop::sample::select(vec![Codec::Plain, Codec::Plain, Codec::Lz4, Codec::Zstd]),
    ) {
        let bytes = block_from(&trace, codec).bytes().to_vec();
        look(resealed(damaged(bytes, &damages)));
    }
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn damage_to_a_long_block_does_no_harm(
        trace in vec(made(), 1..8),
        damages in vec(damage(), 1..5),
    ) {
        let bytes = block_from(&long(&trace), Codec::Plain).bytes().to_vec();
        look(resealed(damaged(bytes, &damages)));
    }
}

#[test]
fn a_later_version_is_named() {
    let mut bytes = b"ESBK\x09".to_vec();
    bytes.resize(40, 0);
    assert_eq!(
        Block::parse(resealed(bytes)).unwrap_err(),
        BlockError::Version(9)
    );
}

#[test]
fn a_relay_passes_on_what_it_cannot_decode() {
    let names = Arc::new(SymbolTable::new(NODE));
    let mut bytes = consolidate(&[block_of(&[0x05], &names)], Codec::Plain)
        .unwrap()
        .bytes()
        .to_vec();
    // The kind in the dictionary becomes one that nobody knows.
    let key = bytes
        .windows(3)
        .rposition(|window| window == [64, 0, 1])
        .unwrap();
    bytes[key] = 200;
    let block = Block::parse(resealed(bytes.clone())).unwrap();
    assert!(block.events().is_err());
    assert_eq!(block.header().from, 1);
    assert_eq!(block.bytes()[16..], bytes[16..]);
}
