//! What is dropped, kept and remembered, against a plain model.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should fail there"
)]
#![cfg(not(loom))]

use scope_trace::{TOP, TRACES, Thinning, Traces, Unit};

const PLENTY: fn(usize) -> Option<u64> = |_seat| Some(u64::MAX);

fn unit(id: u64) -> Unit {
    Unit::of([0, id, 0])
}

fn all() -> Traces {
    Traces::from_bits(u64::MAX)
}

/// A generator whose seed is printed by whoever fails.
struct Random(u64);

impl Random {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

#[test]
fn a_level_keeps_one_in_two_to_its_power_and_more_levels_keep_less_of_the_same() {
    for level in 0..=TOP {
        let kept = (0..1 << 16).filter(|&id| unit(id).is_kept(level)).count();
        let fair = (1 << 16) >> level;
        assert!(
            kept.abs_diff(fair) < fair / 3 + 8,
            "{kept} at level {level}"
        );
        let nested = |id| level == 0 || unit(id).is_kept(level - 1) || !unit(id).is_kept(level);
        assert!((0..1 << 12).all(nested));
    }
}

#[test]
fn neighbours_and_the_words_of_processes_spread() {
    for step in [1, 16, 1 << 4 | 3, 1 << 20] {
        let kept = (0..4096).filter(|&n| unit(n * step).is_kept(3)).count();
        assert!((400..630).contains(&kept), "{kept} of 4096, {step} apart");
    }
    assert_ne!(Unit::of([0, 7, 0]), Unit::of([1, 7, 0]));
    assert_ne!(Unit::of([1, 7, 8]), Unit::of([1, 8, 7]));
}

#[test]
fn what_is_decided_is_what_the_levels_of_the_moment_say() {
    let seed = 0x5eed;
    let mut random = Random(seed);
    let thinning = Thinning::new();
    (0..TRACES).for_each(|seat| thinning.begin(seat));
    let mut levels = [0u8; TRACES];
    for id in 0..20_000 {
        let seat = random.next(TRACES as u64) as usize;
        levels[seat] = random.next(u64::from(TOP) + 3) as u8;
        thinning.set(seat, levels[seat], 0);
        let dropping = thinning.decide(all(), unit(id), PLENTY);
        let expected = (0..TRACES).filter(|&at| !unit(id).is_kept(levels[at].min(TOP)));
        assert!(dropping.seats().eq(expected), "seed {seed}, id {id}");
        assert!(dropping.without(thinning.watched()).is_empty());
        let process = thinning.without_correlation(all(), unit(id), PLENTY);
        assert_eq!(process, dropping);
    }
}

#[test]
fn a_level_that_changes_changes_nothing_that_was_decided() {
    let thinning = Thinning::new();
    thinning.begin(3);
    thinning.set(3, TOP, 0);
    let id = (0..).find(|&id| !unit(id).is_kept(1)).unwrap();
    let decision = thinning.decided(thinning.decide(Traces::of(3), unit(id), PLENTY));
    thinning.set(3, 0, 0);
    assert_eq!(thinning.dropping(decision), Traces::of(3));
    let kept = thinning.decided(thinning.decide(Traces::of(3), unit(id), PLENTY));
    thinning.set(3, TOP, 0);
    assert!(thinning.dropping(kept).is_empty());
}

#[test]
fn a_decision_is_nothing_to_the_next_trace_in_the_seat() {
    let thinning = Thinning::new();
    thinning.begin(0);
    thinning.begin(1);
    let decision = thinning.decided(Traces::of(0) | Traces::of(1));
    assert_eq!(thinning.dropping(decision).len(), 2);
    thinning.set(0, 4, 9);
    thinning.begin(0);
    assert_eq!(thinning.dropping(decision), Traces::of(1));
    assert_eq!((thinning.level(0), thinning.dropped(0)), (0, 0));
    assert!(thinning.watched().is_empty());
}

#[test]
fn no_correlation_begins_that_the_credits_may_not_last_for() {
    let thinning = Thinning::new();
    thinning.begin(0);
    thinning.set(0, 0, 100);
    let begins = |left| thinning.decide(Traces::of(0), unit(1), |_| left).is_empty();
    assert!(begins(Some(100)) && begins(None));
    assert!(thinning.watched().is_empty());
    assert!(!begins(Some(99)) && !begins(Some(0)));
    assert_eq!(
        (thinning.watched(), thinning.dropped(0)),
        (Traces::of(0), 2)
    );
    thinning.set(0, 0, 0);
    assert!(begins(Some(0)));
}

#[test]
fn half_of_the_reserve_is_for_what_has_begun() {
    let thinning = Thinning::new();
    thinning.begin(0);
    thinning.set(0, 0, 100);
    let drops = |left| {
        !thinning
            .without_correlation(Traces::of(0), unit(1), |_| left)
            .is_empty()
    };
    assert!(!drops(Some(50)) && !drops(None));
    assert!(drops(Some(49)));
}

#[test]
fn calls_that_are_left_out_are_counted_until_they_return_or_the_level_changes() {
    let thinning = Thinning::new();
    thinning.begin(0);
    (0..5).for_each(|_| thinning.opened(0, unit(1), 1));
    thinning.opened(0, unit(1), -1);
    assert_eq!((thinning.deepest(0), thinning.deepest(1)), (4, 0));
    thinning.set(0, 0, 0);
    assert_eq!(thinning.deepest(0), 4);
    thinning.set(0, 1, 0);
    thinning.opened(0, unit(1), -1);
    assert_eq!((thinning.deepest(0), thinning.deepest(TRACES)), (0, 0));
}

#[test]
fn a_sketch_tells_one_unit_from_many() {
    let thinning = Thinning::new();
    thinning.begin(0);
    for _ in 0..1000 {
        thinning.saw(0, unit(7));
    }
    assert_eq!(thinning.sketch(0).count_ones(), 1);
    (0..1000).for_each(|id| thinning.saw(0, unit(id)));
    assert_eq!(thinning.sketch(0), u64::MAX);
    thinning.set(0, 1, 0);
    assert_eq!(thinning.sketch(0), 0);
}

#[test]
fn seats_that_there_are_not_have_nothing() {
    let thinning = Thinning::new();
    thinning.begin(TRACES);
    thinning.set(TRACES, 3, 1);
    thinning.saw(TRACES, unit(1));
    let of = (
        thinning.level(TRACES),
        thinning.sketch(TRACES),
        thinning.dropped(TRACES),
    );
    assert_eq!(of, (0, 0, 0));
    assert!(thinning.watched().is_empty());
}
