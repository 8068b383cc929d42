use proptest::prelude::*;

use super::*;
use crate::intervals::Intervals;
use crate::knowledge::Knowledge;

fn message(body: Body) -> Message {
    Message {
        mine: 7,
        yours: 9,
        ack: 3,
        body,
    }
}

fn samples() -> Vec<(Message, Vec<u8>)> {
    let names = vec![Intro {
        index: 0,
        node: "a@x".into(),
        incarnation: 1 << 40,
    }];
    let probe = Probe {
        index: 2,
        from: 1,
        to: 9,
        digest: u64::MAX,
    };
    let wants = pack_wants(&[
        Want {
            index: 1,
            from: 3,
            to: 9,
        },
        Want {
            index: 4,
            from: 1,
            to: 1,
        },
    ]);
    let old = pack_old(&[Old {
        run: Want {
            index: 1,
            from: 1,
            to: 2,
        },
        newest: 5,
    }]);
    let lens = pack_lens([3, 2].into_iter());
    let bodies = [
        Body::Ack,
        Body::Digest {
            no: 1,
            base: 0,
            names,
            entries: Packed(vec![0, 10]),
        },
        Body::Pull {
            id: 1,
            not_before: 5,
            window: 1 << 20,
            offer: 1,
            taken: Packed(vec![3]),
            wants,
        },
        Body::More { id: 1, frame: 2 },
        Body::Sync { token: 1 },
        Body::Settled { token: 1 },
        Body::Audit {
            probes: vec![probe],
        },
        Body::Differs {
            found: vec![Mismatch { probe, held: 1 }],
        },
    ];
    let mut all: Vec<_> = bodies
        .into_iter()
        .map(|body| (message(body), Vec::new()))
        .collect();
    let data = Body::Data {
        id: 1,
        frame: 1,
        end: true,
        lens,
        old,
    };
    all.push((message(data), b"abcde".to_vec()));
    all
}

/// What a peer with the right checksum could still send.
fn signed(mut bytes: Vec<u8>) -> Vec<u8> {
    let sum = crc32c::crc32c(&bytes[HEADER..]);
    bytes[0] = VERSION;
    bytes[1..HEADER].copy_from_slice(&sum.to_le_bytes());
    bytes
}

#[test]
fn every_message_comes_back() {
    for (message, blocks) in samples() {
        let bytes = encode(&message, &blocks).unwrap();
        assert_eq!(decode(&bytes), Ok((message, blocks.as_slice())));
    }
}

#[test]
fn every_cut_and_every_flipped_bit_is_refused() {
    for (message, blocks) in samples() {
        let bytes = encode(&message, &blocks).unwrap();
        for len in 0..bytes.len() {
            assert!(decode(&bytes[..len]).is_err());
        }
        for bit in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&bad).is_err());
        }
    }
}

#[test]
fn another_version_is_named() {
    let mut bytes = encode(&message(Body::Ack), &[]).unwrap();
    bytes[0] = 2;
    assert_eq!(decode(&bytes), Err(WireError::Version(2)));
}

#[test]
fn a_length_that_lies_allocates_nothing() {
    // An enum tag for `Pull` and a vector that claims 2^60 bytes.
    let mut bytes = vec![0; HEADER];
    bytes.extend([7, 9, 3, 2, 1, 5, 9, 253]);
    bytes.extend((1_u64 << 60).to_le_bytes());
    assert_eq!(decode(&signed(bytes)), Err(WireError::Malformed));
}

#[test]
fn too_long_is_not_encoded() {
    let data = Body::Data {
        id: 1,
        frame: 1,
        end: true,
        lens: Packed::default(),
        old: Packed::default(),
    };
    let result = encode(&message(data), &vec![0; MAX_FRAME]);
    assert!(matches!(result, Err(WireError::Length(_))));
}

#[test]
fn blocks_behind_a_message_that_has_none_are_refused() {
    let bytes = encode(&message(Body::Ack), b"blocks").unwrap();
    assert_eq!(decode(&bytes), Err(WireError::Malformed));
}

#[test]
fn lengths_must_add_up() {
    let lens = pack_lens([3, 2].into_iter());
    assert_eq!(split(&lens, b"abcde").unwrap(), [b"abc".as_slice(), b"de"]);
    assert!(split(&lens, b"abcd").is_err());
    assert!(split(&lens, b"abcdef").is_err());
    assert!(split(&pack_lens([usize::MAX].into_iter()), b"abc").is_err());
}

#[test]
fn numbers_that_overflow_are_refused() {
    let mut bytes = Vec::new();
    [0, u64::MAX, 2]
        .into_iter()
        .for_each(|n| pack::put(&mut bytes, n));
    assert_eq!(unpack_wants(&bytes), Err(WireError::Range));
    assert_eq!(pack::Reader::new(&[0xff; 10]).take(), Err(WireError::Range));
    assert_eq!(pack::Reader::new(&[0x80]).take(), Err(WireError::Malformed));
}

#[test]
fn a_step_of_one_hundred_events_costs_two_bytes() {
    let mut packer = EntryPacker::default();
    let told = Knowledge {
        floor: 10,
        prefix: 1_000_000,
        ..Knowledge::default()
    };
    for index in 0..1_000 {
        packer.push(
            index,
            &told,
            &Knowledge {
                prefix: 1_000_100,
                ..told.clone()
            },
        );
    }
    assert_eq!(packer.len(), 2_000);
}

fn knowledge() -> impl Strategy<Value = Knowledge> {
    let runs = proptest::collection::vec((1_u64..500, 0_u64..40), 0..6);
    (0_u64..300, runs, proptest::option::of(1_u64..600)).prop_map(|(floor, runs, last)| {
        let held: Intervals = runs
            .into_iter()
            .map(|(from, len)| (from, from + len))
            .collect();
        Knowledge::from_held(floor, held, last)
    })
}

fn entries(changes: &[(u32, Knowledge, Knowledge)]) -> (Packed, Vector) {
    let (mut packer, mut view) = (EntryPacker::default(), Vector::default());
    for (index, told, now) in changes {
        packer.push(*index, told, now);
        view.set(*index, told.clone());
    }
    (packer.finish(), view)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_digest_tells_exactly_what_changed(
        pairs in proptest::collection::btree_map(0_u32..2000, (knowledge(), knowledge()), 0..8),
    ) {
        let changes: Vec<_> = pairs.into_iter().map(|(i, (told, now))| (i, told, now)).collect();
        let (bytes, view) = entries(&changes);
        let heard = apply_entries(&bytes, &view, Some).unwrap();
        let expected: Vec<_> = changes.into_iter().map(|(i, _, now)| (i, i, now)).collect();
        prop_assert_eq!(heard, expected);
    }

    #[test]
    fn growth_comes_back(told in knowledge(), grown in 0_u64..500, rise in 0_u64..100) {
        let mut now = told.clone();
        now.learn(now.top().max(now.floor + 1), now.top() + grown);
        now.raise_floor(now.floor + rise);
        let (bytes, view) = entries(&[(3, told, now.clone())]);
        prop_assert_eq!(apply_entries(&bytes, &view, Some).unwrap(), vec![(3, 3, now)]);
    }

    #[test]
    fn wants_come_back(
        runs in proptest::collection::btree_set((0_u32..50, 0_u64..40, 0_u64..9), 0..40),
    ) {
        let wants: Vec<Want> = runs
            .into_iter()
            .map(|(index, at, len)| Want { index, from: at * 10 + 1, to: at * 10 + 1 + len })
            .fold(Vec::new(), |mut kept: Vec<Want>, want| {
                if kept.last().is_none_or(|k| k.index != want.index || k.to < want.from) {
                    kept.push(want);
                }
                kept
            });
        prop_assert_eq!(unpack_wants(&pack_wants(&wants)).unwrap(), wants);
    }

    #[test]
    fn any_bytes_are_an_error_or_a_message(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode_all(&bytes);
        if bytes.len() > HEADER {
            let _ = decode_all(&signed(bytes));
        }
    }

    #[test]
    fn any_packed_bytes_are_an_error_or_numbers(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = apply_entries(&bytes, &Vector::default(), Some);
        let _ = unpack_wants(&bytes);
        let _ = unpack_old(&bytes);
        let _ = split(&bytes, &bytes);
    }

    #[test]
    fn damaged_messages_are_an_error_or_a_message(
        sample in 0_usize..9, at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let (message, blocks) = samples().swap_remove(sample);
        let mut bytes = encode(&message, &blocks).unwrap();
        let at = HEADER + at.index(bytes.len() - HEADER);
        bytes[at] = byte;
        let _ = decode_all(&signed(bytes));
    }
}
