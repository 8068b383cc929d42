use proptest::prelude::*;

use super::*;

fn sample() -> Handshake {
    Handshake {
        versions: Versions::OURS,
        origin: Origin::new("shop@web", 3),
        scope: "default".into(),
        capabilities: Capabilities::RECORD | Capabilities::TRACE,
        clock: 7 << 32,
        applications: 0x5eed,
    }
}

fn signed(mut bytes: Vec<u8>) -> Vec<u8> {
    let sum = checksum(&bytes);
    bytes[SUM_AT..PREFIX].copy_from_slice(&sum.to_le_bytes());
    bytes
}

fn versions() -> impl Strategy<Value = Versions> {
    (1_u16..20, 0_u16..20).prop_map(|(oldest, more)| Versions::new(oldest, oldest + more).unwrap())
}

#[test]
fn every_cut_and_every_flipped_bit_is_refused() {
    let bytes = sample().encode().unwrap();
    for len in 0..bytes.len() {
        assert!(Handshake::decode(&bytes[..len]).is_err());
    }
    for bit in 0..bytes.len() * 8 {
        let mut bad = bytes.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(Handshake::decode(&bad).is_err(), "bit {bit}");
    }
}

#[test]
fn a_protocol_of_the_future_is_told_apart_by_its_first_bytes() {
    let theirs = Versions::new(40, 41).unwrap();
    let mut bytes = theirs.to_bytes().to_vec();
    bytes.extend(b"whatever stands here by then");
    let none = NoCommonVersion {
        ours: Versions::OURS,
        theirs,
    };
    assert_eq!(
        Handshake::decode(&bytes),
        Err(WireError::NoCommonVersion(none))
    );
    assert_eq!(
        WireError::from(none).to_string(),
        "we speak versions 1 to 1 of the protocol, the peer 40 to 41"
    );
}

#[test]
fn what_a_later_version_adds_is_passed_over() {
    let mut bytes = sample().encode().unwrap();
    bytes[2] = 9;
    bytes.extend(b"more");
    let read = Handshake::decode(&signed(bytes)).unwrap();
    assert_eq!(read.versions, Versions::new(1, 9).unwrap());
    assert_eq!(read.agree(&sample()), Ok(1));
    assert_eq!(read.origin, sample().origin);
}

#[test]
fn a_range_without_versions_is_refused() {
    for [oldest, newest] in [[0, 0], [0, 1], [2, 1]] {
        let mut bytes = sample().encode().unwrap();
        (bytes[0], bytes[2]) = (oldest, newest);
        assert_eq!(Handshake::decode(&signed(bytes)), Err(WireError::Range));
    }
}

#[test]
fn names_are_neither_empty_nor_long() {
    for name in [String::new(), "x".repeat(256)] {
        let (mut node, mut scope) = (sample(), sample());
        node.origin = Origin::new(name.as_str(), 1);
        scope.scope = name;
        assert_eq!(node.encode(), Err(WireError::Range));
        assert_eq!(scope.encode(), Err(WireError::Range));
    }
}

#[test]
fn a_handshake_that_is_too_long_is_refused() {
    let mut bytes = sample().encode().unwrap();
    bytes.resize(MAX_HANDSHAKE + 1, 0);
    let refused = Err(WireError::Length(MAX_HANDSHAKE + 1));
    assert_eq!(Handshake::decode(&signed(bytes)), refused);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn every_handshake_comes_back(
        newest in 1_u16..9, node in "[a-z]{1,9}@[a-zé]{1,9}", scope in ".{1,60}",
        incarnation: u64, bits: u64, clock: u64, applications: u64,
    ) {
        let handshake = Handshake {
            versions: Versions::new(1, newest).unwrap(),
            origin: Origin::new(node, incarnation),
            scope,
            capabilities: Capabilities::from_bits(bits),
            clock,
            applications,
        };
        prop_assert_eq!(Handshake::decode(&handshake.encode().unwrap()), Ok(handshake));
    }

    #[test]
    fn both_sides_agree_on_the_highest_version_of_both(a in versions(), b in versions()) {
        let (left, right) = (Handshake { versions: a, ..sample() }, Handshake { versions: b, ..sample() });
        let common = (1..64).rev().find(|version| {
            [a, b].iter().all(|range| (range.oldest()..=range.newest()).contains(version))
        });
        prop_assert_eq!(left.agree(&right).ok(), common);
        prop_assert_eq!(right.agree(&left).ok(), common);
    }

    #[test]
    fn any_bytes_are_an_error_or_a_handshake(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let _ = Handshake::decode(&bytes);
        let mut ours = vec![1, 0, 1, 0, 0, 0, 0, 0];
        ours.extend(bytes);
        let _ = Handshake::decode(&signed(ours));
    }
}
