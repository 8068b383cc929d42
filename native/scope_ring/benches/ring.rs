//! What one recorded event costs its thread, beside rtrb and crossbeam's ArrayQueue in one run.
//!
//! The writing side is timed alone, in batches of 1,024 into an empty ring, emptied untimed: that is
//! what a traced process feels. Every batch is checked when it is read back. All rings move the
//! same 32 bytes; rtrb is the floor (no sessions, losses, payload or sleeping reader), ArrayQueue
//! what one shared queue would be.
//!
//! The closing rows take the best sample of each, because the gate is a ratio in one run.

#![allow(
    clippy::unwrap_used,
    reason = "a bench that cannot go on should fail there"
)]

use criterion::{BenchmarkGroup, Criterion, measurement::WallTime};
use crossbeam_queue::ArrayQueue;
use scope_bench::Row;
use scope_ring::{Drain, Head, Lanes, LanesConfig, Producer, Slot, WakeOn, Words};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

const BATCH: u64 = 1024;
type Best = BTreeMap<&'static str, f64>;
type Group<'a> = BenchmarkGroup<'a, WallTime>;

static LANES: Lanes = Lanes::new();

/// About the peers' 65,536 slots for each lane: a larger ring would also measure the cache.
const fn config(lanes: usize) -> LanesConfig {
    LanesConfig {
        ring_bytes: lanes * ((6 << 20) + (68 << 10)),
        ..LanesConfig::for_lanes(lanes)
    }
}

fn words(n: u64) -> Words {
    Words {
        stamp: n,
        pid: 2,
        subject: 3,
    }
}

fn slot(n: u64) -> Slot {
    Slot {
        stamp: n,
        pid: 2,
        subject: 3,
        head: Head::new(1),
    }
}

/// The counter that a clock would read.
fn ticks() -> u64 {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: reads a counter, nothing else.
    return unsafe { std::arch::x86_64::_rdtsc() };
    #[cfg(not(target_arch = "x86_64"))]
    return Instant::now().elapsed().as_nanos() as u64;
}

/// Times `write` in batches and calls `empty` between them.
fn time(iters: u64, mut write: impl FnMut(u64), mut empty: impl FnMut(u64)) -> Duration {
    let (mut spent, mut done) = (Duration::ZERO, 0);
    while done < iters {
        let batch = BATCH.min(iters - done);
        let start = Instant::now();
        (0..batch).for_each(&mut write);
        spent += start.elapsed();
        empty(batch);
        done += batch;
    }
    spent
}

fn bench(
    group: &mut Group<'_>,
    best: &mut Best,
    name: &'static str,
    mut run: impl FnMut(u64) -> Duration,
) {
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|iters| {
            let spent = run(iters);
            let each = spent.as_secs_f64() * 1e9 / iters as f64;
            let least = best.entry(name).or_insert(f64::INFINITY);
            // A sample of a few events is warm-up, not a figure.
            *least = if iters < BATCH {
                *least
            } else {
                least.min(each)
            };
            spent
        });
    });
}

/// Looks at a peer's item as the drain looks at ours.
fn one(slot: Slot) -> u64 {
    black_box(slot.stamp);
    1
}

fn read_all(drain: &mut Drain<'_>, batch: u64) {
    let mut stamps = 0;
    let read = drain.drain(usize::MAX, |_, slot, _| {
        stamps += u64::from(slot.head.kind())
    });
    assert_eq!(
        (read as u64, stamps),
        (batch, batch),
        "every event comes back"
    );
}

fn write_payload(lane: &Producer<'_>, n: u64, bytes: &[u8]) {
    let mut entry = lane.begin(Head::new(1), 256).unwrap();
    entry.payload()[..bytes.len()].copy_from_slice(bytes);
    entry.commit(words(n), bytes.len());
}

fn ours(group: &mut Group<'_>, best: &mut Best) {
    let (lane, mut drain) = (LANES.lane().unwrap(), LANES.drain().unwrap());
    let session = LANES.open_session(u64::MAX).unwrap();
    let bytes = black_box([7u8; 32]);
    bench(group, best, "clock read", |iters| {
        time(iters, |_| _ = black_box(ticks()), |_| ())
    });
    bench(group, best, "ring", |iters| {
        time(
            iters,
            |n| lane.record(Head::new(1), words(n)).unwrap(),
            |n| read_all(&mut drain, n),
        )
    });
    bench(group, best, "ring through the thread-local", |iters| {
        let write = |n| LANES.begin(Head::new(1), 0).unwrap().commit(words(n), 0);
        time(iters, write, |n| read_all(&mut drain, n))
    });
    bench(group, best, "ring, clock read, thread-local", |iters| {
        let write = |_| {
            LANES
                .begin(Head::new(1), 0)
                .unwrap()
                .commit(words(ticks()), 0)
        };
        time(iters, write, |n| read_all(&mut drain, n))
    });
    bench(group, best, "ring, session budget", |iters| {
        let head = Head::new(1).session(session);
        time(
            iters,
            |n| lane.record(head, words(n)).unwrap(),
            |n| read_all(&mut drain, n),
        )
    });
    bench(group, best, "ring, 32 bytes of payload", |iters| {
        time(
            iters,
            |n| write_payload(&lane, n, &bytes),
            |n| read_all(&mut drain, n),
        )
    });
    LANES.close_session(session).unwrap();
}

fn peers(group: &mut Group<'_>, best: &mut Best) {
    bench(group, best, "rtrb", |iters| {
        let (mut tx, mut rx) = rtrb::RingBuffer::new(65_536);
        let empty = |batch| (0..batch).for_each(|n| assert_eq!(rx.pop().unwrap(), slot(n)));
        time(iters, |n| tx.push(slot(n)).unwrap(), empty)
    });
    bench(group, best, "ArrayQueue", |iters| {
        let queue = ArrayQueue::new(65_536);
        let empty = |batch| (0..batch).for_each(|n| assert_eq!(queue.pop().unwrap(), slot(n)));
        time(iters, |n| queue.push(slot(n)).unwrap(), empty)
    });
}

/// The reader's side, and what a refused event costs.
fn reading(group: &mut Group<'_>, best: &mut Best) {
    let lanes = Lanes::new();
    lanes.start(config(1)).unwrap();
    let (lane, mut drain) = (lanes.claim().unwrap(), lanes.drain().unwrap());
    bench(group, best, "read: ring", |iters| {
        let (mut spent, mut done) = (Duration::ZERO, 0);
        while done < iters {
            (0..BATCH).for_each(|n| lane.record(Head::new(1), words(n)).unwrap());
            let start = Instant::now();
            done += drain.drain(usize::MAX, |_, slot, _| _ = black_box(slot.stamp)) as u64;
            spent += start.elapsed();
        }
        spent.mul_f64(iters as f64 / done as f64)
    });
    bench(group, best, "read: rtrb", |iters| {
        let (mut tx, mut rx) = rtrb::RingBuffer::new(65_536);
        let (mut spent, mut done) = (Duration::ZERO, 0);
        while done < iters {
            (0..BATCH).for_each(|n| tx.push(slot(n)).unwrap());
            let start = Instant::now();
            (0..BATCH).for_each(|_| _ = black_box(rx.pop().unwrap().stamp));
            spent += start.elapsed();
            done += BATCH;
        }
        spent.mul_f64(iters as f64 / done as f64)
    });
    while lane.record(Head::new(1), words(0)).is_ok() {}
    bench(group, best, "refused by a full ring", |iters| {
        time(
            iters,
            |n| assert!(lane.record(Head::new(1), words(n)).is_err()),
            |_| (),
        )
    });
}

/// One producer and one reader at the same time; the producer tries again when there is no room.
fn across(group: &mut Group<'_>, best: &mut Best) {
    bench(group, best, "two threads: ring", |iters| {
        let lanes = Lanes::new();
        lanes.start(config(1)).unwrap();
        let mut drain = lanes.drain().unwrap();
        let read = |left: u64| {
            drain.drain(left.min(4096) as usize, |_, slot, _| {
                _ = black_box(slot.stamp)
            }) as u64
        };
        pair(iters, read, || {
            let lane = lanes.claim().unwrap();
            move |n| lane.record(Head::new(1), words(n)).is_ok()
        })
    });
    bench(group, best, "two threads: rtrb", |iters| {
        let (mut tx, mut rx) = rtrb::RingBuffer::new(65_536);
        pair(
            iters,
            |_| rx.pop().map_or(0, one),
            move || move |n| tx.push(slot(n)).is_ok(),
        )
    });
    bench(group, best, "two threads: ArrayQueue", |iters| {
        let queue = ArrayQueue::new(65_536);
        let read = |_| queue.pop().map_or(0, one);
        pair(iters, read, || |n| queue.push(slot(n)).is_ok())
    });
}

/// The ring is filled and emptied once before the clock runs: its pages are there, as they are in a
/// ring that has been in use.
fn pair<W: FnMut(u64) -> bool>(
    iters: u64,
    mut read: impl FnMut(u64) -> u64,
    writer: impl FnOnce() -> W + Send,
) -> Duration {
    let step = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut write = writer();
            while write(0) {}
            step.wait();
            step.wait();
            (0..iters).for_each(|n| {
                while !write(n) {
                    thread::yield_now();
                }
            });
        });
        step.wait();
        while read(u64::MAX) > 0 {}
        step.wait();
        let start = Instant::now();
        take(iters, read);
        start.elapsed()
    })
}

fn take(mut left: u64, mut read: impl FnMut(u64) -> u64) {
    while left > 0 {
        let events = read(left);
        left -= events;
        if events == 0 {
            thread::yield_now();
        }
    }
}

/// What the one event pays that ends a silence, with its system call: the median of some silences.
/// Not criterion's, which would repeat the silences as often as the nanoseconds allow.
fn waking() -> f64 {
    let lanes = Lanes::new();
    lanes.start(config(1)).unwrap();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut drain = lanes.drain().unwrap();
            while !over.load(Relaxed) {
                lanes.wait(WakeOn::Event, None);
                drain.drain(usize::MAX, |_, _, _| ());
            }
        });
        let lane = lanes.claim().unwrap();
        let mut spent: Vec<_> = (0..501).map(|n| wake_once(&lane, n)).collect();
        over.store(true, Relaxed);
        lanes.wake();
        *spent.select_nth_unstable(250).1
    })
    .as_secs_f64()
        * 1e9
}

fn wake_once(lane: &Producer<'_>, n: u64) -> Duration {
    thread::sleep(Duration::from_micros(300));
    let start = Instant::now();
    lane.record(Head::new(1), words(n)).unwrap();
    start.elapsed()
}

fn rows(best: &Best) {
    let of = |name| best.get(name).copied().unwrap_or(f64::NAN);
    let row = |what: &str, ours: f64, peer: &str, figure: f64| {
        Row::new(format!("ring: {what}"), "ns", ours).beside(peer, figure)
    };
    let over_clock = of("ring, clock read, thread-local") - of("clock read");
    row("write over the clock read", over_clock, "rtrb", of("rtrb"))
        .at_most(10.0)
        .print();
    let (ring, queue) = (of("ring through the thread-local"), of("ArrayQueue"));
    row("write", ring, "ArrayQueue", queue)
        .times_the_peer(1.0)
        .print();
    row("read", of("read: ring"), "rtrb", of("read: rtrb")).print();
    let two = of("two threads: ring");
    row("both sides at once", two, "rtrb", of("two threads: rtrb")).print();
    let queue = of("two threads: ArrayQueue");
    row("both sides at once", two, "ArrayQueue", queue)
        .times_the_peer(1.0)
        .print();
    Row::new("ring: the event that wakes the drain", "ns", waking()).print();
}

fn main() {
    LANES.start(config(2)).unwrap();
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1500))
        .sample_size(30)
        .configure_from_args();
    let (mut best, mut group) = (Best::new(), criterion.benchmark_group("ring"));
    ours(&mut group, &mut best);
    peers(&mut group, &mut best);
    reading(&mut group, &mut best);
    across(&mut group, &mut best);
    group.finish();
    criterion.final_summary();
    rows(&best);
}
