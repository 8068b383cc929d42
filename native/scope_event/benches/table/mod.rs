//! The table: what, ours, peer, ratio, target, met or not.
#![allow(clippy::print_stdout, reason = "a table for people")]

use crate::traces::Trace;
use crate::{at_rest, blocks, builder, peers};
use scope_event::block::MAX_EVENTS;
use scope_event::{Block, Interner};
use std::sync::Arc;
use std::time::Instant;

pub(crate) fn print(traces: &[Trace], interner: &Arc<Interner>) {
    println!(
        "\n{:<28} {:>9} {:>9} {:>7} {:>8}  ",
        "native side, per event", "ours", "peer", "ratio", "target"
    );
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
        "{}: {} blocks, plain columns {lz4:.2} / {zstd:.2} B, terms {:.1} B raw",
        trace.name,
        hot.len(),
        trace.payload_bytes() as f64 / events
    );
    line("  stored hot, B", size(&hot) / events, peer, hot_target);
    line(
        "  stored at rest, B",
        size(&rest) / events,
        peer,
        rest_target,
    );
    let small = blocks(trace, &mut builder(interner), 256);
    line(
        "  256 events a block, B",
        size(&small) / events,
        peer,
        f64::INFINITY,
    );
    let mut open = builder(interner);
    let ours = best(|| drop(blocks(trace, &mut open, MAX_EVENTS))) / events;
    let peer = best(|| {
        std::hint::black_box(peers::rows(trace));
    }) / events;
    line("  build and close, ns", ours, peer, 80.0);
    let decode = best(|| hot.iter().for_each(|block| drop(block.events()))) / events;
    line("  decode, ns", decode, f64::NAN, 15.0);
    hot.iter()
        .chain(&rest)
        .for_each(|block| assert!(block.verify().is_ok()));
}

fn size(blocks: &[Block]) -> f64 {
    blocks
        .iter()
        .map(|block| block.bytes().len())
        .sum::<usize>() as f64
}

/// Nanoseconds on the processor of the best of some runs: other work on the machine does not count.
/// Linux counts in ticks, so each run is long.
fn best(mut run: impl FnMut()) -> f64 {
    const RUN: f64 = 60e6;
    let wall = Instant::now();
    run();
    let times = (RUN / wall.elapsed().as_nanos() as f64).ceil() as u32;
    let now = || on_cpu().unwrap_or_else(|| wall.elapsed().as_nanos() as f64);
    let mut once = || {
        let start = now();
        (0..times).for_each(|_| run());
        (now() - start) / f64::from(times)
    };
    (0..7).map(|_| once()).fold(f64::INFINITY, f64::min)
}

/// What Linux has counted for this thread.
fn on_cpu() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    stat.split_whitespace().next()?.parse().ok()
}

fn line(what: &str, ours: f64, peer: f64, target: f64) {
    let met = match ours <= target {
        _ if target.is_infinite() => "reported",
        true => "met",
        false => "NOT MET",
    };
    println!(
        "{what:<28} {ours:>9.2} {peer:>9.2} {:>7.1} {target:>8.1}  {met}",
        peer / ours
    );
}
