//! What a question costs over a million events, or ten with `SCOPE_LONG=1`, beside a naive scan of
//! the same store in the same run. Times are of the thread's core, so that a busy machine tells the
//! same.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a bench that cannot run says so"
)]
#![allow(clippy::print_stdout, reason = "the table is the result")]
#![allow(unreachable_pub, reason = "modules of a bench are its own")]

mod load;
mod naive;

use criterion::{Criterion, criterion_group};
use load::Load;
use scope_bench::Row;
use scope_event::Kind;
use scope_store::{By, Function, Kinds, Query};
use std::hint::black_box;
use std::time::Duration;

/// Time that this thread had a core: the machine may be shared.
fn cpu_time() -> Duration {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `now` is a timespec that outlives the call; the clock exists on every Linux.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut now) };
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

/// Median and 99th percentile of single calls.
fn percentiles(samples: usize, mut call: impl FnMut(usize)) -> (Duration, Duration) {
    let mut times: Vec<Duration> = (0..samples)
        .map(|sample| {
            let start = cpu_time();
            call(sample);
            cpu_time() - start
        })
        .collect();
    times.sort_unstable();
    (times[samples / 2], times[samples * 99 / 100])
}

/// `ours` are median and 99th percentile; the target is for the latter, in microseconds.
fn row(what: &str, ours: (Duration, Duration), peer: Duration, target: Option<f64>) {
    println!("{what:<34} p50 {:>9.1?} p99 {:>9.1?}", ours.0, ours.1);
    let us = |time: Duration| time.as_secs_f64() * 1e6;
    let row = Row::new(format!("store: {what}"), "µs", us(ours.1)).beside("scan", us(peer));
    target.map_or(row.clone(), |most| row.at_most(most)).print();
}

fn window(load: &Load, sample: usize) -> Query {
    let (server, from, to) = load.window(sample);
    Query {
        pids: vec![server],
        mfa: Some(Function {
            module: Some("Elixir.KV.Server".into()),
            function: Some("handle_call".into()),
            arity: Some(3),
        }),
        from: Some(from),
        to: Some(to),
        limit: 100,
        ..Query::default()
    }
}

fn table(load: &Load) {
    let stats = load.store.stats();
    let per_event = |bytes: u64| bytes as f64 / stats.events as f64;
    println!(
        "\n{}: {} events in {} blocks, {:.2} B/event stored, index {:.3} B/event",
        load.name,
        stats.events,
        stats.blocks,
        per_event(stats.bytes),
        per_event(stats.index_bytes as u64)
    );
    println!(
        "recorded at {:.0} ns/event, block, index and compression included",
        load.ns_per_event
    );
    figures(load, stats.events, stats.index_bytes);
    let named = |what: &str| format!("{}: {what}", load.name);
    // 25 ms for ten million.
    let scan = Some(25e3 * stats.events as f64 / 10e6);
    let naive = naive::Scan::new(&load.store);
    let state = naive.time(|scan| scan.state(&load.state(1).0, load.state(1).1));
    let ours = percentiles(2_000, |sample| {
        let (pid, at) = load.state(sample);
        black_box(load.store.state_at(&pid, at));
    });
    row(&named("state of a pid at T, p99"), ours, state, Some(50.0));
    let (pid, at) = load.state(7);
    let ours = percentiles(2_000, |sample| {
        black_box(load.store.state_at(&pid, at + ((sample as u64) << 16)));
    });
    row(
        &named("the same, stepping through time"),
        ours,
        state,
        Some(50.0),
    );
    let peer = naive.time(|scan| scan.matching(&window(load, 1)));
    let ours = percentiles(500, |sample| drop(load.store.query(&window(load, sample))));
    row(&named("pid x function x time, p99"), ours, peer, Some(1e3));
    let kinds = Query {
        kinds: Kinds::from(Kind::Receive),
        ..Query::default()
    };
    let peer = naive.time(|scan| scan.matching(&kinds));
    let ours = percentiles(5, |_| drop(load.store.count(&kinds, By::Key)));
    row(&named("count of one kind by key"), ours, peer, scan);
    for (by, what) in [
        (By::Pid, "count of all by pid"),
        (By::Kind, "count of all by kind"),
        (By::Key, "count of all by key"),
        (By::Second, "count of all by second"),
    ] {
        let ours = percentiles(5, |_| drop(load.store.count(&Query::default(), by)));
        row(&named(what), ours, peer, scan);
    }
    let ours = percentiles(3, |_| {
        naive.decode_all();
    });
    row(&named("full decode"), ours, ours.1, None);
    let all = Query {
        limit: 10_000,
        ..Query::default()
    };
    let ours = percentiles(5, |_| drop(load.store.query(&all)));
    row(&named("first 10,000 events"), ours, peer, None);
}

/// The index is small for full blocks; a hundred thousand short processes need more of it.
fn figures(load: &Load, events: u64, index_bytes: usize) {
    let target = if load.name.starts_with("short") {
        0.5
    } else {
        0.15
    };
    let index = index_bytes as f64 / events as f64;
    Row::new(
        format!("store: {}: index in memory, an event", load.name),
        "B",
        index,
    )
    .at_most(target)
    .print();
    let what = format!("store: {}: recording, an event", load.name);
    Row::new(what, "ns", load.ns_per_event)
        .at_most(80.0)
        .print();
}

fn questions(criterion: &mut Criterion) {
    let loads = load::all();
    loads.iter().for_each(table);
    let load = &loads[0];
    let mut group = criterion.benchmark_group("store");
    group
        .sample_size(20)
        .measurement_time(Duration::from_secs(2));
    group.bench_function("state_at", |bench| {
        let mut sample = 0;
        bench.iter(|| {
            sample += 1;
            let (pid, at) = load.state(sample);
            black_box(load.store.state_at(&pid, at))
        });
    });
    group.bench_function("window", |bench| {
        bench.iter(|| black_box(load.store.query(&window(load, 1))));
    });
    group.finish();
}

criterion_group!(benches, questions);

fn main() {
    benches();
    Criterion::default().configure_from_args().final_summary();
}
