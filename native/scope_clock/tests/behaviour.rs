//! What a clock does, on a source of time that is moved by hand.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use std::sync::atomic::{AtomicU64, Ordering};

use scope_clock::{
    Clock, ClockError, Counter, CounterInfo, Manual, Mode, NodeId, Phase, Settings, Source, Stamp,
};

const WALL: u64 = 1_700_000_000_000_000_000;
const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;

fn settings() -> Settings {
    Settings::new(NodeId::new("a@host", 1))
}

fn started(time: &Manual) -> Clock<&Manual> {
    let clock = Clock::with_source(time);
    clock.start(settings()).unwrap();
    clock
}

fn ahead_of(stamp: Stamp, ns: u64) -> Stamp {
    stamp.plus_ns(ns)
}

#[test]
fn a_clock_that_is_not_started_shows_the_wall_and_counts_on() {
    let time = Manual::new(WALL);
    let clock = Clock::with_source(&time);
    let first = clock.now();
    assert_eq!(first.physical_ns(), WALL);
    assert!(clock.now() > first);
    time.step_wall(-1_000_000);
    assert!(clock.now() > first);
    assert_eq!(clock.observe(first), Err(ClockError::NotStarted));
    assert_eq!(clock.calibrate(), Err(ClockError::NotStarted));
    assert_eq!(clock.status().phase, Phase::Idle);
    clock.start(settings()).unwrap();
    assert!(clock.now() > first);
}

#[test]
fn it_follows_the_wall() {
    let time = Manual::new(WALL);
    let clock = started(&time);
    assert_eq!(clock.now().physical_ns(), WALL);
    time.advance(SECOND);
    assert!(clock.now().ns_since(Stamp::from_ns(WALL + SECOND)).abs() <= 1);
    assert_eq!(clock.status().mode, Mode::Tsc);
}

#[test]
fn a_counter_that_misstates_its_speed_is_measured_and_the_error_given_back() {
    let time = Manual::new(WALL).error_ppm(100);
    let clock = started(&time);
    for _ in 0..600 {
        time.advance(SECOND);
        clock.calibrate().unwrap();
    }
    let status = clock.status();
    assert!((status.hertz - 2e9).abs() < 2.0, "{status:?}");
    assert!(status.ahead_ns.abs() < 100, "{status:?}");
}

#[test]
fn a_remote_stamp_ahead_raises_the_clock_and_is_given_back_at_50_ppm() {
    let time = Manual::new(WALL);
    let clock = started(&time);
    let remote = ahead_of(clock.now(), 400 * MS);
    let after = clock.observe(remote).unwrap();
    assert!(after > remote);
    let mut ahead = clock.status().ahead_ns;
    for _ in 0..10 {
        clock.calibrate().unwrap();
        let before = clock.now();
        time.advance(SECOND);
        let elapsed = clock.now().ns_since(before);
        assert!((elapsed - 1_000_000_000).abs() <= 50_001, "{elapsed}");
        assert!(clock.status().ahead_ns < ahead);
        ahead = clock.status().ahead_ns;
    }
    assert_eq!(clock.status().slew_ppb, -50_000);
}

#[test]
fn twenty_milliseconds_are_twenty_milliseconds_while_a_peer_is_ahead() {
    let time = Manual::new(WALL);
    let clock = started(&time);
    for round in 0..50 {
        clock.observe(ahead_of(clock.physical(), 5 * MS)).unwrap();
        time.advance(7 * MS);
        clock.calibrate().unwrap();
        let before = clock.now();
        time.advance(20 * MS);
        let elapsed = clock.now().ns_since(before);
        assert!(
            (elapsed - 20_000_000).abs() <= 1_001,
            "round {round}: {elapsed}"
        );
    }
}

#[test]
fn a_clock_ahead_comes_back_to_the_wall_and_stays() {
    let time = Manual::new(WALL);
    let clock = started(&time);
    clock.observe(ahead_of(clock.now(), 2 * MS)).unwrap();
    for _ in 0..120 {
        time.advance(SECOND);
        clock.calibrate().unwrap();
    }
    assert!(clock.status().ahead_ns.abs() < 50, "{:?}", clock.status());
}

#[test]
fn too_far_ahead_is_refused_with_both_stamps_and_counted() {
    let time = Manual::new(WALL);
    let clock = started(&time);
    let remote = ahead_of(clock.physical(), 500 * MS + 1);
    let before = clock.now();
    let refused = clock.observe(remote);
    let physical = Stamp::from_ns(WALL);
    let limit_ns = 500 * MS;
    assert_eq!(
        refused,
        Err(ClockError::TooFarAhead {
            remote,
            physical,
            limit_ns
        })
    );
    assert_eq!(clock.now(), before);
    let status = clock.status();
    assert_eq!((status.counts.observed, status.counts.refused), (1, 1));
    assert_eq!(status.last_refused, Some((remote, physical)));
    clock.observe(ahead_of(clock.physical(), 500 * MS)).unwrap();
}

#[test]
fn drift_is_judged_by_the_physical_clock_so_peers_cannot_walk_away() {
    let time = Manual::new(WALL);
    let clock = started(&time);
    let mut refused = 0;
    for _ in 0..10 {
        // A peer that is always 400 ms ahead of *us*.
        refused += u32::from(clock.observe(ahead_of(clock.now(), 400 * MS)).is_err());
    }
    assert_eq!(refused, 9);
    assert!(clock.status().ahead_ns <= 500_000_000);
}

#[test]
fn a_wall_that_steps_forward_takes_the_clock_along() {
    let time = Manual::new(WALL);
    let clock = started(&time);
    time.advance(SECOND);
    time.step_wall(3_600_000_000_000);
    let before = clock.now();
    let outcome = clock.calibrate().unwrap();
    assert_eq!(outcome.wall_step_ns, 3_600_000_000_000);
    assert!(clock.now() > before);
    assert!(clock.status().ahead_ns.abs() <= 1);
    assert_eq!(clock.status().counts.wall_forward, 1);
}

#[test]
fn a_wall_that_steps_back_a_little_is_waited_for() {
    let time = Manual::new(WALL);
    let clock = started(&time);
    time.advance(SECOND);
    time.step_wall(-400_000_000);
    let outcome = clock.calibrate().unwrap();
    let before = clock.now();
    assert_eq!(outcome.wall_step_ns, -400_000_000);
    assert!(outcome.slew_ppb < 0);
    time.advance(1_000);
    assert!((clock.now().ns_since(before) - 1_000).abs() <= 2);
    assert_eq!(clock.status().phase, Phase::Running);
}

#[test]
fn a_wall_that_steps_back_too_far_ends_the_incarnation() {
    let time = Manual::new(WALL);
    let clock = started(&time);
    time.advance(SECOND);
    time.step_wall(-600_000_000);
    let before = clock.now();
    let ended = clock.calibrate();
    assert!(
        matches!(ended, Err(ClockError::IncarnationEnded { wall, stamp })
        if stamp == before && wall < stamp)
    );
    assert_eq!(clock.status().phase, Phase::Ended);
    // It goes on until someone decides, and keeps saying so.
    time.advance(1_000);
    assert!(clock.now() > before);
    assert!(clock.calibrate().is_err());
    let node = NodeId::new("a@host", 2);
    let renewed = clock.renew(node).unwrap();
    assert_eq!(renewed.stamp, clock.physical());
    assert!(renewed.stamp < before);
    assert_eq!(clock.timestamp().unwrap().node, node);
    assert_eq!(clock.status().phase, Phase::Running);
    clock.calibrate().unwrap();
}

#[test]
fn small_steps_back_add_up() {
    let time = Manual::new(WALL);
    let clock = started(&time);
    let mut outcomes = Vec::new();
    for _ in 0..3 {
        time.advance(SECOND);
        time.step_wall(-200_000_000);
        outcomes.push(clock.calibrate().is_ok());
    }
    assert_eq!(outcomes, [true, true, false]);
}

#[test]
fn a_peer_just_within_the_limit_does_not_end_the_incarnation() {
    let time = Manual::new(WALL);
    let clock = started(&time);
    clock.observe(ahead_of(clock.physical(), 500 * MS)).unwrap();
    time.advance(SECOND);
    time.step_wall(-10_000_000);
    clock.calibrate().unwrap();
}

#[test]
fn coarse_ticks_are_shared_through_one_word() {
    let time = Manual::new(WALL).hertz(10_000_000);
    let clock = started(&time);
    assert_eq!(clock.status().mode, Mode::Shared);
    let stamps: Vec<Stamp> = (0..1_000).map(|_| clock.now()).collect();
    assert!(stamps.is_sorted_by(|a, b| a < b));
    let remote = ahead_of(clock.now(), MS);
    assert!(clock.observe(remote).unwrap() > remote);
    assert!(clock.now() > remote);
}

#[test]
fn without_a_time_stamp_counter_the_monotonic_clock_serves() {
    let time = Manual::new(WALL).without_tsc();
    let clock = started(&time);
    let status = clock.status();
    assert_eq!(
        (status.mode, status.counter),
        (Mode::Monotonic, Counter::Monotonic)
    );
    time.advance(1_000);
    assert_eq!(clock.now().physical_ns(), WALL + 1_000);
}

#[test]
fn a_counter_that_the_kernel_gives_up_is_given_up() {
    let time = Manual::new(WALL);
    let clock = started(&time);
    time.advance(SECOND);
    let before = clock.now();
    time.distrust();
    clock.calibrate().unwrap();
    assert!(clock.now() > before);
    assert_eq!(clock.status().mode, Mode::Monotonic);
    let before = clock.now();
    time.advance(SECOND);
    assert!((clock.now().ns_since(before) - 1_000_000_000).abs() < 50_000);
}

#[test]
fn starting_again_goes_on_from_where_the_clock_is() {
    let time = Manual::new(WALL);
    let clock = started(&time);
    let remote = ahead_of(clock.now(), 300 * MS);
    clock.observe(remote).unwrap();
    let before = clock.now();
    let started = clock
        .start(Settings::new(NodeId::new("a@host", 2)))
        .unwrap();
    assert!(started.stamp > before);
    assert!(!started.wall_behind);
}

#[test]
fn monotonic_time_follows_from_stamps() {
    let time = Manual::new(WALL).error_ppm(40);
    let clock = started(&time);
    let from = clock.generation();
    let mut seen = Vec::new();
    for round in 0..200_u64 {
        time.advance(30 * MS + round);
        seen.push((clock.now(), time.mono_ns()));
        if round % 7 == 0 {
            clock
                .observe(ahead_of(clock.now(), round * 10_000))
                .unwrap();
        }
        if round % 33 == 0 {
            clock.calibrate().unwrap();
        }
    }
    let anchors = clock.anchors(from);
    let mut last = 0;
    for (stamp, mono) in seen {
        let at = anchors.partition_point(|anchor| anchor.stamp <= stamp);
        let derived = anchors[at - 1].mono_ns_at(stamp);
        assert!(derived.abs_diff(mono) < 45_000, "{derived} {mono}");
        assert!(derived >= last);
        last = derived;
    }
}

#[test]
fn a_mono_anchor_is_where_the_monotonic_clock_is() {
    let time = Manual::new(WALL);
    let clock = started(&time);
    clock.observe(ahead_of(clock.now(), 300 * MS)).unwrap();
    time.advance(12_345);
    let (stamp, mono) = clock.mono_anchor();
    assert_eq!(stamp, clock.now());
    assert!(mono.abs_diff(time.mono_ns()) <= 2);
}

#[test]
fn anchors_are_bounded() {
    let time = Manual::new(WALL);
    let clock = started(&time);
    for _ in 0..2_000 {
        clock.observe(clock.now()).unwrap();
    }
    assert_eq!(clock.anchors(0).len(), 512);
    assert_eq!(clock.anchors(clock.generation()).len(), 1);
}

#[test]
fn a_suspended_machine_does_not_spoil_the_speed() {
    let time = Manual::new(WALL);
    let clock = started(&time);
    time.advance(SECOND);
    clock.calibrate().unwrap();
    // Seen from the monotonic clock, suspension is a wall clock that jumps forward.
    time.step_wall(7_200_000_000_000);
    time.advance(SECOND);
    clock.calibrate().unwrap();
    assert!((clock.status().hertz - 2e9).abs() < 2.0);
    assert!(clock.status().ahead_ns.abs() < 1_000);
}

#[test]
fn the_limit_can_be_set() {
    let time = Manual::new(WALL);
    let clock = Clock::with_source(&time);
    clock
        .start(Settings {
            limit: Duration::from_millis(10),
            ..settings()
        })
        .unwrap();
    assert!(clock.observe(ahead_of(clock.physical(), 11 * MS)).is_err());
    assert!(clock.observe(ahead_of(clock.physical(), 9 * MS)).is_ok());
    assert_eq!(clock.status().limit_ns, 10 * MS);
}

#[test]
fn a_counter_that_stands_still_is_refused() {
    let time = Manual::new(WALL).hertz(0);
    let clock = Clock::with_source(&time);
    assert_eq!(clock.start(settings()), Err(ClockError::NoCounter));
    assert_eq!(clock.now().physical_ns(), WALL);
}

#[test]
fn a_renewed_clock_with_a_shared_word_begins_at_the_wall() {
    let time = Manual::new(WALL).hertz(1_000_000);
    let clock = started(&time);
    let last = clock.now();
    time.step_wall(-3_600_000_000_000);
    assert!(clock.calibrate().is_err());
    clock.renew(NodeId::new("a@host", 2)).unwrap();
    assert!(clock.now() < last);
    assert_eq!(clock.status().phase, Phase::Running);
}

/// A writer that loses its processor: time goes by with every ordered reading.
struct Late<'a> {
    time: &'a Manual,
    by_ns: AtomicU64,
}

impl Source for Late<'_> {
    fn ticks(&self, counter: Counter) -> u64 {
        self.time.ticks(counter)
    }
    fn ticks_ordered(&self, counter: Counter) -> u64 {
        let ticks = self.time.ticks(counter);
        self.time.advance(self.by_ns.load(Ordering::Relaxed));
        ticks
    }
    fn mono_ns(&self) -> u64 {
        self.time.mono_ns()
    }
    fn wall_ns(&self) -> u64 {
        self.time.wall_ns()
    }
    fn counter(&self) -> CounterInfo {
        self.time.counter()
    }
    fn trusts(&self, counter: Counter) -> bool {
        self.time.trusts(counter)
    }
    fn boot(&self) -> Option<u128> {
        self.time.boot()
    }
    fn sleep(&self, duration: Duration) {
        self.time.sleep(duration);
    }
}

#[test]
fn a_slower_line_that_becomes_visible_late_is_lifted_again() {
    let time = Manual::new(WALL);
    let late = Late {
        time: &time,
        by_ns: AtomicU64::new(0),
    };
    let clock = Clock::with_source(late);
    clock.start(settings()).unwrap();
    clock.observe(ahead_of(clock.now(), 400 * MS)).unwrap();
    let mut last = clock.now();
    for _ in 0..10 {
        time.advance(SECOND);
        clock.source().by_ns.store(40 * MS, Ordering::Relaxed);
        clock.calibrate().unwrap();
        clock.source().by_ns.store(0, Ordering::Relaxed);
        assert!(clock.now() > last);
        last = clock.now();
    }
    assert!(clock.status().counts.late_lines > 0);
}

#[test]
fn an_anchor_knows_the_rate_that_is_in_force() {
    for step in [-100_000i64, 100_000] {
        let time = Manual::new(WALL);
        let clock = started(&time);
        time.advance(SECOND);
        clock.calibrate().unwrap();
        time.step_wall(step);
        time.advance(SECOND);
        let slew = clock.calibrate().unwrap().slew_ppb;
        let anchor = clock.anchors(0).pop().unwrap();
        assert_eq!((anchor.generation, anchor.ppb), (clock.generation(), slew));
        // Behind the wall, stamps run faster than the monotonic clock; ahead of it, slower.
        assert_eq!(slew.signum(), i32::try_from(step.signum()).unwrap());
        let (first, from) = (clock.now(), time.mono_ns());
        time.advance(SECOND);
        let (last, to) = (clock.now(), time.mono_ns());
        let derived = anchor.mono_ns_at(last) - anchor.mono_ns_at(first);
        assert!(derived.abs_diff(to - from) < MS / 1_000, "{derived}");
        let unsteered = scope_clock::Anchor { ppb: 0, ..anchor };
        let off = unsteered.mono_ns_at(last) - unsteered.mono_ns_at(first);
        assert!(off.abs_diff(to - from) > MS / 1_000, "{off}");
    }
}
