//! Stamps and identities against `uhlc`, whose wire form they share.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use proptest::prelude::*;
use scope_clock::{Clock, ClockError, Manual, NodeId, Settings, Stamp, Timestamp};
use uhlc::{HLCBuilder, ID, NTP64};

const WALL: u64 = 1_700_000_000_000_000_000;

/// Stamps near the borders of seconds and nanoseconds are as likely as all others.
fn stamps() -> impl Strategy<Value = Stamp> {
    let near = |center: u64| (-20i64..20).prop_map(move |by| center.wrapping_add_signed(by));
    prop_oneof![
        any::<u64>(),
        any::<u32>().prop_flat_map(move |second| near(u64::from(second) << 32)),
        (0..1u64 << 62).prop_flat_map(move |ns| near(Stamp::from_ns(ns).bits())),
    ]
    .prop_map(Stamp::from_bits)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn the_nanosecond_is_the_one_of_uhlc(stamp in stamps()) {
        prop_assert_eq!(stamp.physical_ns(), NTP64::from(stamp).as_nanos());
    }

    #[test]
    fn a_nanosecond_makes_the_stamp_that_uhlc_makes(ns in 0..u64::from(u32::MAX) * 1_000_000_000) {
        let theirs = NTP64::from(Duration::from_nanos(ns));
        prop_assert_eq!(Stamp::from_ns(ns), Stamp::from(theirs));
        prop_assert_eq!(Stamp::from_ns(ns).physical_ns(), ns);
    }

    #[test]
    fn parts_come_back_whole_and_in_order(a in stamps(), b in stamps()) {
        let parts = |stamp: Stamp| (stamp.physical_ns(), stamp.logical());
        prop_assert_eq!(Stamp::from_parts(a.physical_ns(), a.logical()), Some(a));
        prop_assert!(a.logical() <= 4);
        prop_assert_eq!(parts(a).cmp(&parts(b)), a.cmp(&b));
        prop_assert_eq!(parts(a).cmp(&parts(a.next())), a.cmp(&a.next()));
    }

    #[test]
    fn parts_that_no_stamp_has_are_refused(ns in any::<u64>(), logical in any::<u8>()) {
        if let Some(stamp) = Stamp::from_parts(ns, logical) {
            prop_assert_eq!((stamp.physical_ns(), stamp.logical()), (ns, logical));
        } else {
            prop_assert!(logical > 3 || ns > 4_294_967_295_999_999_999);
        }
    }

    #[test]
    fn differences_are_those_of_the_nanoseconds(a in stamps(), b in stamps()) {
        let exact = i128::from(b.physical_ns()) - i128::from(a.physical_ns());
        prop_assert!((i128::from(b.ns_since(a)) - exact).abs() <= 1);
    }

    #[test]
    fn timestamps_go_to_uhlc_and_back_in_the_same_order(
        a in stamps(), b in stamps(), m in 1..u128::MAX, n in 1..u128::MAX, tie in any::<bool>(),
    ) {
        let ours = |stamp, bits| Timestamp { stamp, node: NodeId::from_bits(bits).unwrap() };
        let (a, b) = (ours(a, m), ours(if tie { a } else { b }, n));
        let (theirs_a, theirs_b) = (uhlc::Timestamp::from(a), uhlc::Timestamp::from(b));
        prop_assert_eq!(Timestamp::from(theirs_a), a);
        prop_assert_eq!(a.cmp(&b), theirs_a.cmp(&theirs_b));
    }

    /// The rule of acceptance is theirs. They cut four bits off their own time, hence the margin.
    #[test]
    fn uhlc_takes_and_refuses_what_we_do(ahead_ns in -1_000_000_000i64..1_000_000_000) {
        prop_assume!((ahead_ns - 500_000_000).abs() > 8);
        fn wall() -> NTP64 {
            Stamp::from_ns(WALL).into()
        }
        let node = NodeId::new("a@host", 1);
        let theirs = HLCBuilder::new()
            .with_id(node.into())
            .with_clock(wall)
            .with_max_delta(Duration::from_millis(500))
            .build();
        let time = Manual::new(WALL);
        let ours = Clock::with_source(&time);
        ours.start(Settings::new(node)).unwrap();
        let remote = Stamp::from_ns(WALL.wrapping_add_signed(ahead_ns));
        let timestamp = Timestamp { stamp: remote, node: NodeId::new("b@host", 1) };
        let taken = theirs.update_with_timestamp(&timestamp.into()).is_ok();
        let outcome = ours.observe(remote);
        prop_assert_eq!(outcome.is_ok(), taken);
        if taken {
            let next = Stamp::from(*theirs.new_timestamp().get_time());
            prop_assert!(next > remote && outcome.unwrap() > remote);
            prop_assert!(ours.now().ns_since(next).abs() <= 4);
        } else {
            let refused = matches!(outcome, Err(ClockError::TooFarAhead { remote: r, .. }) if r == remote);
            prop_assert!(refused);
        }
    }
}

#[test]
fn both_show_the_same_time() {
    let clock = Clock::new();
    clock
        .start(Settings::new(NodeId::new("a@host", 1)))
        .unwrap();
    let theirs = HLCBuilder::new().build();
    let between = (0..100)
        .map(|_| {
            let before = Stamp::from(*theirs.new_timestamp().get_time());
            let ours = clock.now_ordered();
            let after = Stamp::from(*theirs.new_timestamp().get_time());
            (before.ns_since(ours)).max(ours.ns_since(after)).max(0)
        })
        .min();
    // Freshly started on a busy machine: the wall was read to within some microseconds.
    assert!(between.unwrap() < 1_000_000, "{between:?}");
}

#[test]
fn an_identity_is_an_id_of_uhlc() {
    let node = NodeId::new("a@host", 7);
    let id = ID::from(node);
    assert_eq!(NodeId::from(id), node);
    assert_eq!(id.to_le_bytes(), node.bits().to_le_bytes());
    assert_eq!(format!("{id}"), format!("{:x}", node.bits()));
}

/// The identity is on disk and on the wire: it may not change between releases.
#[test]
fn identities_are_stable() {
    let bits = |name, incarnation| format!("{:032x}", NodeId::new(name, incarnation).bits());
    assert_eq!(bits("a@host", 1), GOLDEN[0]);
    assert_eq!(bits("a@host", 2), GOLDEN[1]);
    assert_eq!(bits("", 0), GOLDEN[2]);
}

const GOLDEN: [&str; 3] = [
    "c37b1b5fb7c491095706668d3d4786d6",
    "2ee87ce2d2b1f4625c04728aba74f2d9",
    "99aa06d3014798d86001c324468d497f",
];

#[test]
fn the_last_and_the_first_stamp_have_parts_too() {
    for stamp in [Stamp::ZERO, Stamp::MAX, Stamp::from_bits(1)] {
        let parts = Stamp::from_parts(stamp.physical_ns(), stamp.logical());
        assert_eq!(parts, Some(stamp));
    }
    assert_eq!(Stamp::from_ns(u64::MAX), Stamp::MAX);
    assert_eq!(Stamp::MAX.next(), Stamp::MAX);
}
