//! Bytes and nanoseconds an event as rows, and what the bytes are spent on.
#![allow(clippy::print_stdout, reason = "a table for people")]

use crate::traces::Trace;
use crate::{at_rest, blocks, builder, peers};
use scope_bench::Row;
use scope_event::block::MAX_EVENTS;
use scope_event::{Block, Interner};
use std::sync::Arc;

pub(crate) fn print(traces: &[Trace], interner: &Arc<Interner>) {
    traces.iter().for_each(|trace| rows(trace, interner));
}

fn rows(trace: &Trace, interner: &Arc<Interner>) {
    let events = trace.steps.len() as f64;
    let terms = trace.payload_bytes() > 0;
    let (hot_target, rest_target) = if terms { (8.0, 5.0) } else { (2.2, 1.6) };
    let hot = blocks(trace, &mut builder(interner), MAX_EVENTS);
    let rest = at_rest(&hot);
    assert_eq!(hot.len(), rest.len());
    let peer = peers::rows(trace) as f64 / events;
    let (lz4, zstd) = peers::plain_columns(trace);
    println!(
        "{}: {} blocks, plain columns {lz4:.2} / {zstd:.2} B, terms {:.1} B raw, {:.0} % repeated",
        trace.name,
        hot.len(),
        trace.payload_bytes() as f64 / events,
        repeated(&hot)
    );
    let row = |what: &str, unit, ours, peer| {
        let what = format!("block: {}: {what}", trace.name);
        Row::new(what, unit, ours).beside("rows + LZ4", peer)
    };
    let (hot_size, rest_size) = (size(&hot) / events, size(&rest) / events);
    row("stored hot", "B", hot_size, peer)
        .at_most(hot_target)
        .print();
    row("stored at rest", "B", rest_size, peer)
        .at_most(rest_target)
        .print();
    columns("hot", &hot, events);
    columns("at rest", &rest, events);
    let small = blocks(trace, &mut builder(interner), 256);
    row("256 events a block", "B", size(&small) / events, peer).print();
    let mut open = builder(interner);
    let ours = best(|| drop(blocks(trace, &mut open, MAX_EVENTS))) / events;
    let peer = best(|| {
        std::hint::black_box(peers::rows(trace));
    }) / events;
    row("build and close", "ns", ours, peer)
        .at_most(80.0)
        .print();
    let decode = best(|| hot.iter().for_each(|block| drop(block.events()))) / events;
    let what = format!("block: {}: decode", trace.name);
    Row::new(what, "ns", decode).at_most(15.0).print();
    hot.iter()
        .chain(&rest)
        .for_each(|block| assert!(block.verify().is_ok()));
}

const COLUMNS: [&str; 12] = [
    "names",
    "sections",
    "pids",
    "keys",
    "times",
    "data",
    "correlations",
    "metas",
    "payload index",
    "payloads",
    "state index",
    "states",
];

/// Where the bytes go.
fn columns(what: &str, blocks: &[Block], events: f64) {
    let mut sums = [0; COLUMNS.len()];
    for block in blocks {
        let sizes = block.column_sizes();
        sums.iter_mut()
            .zip(sizes)
            .for_each(|(sum, size)| *sum += size);
    }
    let rest = size(blocks) - sums.iter().sum::<usize>() as f64;
    print!("  B of columns {what}: header {:.3}", rest / events);
    for (name, sum) in COLUMNS.iter().zip(sums).filter(|(_, sum)| *sum > 0) {
        print!(", {name} {:.3}", sum as f64 / events);
    }
    println!();
}

/// How many of the terms are repeated ones.
fn repeated(blocks: &[Block]) -> f64 {
    let (mut all, mut new) = (0, 0);
    for events in blocks.iter().filter_map(|block| block.events().ok()) {
        all += events.data_ids().iter().filter(|id| **id > 0).count();
        new += events.data_ids().iter().max().copied().unwrap_or_default() as usize;
    }
    100.0 * (1.0 - new as f64 / all.max(1) as f64)
}

fn size(blocks: &[Block]) -> f64 {
    blocks
        .iter()
        .map(|block| block.bytes().len())
        .sum::<usize>() as f64
}

/// Nanoseconds on the processor of the best of some runs: other work on the machine counts only as
/// far as it shares a core.
fn best(mut run: impl FnMut()) -> f64 {
    let mut once = || {
        let start = on_cpu();
        run();
        on_cpu() - start
    };
    (0..40).map(|_| once()).fold(f64::INFINITY, f64::min)
}

fn on_cpu() -> f64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the clock exists on every Linux and `time` is ours to write.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}
