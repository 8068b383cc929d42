//! The table: what, ours, peer, ratio, target, met or not.
#![allow(clippy::print_stdout, reason = "a table for people")]

use crate::traces::Trace;
use crate::{at_rest, blocks, builder, peers};
use scope_event::block::MAX_EVENTS;
use scope_event::{Block, Interner};
use std::sync::Arc;

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
        "{}: {} blocks, plain columns {lz4:.2} / {zstd:.2} B, terms {:.1} B raw, {:.0} % repeated",
        trace.name,
        hot.len(),
        trace.payload_bytes() as f64 / events,
        repeated(&hot)
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
