//! Order between real threads on the real counter.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use scope_clock::{Clock, ClockError, Counter, Manual, NodeId, Settings, Stamp};

/// Hand-overs between two spinning threads; more of them in a long run.
fn rounds() -> u64 {
    if std::env::var_os("SCOPE_LONG").is_some() {
        5_000_000
    } else {
        200_000
    }
}

fn started() -> Clock {
    let clock = Clock::new();
    clock
        .start(Settings::new(NodeId::new("a@host", 1)))
        .unwrap();
    clock
}

/// Passes the last stamp to and fro through one word of memory, and answers by how much a stamp
/// was at worst below the one handed over (negative: it was always above).
fn worst_inversion_ns(clock: &Clock, now: impl Fn(&Clock) -> Stamp + Sync) -> i64 {
    let (turn, word) = (AtomicU64::new(0), AtomicU64::new(0));
    let player = |odd: u64| {
        let mut worst = i64::MIN;
        let mut round = odd;
        let mut waited = 0_u32;
        while round < rounds() {
            if turn.load(Ordering::Acquire) != round {
                waited += 1;
                if waited.is_multiple_of(256) {
                    thread::yield_now();
                }
                std::hint::spin_loop();
                continue;
            }
            let stamp = now(clock);
            let handed = Stamp::from_bits(word.load(Ordering::Relaxed));
            worst = worst.max(handed.ns_since(stamp));
            word.store(stamp.bits(), Ordering::Relaxed);
            turn.store(round + 1, Ordering::Release);
            round += 2;
        }
        worst
    };
    thread::scope(|scope| {
        let other = scope.spawn(|| player(1));
        player(0).max(other.join().unwrap())
    })
}

/// While the hand-overs run, the line is redrawn all the time.
fn with_a_busy_writer<T>(clock: &Clock, work: impl FnOnce() -> T) -> T {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let ahead = clock.now().plus_ns(500);
                // On a machine whose wall clock is set meanwhile, refusals are in order.
                let _ = clock.observe(ahead);
                let _ = clock.calibrate();
                thread::sleep(Duration::from_micros(200));
            }
        });
        let result = work();
        done.store(true, Ordering::Relaxed);
        result
    })
}

#[test]
fn ordered_stamps_never_descend_along_a_hand_over() {
    let clock = started();
    let worst = with_a_busy_writer(&clock, || worst_inversion_ns(&clock, Clock::now_ordered));
    assert!(worst <= 0, "{worst} ns");
}

/// Bare memory hands over in less time than the processor may read a counter early, so an
/// unfenced stamp may lie below the one handed over. Some 170 cycles (75 ns) were seen on a busy
/// machine, with the bare counter as with the clock; a message between processes takes longer.
/// The limit here is far above, so that a strange machine fails only when the clock is wrong.
#[test]
fn unfenced_stamps_are_behind_by_no_more_than_the_counter_itself() {
    let clock = started();
    let worst = with_a_busy_writer(&clock, || worst_inversion_ns(&clock, Clock::now));
    assert!(worst <= 1_000, "{worst} ns");
}

#[test]
fn the_stamps_of_every_thread_ascend_while_the_line_moves() {
    let clock = started();
    with_a_busy_writer(&clock, || {
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let mut last = clock.now();
                    for _ in 0..rounds() {
                        let next = clock.now();
                        assert!(last <= next, "{last} {next}");
                        last = next;
                    }
                });
            }
        });
    });
}

#[test]
fn a_shared_word_makes_stamps_unique() {
    let time = Manual::new(1_700_000_000_000_000_000).hertz(1_000_000);
    let clock = Clock::with_source(&time);
    clock
        .start(Settings::new(NodeId::new("a@host", 1)))
        .unwrap();
    let mut all: Vec<Stamp> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| (0..10_000).map(|_| clock.now()).collect::<Vec<_>>()))
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    all.sort_unstable();
    assert!(all.is_sorted_by(|a, b| a < b));
}

#[test]
fn a_static_clock_serves_from_the_first_moment() {
    static CLOCK: Clock = Clock::new();
    let early = CLOCK.now();
    assert_eq!(CLOCK.timestamp(), Err(ClockError::NotStarted));
    CLOCK
        .start(Settings::new(NodeId::new("a@host", 1)))
        .unwrap();
    assert!(CLOCK.now() > early);
    assert!(CLOCK.timestamp().is_ok());
}

/// A sleep is as long by the clock as by the system's own, give or take what one reads later.
#[test]
fn the_clock_runs_at_the_speed_of_the_monotonic_clock() {
    let clock = started();
    let errors = (0..10).map(|_| {
        let (start, first) = (Instant::now(), clock.now_ordered());
        thread::sleep(Duration::from_millis(20));
        let (last, elapsed) = (clock.now_ordered(), start.elapsed());
        (last.ns_since(first) - elapsed.as_nanos() as i64).abs()
    });
    assert!(errors.min().unwrap() < 20_000, "1,000 ppm");
}

#[test]
fn the_counter_is_the_kernels() {
    let clock = started();
    let path = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    let kernel = std::fs::read_to_string(path).unwrap_or_default();
    let tsc = cfg!(all(target_arch = "x86_64", target_os = "linux")) && kernel.trim() == "tsc";
    assert_eq!(clock.status().counter == Counter::Tsc, tsc);
}

/// A new incarnation in order begins above what readers see while the disk takes its time.
#[test]
fn stamps_ascend_while_the_clock_is_started_again() {
    let folder = tempfile::tempdir().unwrap();
    let settings = || Settings::new(NodeId::new("a@host", 1)).folder(folder.path());
    let clock = Clock::new();
    clock.start(settings()).unwrap();
    clock.observe(clock.now().plus_ns(300_000_000)).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut last = clock.now();
            while !done.load(Ordering::Relaxed) {
                let next = clock.now();
                assert!(last <= next, "{last} {next}");
                last = next;
            }
        });
        for _ in 0..50 {
            assert!(!clock.start(settings()).unwrap().wall_behind);
        }
        done.store(true, Ordering::Relaxed);
    });
}
