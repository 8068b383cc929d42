//! Reading the clock, beside `uhlc` in the same run.
//!
//! Each figure is the time of one call on each of so many threads that read the same clock: flat
//! is what a clock without shared writes looks like. The side measured is that of the caller.
#![allow(clippy::unwrap_used, reason = "a bench may panic")]

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use scope_bench::Row;
use scope_clock::{Clock, Manual, NodeId, Settings, Stamp};

/// The time of `iterations` calls on each of `threads` threads at once: that of the mean thread,
/// so that with more threads than processors it is the share of the processor that counts.
fn together<T>(threads: u32, iterations: u64, call: impl Fn() -> T + Sync) -> Duration {
    let barrier = Barrier::new(threads as usize);
    let one = || {
        barrier.wait();
        let start = cpu_time();
        for _ in 0..iterations {
            black_box(call());
        }
        cpu_time() - start
    };
    let total: Duration = thread::scope(|scope| {
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
        handles
            .into_iter()
            .map(|handle| handle.join().unwrap())
            .sum()
    });
    total / threads
}

/// The processor time of this thread: other builds on the machine do not count.
#[cfg(unix)]
fn cpu_time() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is valid to write to and lives through the call.
    let done = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(done, 0);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

#[cfg(not(unix))]
fn cpu_time() -> Duration {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

fn settings() -> Settings {
    Settings::new(NodeId::new("bench@host", 1))
}

fn reads(criterion: &mut Criterion) {
    let ours = Clock::new();
    ours.start(settings()).unwrap();
    let theirs = uhlc::HLC::default();
    // A bench that reads the wrong time measures nothing.
    let shown = Stamp::from(*theirs.new_timestamp().get_time());
    assert!(ours.now().ns_since(shown).abs() < 10_000_000);
    let mut group = criterion.benchmark_group("read");
    for threads in 1..=4 {
        group.bench_function(BenchmarkId::new("now", threads), |bencher| {
            bencher.iter_custom(|n| together(threads, n, || ours.now()));
        });
        group.bench_function(BenchmarkId::new("now_ordered", threads), |bencher| {
            bencher.iter_custom(|n| together(threads, n, || ours.now_ordered()));
        });
        group.bench_function(BenchmarkId::new("uhlc", threads), |bencher| {
            bencher.iter_custom(|n| together(threads, n, || theirs.new_timestamp()));
        });
    }
    group.finish();
}

/// The floors: what no clock can be faster than.
fn floors(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("floor");
    #[cfg(target_arch = "x86_64")]
    group.bench_function("rdtsc", |bencher| {
        // SAFETY: every x86-64 processor has the instruction.
        let read = || unsafe { std::arch::x86_64::_rdtsc() };
        bencher.iter_custom(|n| together(1, n, read));
    });
    group.bench_function("instant", |bencher| {
        bencher.iter_custom(|n| together(1, n, Instant::now));
    });
    group.finish();
}

fn others(criterion: &mut Criterion) {
    let ours = Clock::new();
    ours.start(settings()).unwrap();
    let theirs = uhlc::HLC::default();
    let time = Manual::new(1_700_000_000_000_000_000).hertz(1_000_000);
    let coarse = Clock::with_source(&time);
    coarse.start(settings()).unwrap();
    let mut group = criterion.benchmark_group("other");
    group.bench_function("observe, behind", |bencher| {
        let remote = ours.now();
        bencher.iter_custom(|n| together(1, n, || ours.observe(remote).unwrap()));
    });
    group.bench_function("uhlc update, behind", |bencher| {
        let remote = theirs.new_timestamp();
        bencher.iter_custom(|n| together(1, n, || theirs.update_with_timestamp(&remote).unwrap()));
    });
    group.bench_function("observe, ahead", |bencher| {
        bencher.iter_custom(|n| together(1, n, || ours.observe(ours.now()).unwrap()));
    });
    group.bench_function("calibrate", |bencher| {
        bencher.iter_custom(|n| together(1, n, || ours.calibrate().unwrap()));
    });
    group.bench_function("shared word (counter not counted)", |bencher| {
        bencher.iter_custom(|n| together(1, n, || coarse.now()));
    });
    group.bench_function("physical_ns and logical", |bencher| {
        let stamp = ours.now();
        bencher.iter_custom(|n| {
            together(1, n, || {
                let stamp = black_box(stamp);
                (stamp.physical_ns(), stamp.logical())
            })
        });
    });
    group.finish();
}

fn rows(_: &mut Criterion) {
    let read = |what, threads| scope_bench::median(&["read", what, threads]);
    for threads in ["1", "2", "4"] {
        for (what, target) in [("now", 15.0), ("now_ordered", 25.0)] {
            let (ours, peer) = (read(what, threads), read("uhlc", threads));
            let what = format!("clock: {what}, threads: {threads}");
            row(what, ours, "uhlc", peer, Some(target));
        }
    }
    let other = |what| scope_bench::median(&["other", what]);
    let (ours, peer) = (other("observe, behind"), other("uhlc update, behind"));
    row(
        "clock: a stamp from elsewhere".into(),
        ours,
        "uhlc",
        peer,
        None,
    );
}

fn row(what: String, ours: Option<f64>, name: &str, peer: Option<f64>, target: Option<f64>) {
    let (Some(ours), Some(peer)) = (ours, peer) else {
        return;
    };
    let row = Row::new(what, "ns", ours).beside(name, peer);
    target.map_or(row.clone(), |most| row.at_most(most)).print();
}

criterion_group!(benches, floors, reads, others, rows);
criterion_main!(benches);
