//! What synchronisation costs: comparing vectors, planning, applying, healing, and the bytes beside
//! the blocks. Each figure has its peer or its floor in the same run.
#![allow(clippy::print_stdout, reason = "the table is the result")]
#![allow(clippy::unwrap_used, reason = "a bench that fails should say where")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Instant;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use scope_bench::Row;
use scope_sync::model::{MemoryHoldings, ModelBlock};
use scope_sync::{Knowledge, Now, Origin, Out, Replica, Settings, Vector};

const STAMP: u64 = 1_000_000 << 32;

fn origin(i: usize) -> Origin {
    Origin::new(
        format!("orders-{i}@10.0.12.{}", i % 250),
        1_763_000_000_000_000 + i as u64,
    )
}

fn now(second: u64) -> Now {
    Now {
        mono_ns: second * 1_000_000_000,
        stamp: STAMP + (second << 32),
    }
}

struct Pair {
    a: (Replica, MemoryHoldings),
    b: (Replica, MemoryHoldings),
    second: u64,
}

impl Pair {
    fn new() -> Self {
        let settings = Settings {
            bytes_per_s: None,
            audit_every: None,
            ..Settings::default()
        };
        let side = |name: &str| {
            let own = Origin::new(name, 1);
            (
                Replica::new(own, settings.clone(), 0),
                MemoryHoldings::new(),
            )
        };
        let mut pair = Self {
            a: side("a@x"),
            b: side("b@x"),
            second: 1,
        };
        pair.a.0.peer_up("b@x");
        pair.b.0.peer_up("a@x");
        pair.round();
        pair
    }

    /// One tick of both and all that follows.
    fn round(&mut self) {
        self.second += 2;
        let now = now(self.second);
        let mut out = self.a.0.tick(now, &mut self.a.1);
        out.extend(self.b.0.tick(now, &mut self.b.1));
        self.deliver(out);
    }

    fn deliver(&mut self, out: Vec<Out>) {
        let now = now(self.second);
        let mut queue = std::collections::VecDeque::from(out);
        while let Some(Out { to, bytes }) = queue.pop_front() {
            let ((replica, store), from) = if *to == *"a@x" {
                (&mut self.a, "b@x")
            } else {
                (&mut self.b, "a@x")
            };
            queue.extend(replica.receive(from, &bytes, now, store).unwrap());
        }
    }

    /// Bytes both ways, bytes of blocks, frames of blocks, messages, entries, bytes of names.
    fn counts(&self) -> [u64; 6] {
        let mut all = [0; 6];
        for (_, s) in self.a.0.stats().chain(self.b.0.stats()) {
            let of = [
                s.bytes_out,
                s.payload_out,
                s.frames_out,
                s.messages_out,
                s.entries_out,
                s.names_out,
            ];
            all.iter_mut().zip(of).for_each(|(sum, n)| *sum += n);
        }
        all
    }
}

fn blocks(store: &mut MemoryHoldings, origin: &Origin, count: u64, events: u64, filler: usize) {
    use scope_sync::Holdings;
    for _ in 0..count {
        let from = store.knowledge(origin).top() + 1;
        store.put(
            &ModelBlock::new(origin.clone(), from, from + events - 1, STAMP).with_filler(filler),
        );
    }
}

fn vectors(c: &mut Criterion) {
    let mut group = c.benchmark_group("compare");
    for size in [1_000_u32, 10_000] {
        let (mut mine, mut tree) = (Vector::default(), BTreeMap::new());
        for i in 0..size {
            let prefix = 1_000 + u64::from(i);
            mine.set(
                i,
                Knowledge {
                    prefix,
                    ..Knowledge::default()
                },
            );
            tree.insert(i, prefix);
        }
        let (theirs, their_tree) = (mine.clone(), tree.clone());
        let mut ahead = mine.clone();
        for i in (0..size).step_by(20) {
            ahead.set(
                i,
                Knowledge {
                    prefix: 900_000,
                    ..Knowledge::default()
                },
            );
        }
        group.throughput(Throughput::Elements(u64::from(size)));
        group.bench_function(format!("{size} origins, equal"), |b| {
            b.iter(|| black_box(&theirs).ahead_of(black_box(&mine)));
        });
        group.bench_function(format!("{size} origins, one in twenty ahead"), |b| {
            b.iter(|| black_box(&ahead).ahead_of(black_box(&mine)));
        });
        group.bench_function(format!("{size} origins, equal, BTreeMap"), |b| {
            b.iter(|| -> Vec<u32> {
                let their_tree = black_box(&their_tree);
                let behind = |(i, top): (&u32, &u64)| (tree.get(i) < Some(top)).then_some(*i);
                their_tree.iter().filter_map(behind).collect()
            });
        });
    }
    group.finish();
}

/// A pair in step on 1,000 origins, one new block on each at `a`, and `a`'s digest of it.
fn digest_of_1000() -> (Pair, Vec<Out>) {
    let mut pair = Pair::new();
    for _ in 0..2 {
        (0..1_000).for_each(|i| blocks(&mut pair.a.1, &origin(i), 1, 50, 90));
        (0..4).for_each(|_| pair.round());
    }
    (0..1_000).for_each(|i| blocks(&mut pair.a.1, &origin(i), 1, 50, 90));
    pair.second += 2;
    let out = pair.a.0.tick(now(pair.second), &mut pair.a.1);
    (pair, out)
}

fn plan(c: &mut Criterion) {
    let mut group = c.benchmark_group("plan");
    group.throughput(Throughput::Elements(1_000));
    group.bench_function("digest of 1,000 changed origins to pull", |b| {
        b.iter_batched(
            digest_of_1000,
            |(mut pair, out)| {
                let now = now(pair.second);
                let pull = pair
                    .b
                    .0
                    .receive("a@x", &out[0].bytes, now, &mut pair.b.1)
                    .unwrap();
                (pair, pull)
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

fn apply(c: &mut Criterion) {
    let mut group = c.benchmark_group("apply");
    let events = 16_384 * 61;
    group.sample_size(10);
    group.throughput(Throughput::Elements(events));
    group.bench_function("heal of 1 M events in 61 blocks, both sides", |b| {
        b.iter_batched(
            || {
                let mut pair = Pair::new();
                blocks(&mut pair.a.1, &origin(0), 61, 16_384, 16_384 * 2);
                pair
            },
            |mut pair| {
                pair.round();
                assert_eq!(pair.b.1.events(&origin(0)), events);
                pair
            },
            BatchSize::LargeInput,
        );
    });
    let raw = vec![7_u8; 61 * 16_384 * 2];
    group.bench_function(
        "floor: checksum three times and copy twice the same bytes",
        |b| {
            b.iter(|| {
                let (one, two) = (black_box(&raw).clone(), black_box(&raw).clone());
                let sums = [&raw, &one, &two].map(|bytes| crc32c::crc32c(bytes));
                (one, two, sums)
            });
        },
    );
    group.finish();
}

/// The best of many short runs, in nanoseconds: what it costs when nobody else uses the machine.
fn best<T>(run: impl Fn() -> T) -> f64 {
    let once = || {
        let start = Instant::now();
        (0..20).for_each(|_| drop(black_box(run())));
        start.elapsed() / 20
    };
    let best = (0..2_000).map(|_| once()).min().unwrap_or_default();
    best.as_nanos() as f64
}

fn best_compare() {
    let entry = |prefix| Knowledge {
        prefix,
        ..Knowledge::default()
    };
    let (mut mine, mut tree) = (Vector::default(), BTreeMap::new());
    for i in 0..1_000 {
        mine.set(i, entry(1_000 + u64::from(i)));
        tree.insert(i, 1_000 + u64::from(i));
    }
    let (mut ahead, their_tree) = (mine.clone(), tree.clone());
    let theirs = mine.clone();
    let equal = best(|| black_box(&theirs).ahead_of(black_box(&mine)));
    (0..1_000)
        .step_by(20)
        .for_each(|i| ahead.set(i, entry(900_000)));
    let some_ahead = best(|| black_box(&ahead).ahead_of(black_box(&mine)));
    let peer = best(|| -> Vec<u32> {
        let behind = |(i, top): (&u32, &u64)| (tree.get(i) < Some(top)).then_some(*i);
        black_box(&their_tree).iter().filter_map(behind).collect()
    });
    for (what, ours) in [("equal", equal), ("one in twenty ahead", some_ahead)] {
        Row::new(format!("sync: compare 1,000 origins, {what}"), "ns", ours)
            .beside("two BTreeMaps, equal", peer)
            .at_most(1_000.0)
            .print();
    }
}

fn healing(_: &mut Criterion) {
    let of = |what| scope_bench::median(&["apply", what]);
    let heal = of("heal of 1 M events in 61 blocks, both sides");
    let floor = of("floor: checksum three times and copy twice the same bytes");
    if let (Some(heal), Some(floor)) = (heal, floor) {
        Row::new(
            "sync: heal of 1 M events, both sides, in memory",
            "ms",
            heal / 1e6,
        )
        .beside("checksums and copies alone", floor / 1e6)
        .at_most(1_000.0)
        .print();
    }
}

fn row(what: &str, before: [u64; 6], after: [u64; 6]) {
    let d: Vec<u64> = after.iter().zip(before).map(|(a, b)| a - b).collect();
    let [bytes, payload, frames, messages, entries, names] = d[..] else {
        return;
    };
    let allowed = payload + payload / 100 + 2 * entries + 128 * frames;
    println!(
        "{what:44} {payload:>9} {bytes:>9} {:>8.4} {frames:>6} {messages:>8} {entries:>7} {names:>7} {allowed:>9}",
        bytes as f64 / payload.max(1) as f64,
    );
    // The names of origins are said once and are no part of the target.
    Row::new(format!("sync: {what}"), "B", (bytes - names) as f64)
        .beside("the blocks themselves", payload as f64)
        .at_most(allowed as f64)
        .print();
}

/// Bytes on the connection against bytes of blocks.
fn table(_: &mut Criterion) {
    println!(
        "{:44} {:>9} {:>9} {:>8} {:>6} {:>8} {:>7} {:>7} {:>9}",
        "between two nodes",
        "blocks",
        "sent",
        "ratio",
        "frames",
        "messages",
        "entries",
        "names",
        "allowed"
    );
    let mut pair = Pair::new();
    let mut case = |what: &str, fill: &dyn Fn(&mut MemoryHoldings)| {
        let before = pair.counts();
        fill(&mut pair.a.1);
        (0..6).for_each(|_| pair.round());
        row(what, before, pair.counts());
    };
    case("first block of a new origin", &|s| {
        blocks(s, &origin(0), 1, 256, 900)
    });
    case("one block of 256 events", &|s| {
        blocks(s, &origin(0), 1, 256, 900)
    });
    case("1 M events in 61 blocks", &|s| {
        blocks(s, &origin(0), 61, 16_384, 16_384 * 2)
    });
    case("100 blocks of 50 events", &|s| {
        blocks(s, &origin(0), 100, 50, 200)
    });
    case("1,000 new origins, one block each", &|s| {
        (0..1_000).for_each(|i| blocks(s, &origin(i), 1, 50, 200));
    });
    case("1,000 changed origins, one block each", &|s| {
        (0..1_000).for_each(|i| blocks(s, &origin(i), 1, 50, 200));
    });
    case("50 changed origins of 1,000", &|s| {
        (0..50).for_each(|i| blocks(s, &origin(i * 20), 1, 50, 200));
    });
    case("nothing for twelve seconds", &|_| ());
    best_compare();
}

criterion_group!(benches, table, vectors, plan, apply, healing);
criterion_main!(benches);
